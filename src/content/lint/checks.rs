//! Rules for checks and gates: what earns points for nothing, what waits for nobody, what can never be judged.

use std::collections::BTreeSet;

use super::report::At;
use crate::content::template;
use crate::grade::checks::traffic::Outcome;
use crate::grade::expression::Expression;
use crate::grade::spec::{Check, Expect, Gate};
use crate::grade::text::TextMatch;

/// Names that expressions may use besides those of their own comprehensions.
const CEL_NAMES: [&str; 4] = ["object", "objects", "captured", "vars"];

pub fn lint(checks: &[Check], gates: &[Gate], at: &mut At<'_>) {
    let mut ids = BTreeSet::new();
    for (i, check) in checks.iter().enumerate() {
        let i = i.to_string();
        identify("checks", &i, check.id.as_str(), check.id.is_valid(), &mut ids, at);
        if check.points.0 == 0 {
            at.error("check/no-points", &["checks", &i, "points"], "a check without points").help =
                Some("what must hold without points is a gate".to_owned());
        }
        for (n, earlier) in check.after.iter().enumerate() {
            if !checks.iter().any(|c| c.id == *earlier) {
                at.error("check/unknown-after", &["checks", &i, "after", &n.to_string()], format!("there is no check `{earlier}`"));
            }
        }
        if waits_for_itself(check, checks) {
            at.error("check/circle", &["checks", &i, "after"], format!("the check `{}` waits for itself", check.id));
        }
        if let Some(reason) = check.after.is_empty().then(|| free(&check.expect)).flatten() {
            at.error("check/free-points", &["checks", &i, "expect"], reason).help =
                Some("let it count `after:` a check of something that must be there, or put both into `all`".to_owned());
        }
        expect(&check.expect, &["checks", &i, "expect"], at);
    }
    for (i, gate) in gates.iter().enumerate() {
        let i = i.to_string();
        identify("gates", &i, gate.id.as_str(), gate.id.is_valid(), &mut ids, at);
        expect(&gate.expect, &["gates", &i, "expect"], at);
    }
}

fn identify<'a>(list: &str, index: &str, id: &'a str, valid: bool, ids: &mut BTreeSet<&'a str>, at: &mut At<'_>) {
    if !valid {
        at.error("id/format", &[list, index, "id"], format!("`{id}` is not an id"));
    }
    if !ids.insert(id) {
        at.error("id/duplicate", &[list, index, "id"], format!("the id `{id}` stands here twice"));
    }
}

fn waits_for_itself(check: &Check, checks: &[Check]) -> bool {
    let mut reached: Vec<_> = check.after.clone();
    let mut next = 0;
    while next < reached.len() {
        if reached[next] == check.id {
            return true;
        }
        let more = checks.iter().filter(|c| c.id == reached[next]).flat_map(|c| &c.after);
        let more: Vec<_> = more.filter(|id| !reached.contains(id)).cloned().collect();
        reached.extend(more);
        next += 1;
    }
    false
}

/// Why something would pass without anyone having done anything, as far as its form shows.
fn free(expect: &Expect) -> Option<&'static str> {
    match expect {
        Expect::Absent(_) => Some("the absence of something is there from the start"),
        Expect::Not(_) => Some("that something does not hold is true from the start"),
        Expect::Http(http) if !http.reachable => Some("that nothing answers is true from the start"),
        Expect::Traffic(traffic) if traffic.paths.iter().all(|path| path.is != Outcome::Open) => {
            Some("that nothing answers is true from the start")
        }
        Expect::File(file) if !file.exists => Some("the absence of a file is there from the start"),
        Expect::DaemonSetPod(pod) if !pod.ready => Some("that a pod is not Ready is true from the start"),
        Expect::Dns(dns) if !dns.resolves => Some("that a name does not resolve is true from the start"),
        Expect::Component(component) if !component.healthy => Some("that a component is not healthy is true from the start"),
        Expect::PodPlacement(p) if p.minimum.known().is_some_and(|n| n <= 0) => Some("all of no pods are there from the start"),
        Expect::ServiceEndpoints(s) if s.minimum.known().is_some_and(|n| n <= 0) => Some("no endpoints are there from the start"),
        Expect::Resource(r) if r.count.as_ref().and_then(|n| n.known()) == Some(0) => Some("none of something is there from the start"),
        Expect::All(parts) if parts.is_empty() => Some("all of nothing always holds"),
        // One part that must be brought about is enough; of alternatives, every one must be.
        Expect::All(parts) => parts.iter().map(free).collect::<Option<Vec<_>>>().and_then(|reasons| reasons.first().copied()),
        Expect::Any(parts) => parts.iter().find_map(free),
        _ => None,
    }
}

