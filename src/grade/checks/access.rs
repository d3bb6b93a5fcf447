//! `access`: who may do what, asked of the authorizer itself (SubjectAccessReview), so that any way of granting counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grade::fact::{Access, Fact};
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::model::Evidence;

/// Someone may do all of `can` and nothing of `cannot`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessMatrix {
    /// Who.
    #[serde(rename = "as")]
    pub subject: Subject,
    /// What must be allowed.
    pub can: Vec<Request>,
    /// What must not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cannot: Vec<Request>,
}

/// A user with groups, or a ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Groups of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// A ServiceAccount instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
}

/// A ServiceAccount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Verbs on a resource: one question for each verb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// `get`, `list`, …
    pub verbs: Vec<String>,
    /// API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// `deployments`.
    pub resource: String,
    /// `scale`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subresource: String,
    /// Namespace; all of them (and cluster-scoped resources) unless given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// One object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl AccessMatrix {
    /// All questions, each with the answer that is wanted.
    fn questions(&self) -> Vec<(Access, bool)> {
        let (user, groups) = self.subject.identity();
        let ask = |request: &Request, wanted: bool| -> Vec<(Access, bool)> {
            let question = |verb: &String| Access {
                user: user.clone(),
                groups: groups.clone(),
                verb: verb.clone(),
                group: request.group.clone(),
                resource: request.resource.clone(),
                subresource: request.subresource.clone(),
                namespace: request.namespace.clone(),
                name: request.name.clone(),
            };
            request.verbs.iter().map(|v| (question(v), wanted)).collect()
        };
        self.can.iter().flat_map(|r| ask(r, true)).chain(self.cannot.iter().flat_map(|r| ask(r, false))).collect()
    }
}

impl Subject {
    /// Name and groups as the authenticator would give them.
    pub(super) fn identity(&self) -> (String, Vec<String>) {
        match &self.service_account {
            Some(ServiceAccount { namespace, name }) => (
                format!("system:serviceaccount:{namespace}:{name}"),
                vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}"), "system:authenticated".into()],
            ),
            None => {
                let mut groups = self.groups.clone();
                groups.push("system:authenticated".into());
                (self.user.clone().unwrap_or_default(), groups)
            }
        }
    }
}

impl Judge for AccessMatrix {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        self.questions().into_iter().map(|(access, _)| Fact::Access(access)).collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
        let mut evidence = Vec::new();
        for (access, wanted) in self.questions() {
            let subject = access.to_string();
            evidence.push(match snapshot.value(&Fact::Access(access)) {
                Known::Value(answer) => {
                    let allowed = answer["allowed"] == true;
                    Evidence::compared(subject, word(wanted), word(allowed), allowed == wanted)
                }
                Known::Absent => Evidence::compared(subject, word(wanted), "denied", !wanted),
                Known::Unknown(reason) => Evidence::unknown(subject, word(wanted), reason),
            });
        }
        if self.can.is_empty() {
            evidence.push(Evidence::unknown(
                "access",
                "at least one right that is granted",
                "the check has none: a denial that nobody granted proves nothing",
            ));
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{facts, snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    fn spec(can: serde_json::Value, cannot: serde_json::Value) -> serde_json::Value {
        json!({"access": {"as": {"serviceAccount": {"namespace": "ci", "name": "deployer"}}, "can": can, "cannot": cannot}})
    }

    #[test]
    fn accepts_and_rejects() {
        let get = json!([{"verbs": ["get", "list"], "resource": "pods", "namespace": "ci"}]);
        let delete = json!([{"verbs": ["delete"], "resource": "pods", "namespace": "ci"}]);
        let mut known = snapshot();
        for (request, allowed) in [(&get, true), (&delete, false)] {
            for fact in facts(&spec(request.clone(), json!([])), &snapshot()) {
                known = with(known, fact, Observation::Value(json!({"allowed": allowed})));
            }
        }
        table(
            &known,
            &[
                (spec(get.clone(), delete.clone()), Pass),
                (spec(delete.clone(), json!([])), Fail),
                (spec(get.clone(), json!([{"verbs": ["get"], "resource": "pods", "namespace": "ci"}])), Fail),
                (spec(json!([]), delete), Indeterminate),
                (spec(json!([{"verbs": ["get"], "resource": "unread"}]), json!([])), Indeterminate),
            ],
        );
    }

    #[test]
    fn service_accounts_come_with_their_groups() {
        let asked = facts(&spec(json!([{"verbs": ["get"], "resource": "pods"}]), json!([])), &snapshot());
        let Some(Fact::Access(access)) = asked.first() else { panic!("no access question") };
        assert_eq!(access.user, "system:serviceaccount:ci:deployer");
        assert_eq!(access.groups, ["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"]);
        assert_eq!(access.to_string(), "system:serviceaccount:ci:deployer get pods in all namespaces");
    }
}
