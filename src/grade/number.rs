//! A whole number that an author may also write as a template.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `3` or `"{{ copies }}"`. After rendering it is a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// Known.
    Known(i64),
    /// A template that has not been rendered.
    Template(String),
}

impl Number {
    /// The number, once it is known.
    pub fn known(&self) -> Option<i64> {
        match self {
            Self::Known(n) => Some(*n),
            Self::Template(text) => text.trim().parse().ok(),
        }
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self::Known(n)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(n) => write!(f, "{n}"),
            Self::Template(text) => f.write_str(text),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(n) => serializer.serialize_i64(*n),
            Self::Template(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a template")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Number, E> {
                Ok(Number::Known(n))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Number, E> {
                i64::try_from(n).map(Number::Known).map_err(|_| E::custom("the number is too large"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Ok(text.trim().parse().map_or_else(|_| Number::Template(text.to_owned()), Number::Known))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "\\{\\{"}]})
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn numbers_and_templates_round_trip() {
        for (json, known) in [("3", Some(3)), ("\"{{ n }}\"", None), ("\"7\"", Some(7)), ("-1", Some(-1))] {
            let number: Number = serde_json::from_str(json).expect(json);
            assert_eq!(number.known(), known, "{json}");
        }
        assert!(serde_json::from_str::<Number>("1.5").is_err());
        assert_eq!(serde_json::to_string(&Number::Known(4)).expect("serialises"), "4");
    }
}