/// What can never be judged, whatever the cluster.
pub fn expect(expect_: &Expect, keys: &[&str], at: &mut At<'_>) {
    let mut wrong = |code, message: String| {
        at.error(code, keys, message);
    };
    match expect_ {
        Expect::All(parts) | Expect::Any(parts) => {
            let tag = if matches!(expect_, Expect::All(_)) { "all" } else { "any" };
            for (i, part) in parts.iter().enumerate() {
                let i = i.to_string();
                let keys: Vec<&str> = keys.iter().copied().chain([tag, &i]).collect();
                expect(part, &keys, at);
            }
        }
        Expect::Not(part) => {
            let keys: Vec<&str> = keys.iter().copied().chain(["not"]).collect();
            expect(part, &keys, at);
        }
        Expect::Resource(r) if r.name.is_some() == r.selector.is_some() => {
            wrong("check/target", "give exactly one of `name` and `selector`".into())
        }
        Expect::Absent(a) if a.name.is_some() == a.selector.is_some() => {
            wrong("check/target", "give exactly one of `name` and `selector`".into())
        }
        Expect::Logs(l) if l.pod.is_some() == l.selector.is_some() => {
            wrong("check/target", "give exactly one of `pod` and `selector`".into())
        }
        Expect::Exec(e) if e.pod.is_some() == e.selector.is_some() => {
            wrong("check/target", "give exactly one of `pod` and `selector`".into())
        }
        Expect::Http(h) if h.from.pod.is_some() == h.from.node.is_some() => {
            wrong("check/target", "give exactly one of `from.pod` and `from.node`".into());
        }
        Expect::Traffic(t) if t.paths.iter().any(|path| path.from.pod.is_some() == path.from.node.is_some()) => {
            wrong("check/target", "give exactly one of `from.pod` and `from.node` in every path".into());
        }
        Expect::Access(a) if a.can.is_empty() => {
            wrong("check/free-points", "a denial that nobody granted is worth nothing: `can` needs at least one right".into());
        }
        Expect::Rbac(r) if r.exactly.is_empty() => {
            wrong("check/free-points", "that somebody has no rights is true from the start: `exactly` needs at least one".into());
        }
        Expect::Dns(d) if d.from.pods.is_some() == d.from.node.is_some() => {
            wrong("check/target", "give exactly one of `from.pods` and `from.node`".into());
        }
        Expect::Cel(c) => {
            if c.get.is_some() == c.list.is_some() {
                wrong("check/target", "give exactly one of `get` and `list`".into());
            }
            for text in [Some(&c.expr), c.found.as_ref()].into_iter().flatten() {
                if let Some(problem) = cel_problem(text) {
                    wrong("check/expression", problem);
                }
            }
        }
        Expect::FileAnswer(f) => {
            let given = [f.text.is_some(), f.lines.is_some(), f.number.is_some(), f.value.is_some()];
            if given.iter().filter(|g| **g).count() != 1 {
                wrong("check/target", "give exactly one of `text`, `lines`, `number` and `value`".into());
            }
        }
        _ => {}
    }
    for text in texts(expect_) {
        let nothing = text.equals.is_none() && text.contains.is_none() && text.matches.is_none();
        let empty = [&text.equals, &text.contains].into_iter().flatten().any(String::is_empty);
        if nothing || empty {
            at.error("check/text", keys, "a text match that says nothing always holds");
        }
        let pattern = text.matches.as_deref().filter(|p| !p.contains("{{"));
        if let Some(Err(error)) = pattern.map(regex::Regex::new) {
            at.error("check/pattern", keys, format!("the pattern is wrong: {error}"));
        }
    }
}

fn texts(expect: &Expect) -> Vec<&TextMatch> {
    match expect {
        Expect::Logs(l) => vec![&l.text],
        Expect::Exec(e) => e.stdout.iter().collect(),
        Expect::File(f) => f.text.iter().collect(),
        Expect::FileAnswer(f) => f.text.iter().collect(),
        Expect::Http(h) => h.body.iter().collect(),
        _ => Vec::new(),
    }
}

/// Why an expression cannot be evaluated. Those with templates in them are known only once they are filled in.
pub fn cel_problem(text: &str) -> Option<String> {
    if template::names(text).is_ok_and(|n| !n.is_empty()) {
        return None;
    }
    match Expression::compile(text) {
        Err(error) => Some(error.to_string()),
        Ok(expression) => {
            // A comprehension's own names look like variables too; they stand before a comma or as `x,` in its call.
            let own = |name: &str| text.contains(&format!("({name},")) || text.contains(&format!("( {name},"));
            let unknown = expression.variables().into_iter().find(|n| !CEL_NAMES.contains(&n.as_str()) && !n.starts_with('@') && !own(n));
            unknown.map(|name| format!("the expression names `{name}`; there are {}", CEL_NAMES.join(", ")))
        }
    }
}
