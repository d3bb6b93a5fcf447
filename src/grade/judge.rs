//! What every check does: name facts, then judge them.

use jiff::Timestamp;
use serde_json::Value;

use super::fact::Fact;
use super::snapshot::Snapshot;
use super::spec::Expect;
use super::text::sum;
use crate::model::{Evidence, Verdict};

/// What a check may refer to besides the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The variable `node`, for checks that name none.
    pub node: Option<String>,
    /// The scenario's host.
    pub host: String,
    /// Values that the setup remembered.
    pub captured: Value,
    /// Variables.
    pub vars: Value,
}

impl Scope {
    /// The node that a check means whose node is the host unless given.
    pub fn host_or<'a>(&'a self, given: Option<&'a str>) -> &'a str {
        given.unwrap_or(&self.host)
    }

    /// The node that a check means.
    pub fn node_or<'a>(&'a self, given: Option<&'a str>) -> Result<&'a str, Box<Judgement>> {
        given.or(self.node.as_deref()).ok_or_else(|| {
            Box::new(Judgement::from_evidence(vec![Evidence::unknown(
                "node",
                "a node",
                "the check names no node and there is no variable `node`",
            )]))
        })
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The outcome.
    pub verdict: Verdict,
    /// What was looked at.
    pub evidence: Vec<Evidence>,
    /// Since when it has been so, where the cluster tells. Hold windows count from here.
    pub since: Option<Timestamp>,
}

impl Judgement {
    /// The outcome that the evidence comes to.
    pub fn from_evidence(mut evidence: Vec<Evidence>) -> Self {
        if evidence.is_empty() {
            evidence.push(Evidence::unknown("check", "something to look at", "the check asserts nothing"));
        }
        Self { verdict: sum(&evidence), evidence, since: None }
    }

    /// The same, with the moment since when.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }
}

/// A check as two pure functions.
pub trait Judge {
    /// What must be known, given what is known. Asked again until nothing new comes (Deployment, then its pods, then their logs).
    fn facts(&self, scope: &Scope, snapshot: &Snapshot) -> Vec<Fact>;

    /// What the snapshot comes to.
    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement;
}

impl Judge for Expect {
    fn facts(&self, scope: &Scope, snapshot: &Snapshot) -> Vec<Fact> {
        match self.check() {
            Ok(check) => check.facts(scope, snapshot),
            Err(composed) => composed.parts().iter().flat_map(|part| part.facts(scope, snapshot)).collect(),
        }
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        match self.check() {
            Ok(check) => check.judge(scope, snapshot),
            Err(composed) => composed.judge(scope, snapshot),
        }
    }
}

/// Checks that are made of checks.
enum Composed<'a> {
    All(&'a [Expect]),
    Any(&'a [Expect]),
    Not(&'a Expect),
}

impl Composed<'_> {
    fn parts(&self) -> &[Expect] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Not(part) => std::slice::from_ref(part),
        }
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let judged: Vec<Judgement> = self.parts().iter().map(|p| p.judge(scope, snapshot)).collect();
        let verdicts = judged.iter().map(|j| j.verdict);
        // All of nothing would hold by itself: nothing is worth points that nobody did.
        let verdict = if judged.is_empty() {
            Verdict::Indeterminate
        } else {
            match self {
                Self::All(_) => verdicts.fold(Verdict::Pass, Verdict::and),
                Self::Any(_) => verdicts.fold(Verdict::Fail, Verdict::or),
                Self::Not(_) => verdicts.fold(Verdict::Pass, Verdict::and).negate(),
            }
        };
        // The youngest part decides how long the whole has been so; one that does not tell leaves it open.
        let since = judged.iter().map(|j| j.since).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        // Where one of several ways is good, the others are nothing to mend.
        let mut evidence: Vec<Evidence> = judged
            .into_iter()
            .filter(|j| !(matches!(self, Self::Any(_)) && verdict == Verdict::Pass && j.verdict != Verdict::Pass))
            .flat_map(|j| j.evidence)
            .collect();
        if matches!(self, Self::Not(_)) {
            for piece in &mut evidence {
                piece.expected = format!("not: {}", piece.expected);
                piece.verdict = piece.verdict.negate();
            }
        }
        Judgement { verdict, evidence, since: if matches!(self, Self::All(_)) { since } else { None } }
    }
}

impl Expect {
    fn check(&self) -> Result<&dyn Judge, Composed<'_>> {
        Ok(match self {
            Self::Node(check) => check,
            Self::Units(check) => check,
            Self::Workload(check) => check,
            Self::DaemonSetPod(check) => check,
            Self::PodPlacement(check) => check,
            Self::Resource(check) => check,
            Self::Absent(check) => check,
            Self::Condition(check) => check,
            Self::Cel(check) => check,
            Self::Logs(check) => check,
            Self::Exec(check) => check,
            Self::File(check) => check,
            Self::FileAnswer(check) => check,
            Self::Access(check) => check,
            Self::ServiceEndpoints(check) => check,
            Self::Http(check) => check,
            Self::Traffic(check) => check,
            Self::PodsReady(check) => check,
            Self::EndpointShare(check) => check,
            Self::Claim(check) => check,
            Self::Rbac(check) => check,
            Self::Kubeconfig(check) => check,
            Self::Certificate(check) => check,
            Self::StaticPod(check) => check,
            Self::Component(check) => check,
            Self::Dns(check) => check,
            Self::All(parts) => return Err(Composed::All(parts)),
            Self::Any(parts) => return Err(Composed::Any(parts)),
            Self::Not(part) => return Err(Composed::Not(part)),
        })
    }

    /// Whether the clusters' inner life is disturbed by observing it (a request, a command in a container): such facts are read on a fork
    /// where there is one.
    pub fn disturbs(&self) -> bool {
        match self {
            Self::Dns(_) | Self::Exec(_) | Self::Http(_) | Self::Traffic(_) => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::disturbs),
            Self::Not(part) => part.disturbs(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{judge, snapshot, with_object};
    use super::*;

    #[test]
    fn checks_compose() {
        let known =
            with_object(snapshot(), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}));
        let there = json!({"resource": {"kind": "ConfigMap", "name": "a", "fields": {}}});
        let gone = json!({"absent": {"kind": "ConfigMap", "name": "a"}});
        for (spec, verdict) in [
            (json!({"all": [there, {"not": gone}]}), Verdict::Pass),
            (json!({"all": [there, gone]}), Verdict::Fail),
            (json!({"any": [gone, there]}), Verdict::Pass),
            (json!({"any": [gone]}), Verdict::Fail),
            (json!({"all": []}), Verdict::Indeterminate),
            (json!({"any": []}), Verdict::Indeterminate),
            (json!({"not": {"resource": {"kind": "Secret", "name": "unread", "fields": {}}}}), Verdict::Indeterminate),
        ] {
            assert_eq!(judge(&spec, &known).verdict, verdict, "{spec}");
        }
    }

    #[test]
    fn a_failed_part_of_not_reads_the_right_way_round() {
        let known =
            with_object(snapshot(), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}));
        let judgement = judge(&json!({"not": {"resource": {"kind": "ConfigMap", "name": "a", "fields": {}}}}), &known);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.evidence.iter().all(|e| e.verdict == Verdict::Fail && e.expected.starts_with("not: ")));
    }
}
