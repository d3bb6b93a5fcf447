//! Reading bodies: JSON with duplicate keys noticed, and YAML.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A body as a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The value; of a repeated key the last one counts.
    pub value: Value,
    /// Paths of repeated keys, once each.
    pub duplicates: Vec<String>,
}

/// Reads JSON.
pub fn parse_json(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { path: &Path::Root, duplicates: &mut duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates })
}

/// Reads one YAML document with the scalars of YAML 1.1, as `sigs.k8s.io/yaml` has them.
pub fn parse_yaml(bytes: &[u8]) -> Result<Parsed, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("yaml: {e}"))?;
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let value =
        serde_saphyr::from_str_with_options::<Value>(text, options).map_err(|e| format!("error converting YAML to JSON: yaml: {e}"))?;
    Ok(Parsed { value, duplicates: Vec::new() })
}

enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

struct Seed<'p, 'd> {
    path: &'p Path<'p>,
    duplicates: &'d mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = Path::Index(self.path, items.len());
            match access.next_element_seed(Seed { path: &path, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = Path::Key(self.path, &key);
            let value = access.next_value_seed(Seed { path: &path, duplicates: self.duplicates })?;
            if map.contains_key(&key) {
                let text = path.to_string();
                if !self.duplicates.contains(&text) {
                    self.duplicates.push(text);
                }
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repeated_keys_are_named_by_path() {
        let parsed = parse_json(br#"{"spec": {"a": 1, "list": [{"x": 1}, {"x": 1, "x": 2, "x": 3}], "a": 2}}"#).unwrap();
        assert_eq!(parsed.value, json!({"spec": {"a": 2, "list": [{"x": 1}, {"x": 3}]}}));
        assert_eq!(parsed.duplicates, ["spec.list[1].x", "spec.a"]);
        assert!(parse_json(b"{\"a\":").is_err() && parse_json(b"{} x").is_err());
    }

    #[test]
    fn yaml_has_the_scalars_of_1_1() {
        let parsed = parse_yaml(b"mode: 0644\nname: x\nlist: [1, a]\n").unwrap();
        assert_eq!(parsed.value, json!({"mode": 420, "name": "x", "list": [1, "a"]}));
    }
}
