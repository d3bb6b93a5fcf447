//! `cel`: an expression over one object or several.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grade::expression::Expression;
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::grade::target::{ListQuery, ObjectQuery, selected};
use crate::model::Evidence;

/// An expression is true. Exactly one of `get` (then `object`) and `list` (then `objects`) is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cel {
    /// The object that the expression knows as `object`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<ObjectQuery>,
    /// The objects that the expression knows as `objects`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListQuery>,
    /// The expression; `captured` and `vars` are there too.
    pub expr: String,
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// An expression for what was found instead, for people: a text, or a list of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Cel {
    fn fact(&self) -> Option<Fact> {
        self.get.as_ref().map(ObjectQuery::fact).or_else(|| self.list.as_ref().map(ListQuery::fact))
    }

    fn evaluate(&self, name: &str, value: &Value, scope: &Scope, subject: String) -> Evidence {
        let expected = self.expected.clone().unwrap_or_else(|| self.expr.clone());
        let variables = [(name, value), ("captured", &scope.captured), ("vars", &scope.vars)];
        match Expression::compile(&self.expr).and_then(|e| e.holds(&variables)) {
            Ok(true) => Evidence::compared(subject, expected, "true", true),
            Ok(false) => Evidence::compared(subject, expected, self.shown(&variables).unwrap_or_else(|| "not so".to_owned()), false),
            Err(error) => Evidence::unknown(subject, expected, error.to_string()),
        }
    }
}

impl Cel {
    /// What `found` says; nothing where it is not given, fails or has nothing to say.
    fn shown(&self, variables: &[(&str, &Value)]) -> Option<String> {
        let text = match Expression::compile(self.found.as_deref()?).and_then(|e| e.evaluate(variables)).ok()? {
            Value::String(text) => text,
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

impl Judge for Cel {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        self.fact().into_iter().collect()
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let expected = || self.expected.clone().unwrap_or_else(|| self.expr.clone());
        let Some(fact) = self.fact() else {
            return Judgement::from_evidence(vec![Evidence::unknown("cel", expected(), "neither get nor list is given")]);
        };
        let subject = fact.to_string();
        let evidence = if let Some(list) = &self.list {
            match selected(snapshot, &fact, list.selector.as_deref()) {
                Ok(objects) => self.evaluate("objects", &objects.into_iter().cloned().collect::<Vec<_>>().into(), scope, subject),
                Err(reason) => Evidence::unknown(subject, expected(), reason),
            }
        } else {
            match snapshot.value(&fact) {
                Known::Value(object) => self.evaluate("object", object, scope, subject),
                Known::Absent => Evidence::compared(subject, expected(), "absent", false),
                Known::Unknown(reason) => Evidence::unknown(subject, expected(), reason),
            }
        };
        Judgement::from_evidence(vec![evidence])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{judge, snapshot, table, with, with_object};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    #[test]
    fn accepts_and_rejects() {
        let known = with_object(snapshot(), json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1", "uid": "u-1"}}));
        let gone = ObjectQuery { kind: "Node".into(), api_version: None, namespace: None, name: "gone".into() };
        let known = with(known, gone.fact(), Observation::Absent);
        let get = |name: &str, expr: &str| json!({"cel": {"get": {"kind": "Node", "name": name}, "expr": expr}});
        table(
            &known,
            &[
                (get("worker-1", "object.metadata.uid == captured.uid"), Pass),
                (get("worker-1", "object.metadata.uid == 'u-2'"), Fail),
                (get("worker-1", "object.spec.nope"), Indeterminate),
                (get("worker-1", "object."), Indeterminate),
                (get("gone", "true"), Fail),
                (get("unread", "true"), Indeterminate),
                (json!({"cel": {"list": {"kind": "Node"}, "expr": "size(objects) == 1 && vars.copies == 3"}}), Pass),
                (json!({"cel": {"list": {"kind": "Node", "selector": "a=b"}, "expr": "size(objects) == 1"}}), Fail),
                (json!({"cel": {"expr": "true"}}), Indeterminate),
            ],
        );
    }

    #[test]
    fn says_what_was_found() {
        let known = with_object(snapshot(), json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}}));
        let found = |expr: &str| {
            let check = json!({"cel": {"list": {"kind": "Node"}, "expr": "size(objects) == 2", "found": expr}});
            judge(&check, &known).evidence.remove(0).actual
        };
        assert_eq!(found("objects.map(o, o.metadata.name)"), "worker-1");
        assert_eq!(found("'only ' + objects[0].metadata.name"), "only worker-1");
        for silent in ["''", "objects[7].metadata.name", "nonsense("] {
            assert_eq!(found(silent), "not so");
        }
    }
}
