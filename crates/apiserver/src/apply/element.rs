//! Steps of a field's path.

use std::fmt;

use serde_json::Value;

/// One step (`fieldpath.PathElement`). Keys and values are kept as canonical JSON, which sorts and compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// A field or map key: `f:name`.
    Field(String),
    /// An item of a list of objects, by its key fields: `k:{"name":"x"}`.
    Key(String),
    /// An item of a set: `v:"x"`.
    Value(String),
    /// An item by position: `i:0`.
    Index(usize),
}

impl Element {
    /// The key form of a list item: its key fields with their values, sorted.
    pub fn key(fields: &[(String, Value)]) -> Self {
        let mut fields: Vec<_> = fields.to_vec();
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let map: serde_json::Map<String, Value> = fields.into_iter().collect();
        Self::Key(Value::Object(map).to_string())
    }

    /// As it stands in `fieldsV1`.
    pub fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(json) => format!("k:{json}"),
            Self::Value(json) => format!("v:{json}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// Reads what [`Element::encode`] writes; keys may come in any order.
    pub fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => {
                let Value::Object(map) = serde_json::from_str(rest).ok()? else { return None };
                Some(Self::key(&map.into_iter().collect::<Vec<_>>()))
            }
            "v" => Some(Self::Value(serde_json::from_str::<Value>(rest).ok()?.to_string())),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }
}

impl fmt::Display for Element {
    /// As in conflicts: `.spec.containers[name="x"].image`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(json) => {
                let map: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
                let fields: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(json) => write!(f, "[={json}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_go_both_ways_and_print() {
        let key = Element::key(&[("protocol".into(), json!("TCP")), ("containerPort".into(), json!(80))]);
        let cases = [
            (Element::Field("spec".into()), "f:spec", ".spec"),
            (key, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}", "[containerPort=80,protocol=\"TCP\"]"),
            (Element::Value("\"a\"".into()), "v:\"a\"", "[=\"a\"]"),
            (Element::Index(2), "i:2", "[2]"),
        ];
        for (element, encoded, shown) in cases {
            assert_eq!((element.encode().as_str(), element.to_string().as_str()), (encoded, shown));
            assert_eq!(Element::decode(encoded), Some(element));
        }
        assert_eq!(Element::decode("x:y"), None);
    }
}
