//! Typed decoding: what a round trip through upstream's Go structs does to a JSON value.
//!
//! Unknown fields are dropped and reported, types are checked with Go's texts, quantities and times become canonical,
//! empty values that Go would not print vanish, and fields without `omitempty` appear.

use serde_json::{Map, Value};
use values::Quantity;

use super::base64_text;
use super::table::Table;
use super::types::{Field, Shape, Type, TypeId};

/// A decoded object.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The object in canonical form.
    pub value: Value,
    /// Paths of fields that the types do not know, in the order of the input.
    pub unknown: Vec<String>,
}

/// A value that does not fit its type; `Display` is Go's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct DecodeError {
    text: String,
    /// What apimachinery's unstructured converter says instead of the JSON decoder.
    converter: Option<String>,
}

impl DecodeError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), converter: None }
    }

    /// The text where the object did not come as JSON but as a patched map (`DefaultUnstructuredConverter.FromUnstructured`).
    pub fn converting(&self) -> &str {
        self.converter.as_deref().unwrap_or(&self.text)
    }
}

/// Decodes `value` as the type `id`.
pub fn decode(table: &Table, id: TypeId, value: Value) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder { table, unknown: Vec::new() };
    let place = Place::Root;
    let value = match value {
        Value::Object(map) => decoder.named(id, Value::Object(map), &place, None)?,
        other => return Err(mismatch(&other, &place, None, &go_name(&table.get(id).name))),
    };
    Ok(Decoded { value, unknown: decoder.unknown })
}

/// What Go prints for an object of which nothing is set.
pub fn zero_object(table: &Table, id: TypeId) -> Value {
    zero_of(table, &Shape::Named(id)).unwrap_or_default()
}

struct Decoder<'t> {
    table: &'t Table,
    unknown: Vec<String>,
}

/// Where in the document the decoder is; rendered only when something is reported.
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// `spec.containers[0].name`, as strict errors name fields.
    fn full(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Field(parent, name) | Place::Key(parent, name) => match parent.full() {
                head if head.is_empty() => (*name).to_owned(),
                head => format!("{head}.{name}"),
            },
            Place::Index(parent, index) => format!("{}[{index}]", parent.full()),
        }
    }

    /// `spec.containers.name`, as Go's type errors name fields.
    fn fields(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Field(parent, name) => match parent.fields() {
                head if head.is_empty() => (*name).to_owned(),
                head => format!("{head}.{name}"),
            },
            Place::Key(parent, _) | Place::Index(parent, _) => parent.fields(),
        }
    }
}

/// `v1.PodSpec` for `io.k8s.api.core.v1.PodSpec`.
fn go_name(name: &str) -> String {
    let mut parts = name.rsplitn(3, '.');
    match (parts.next(), parts.next()) {
        (Some(kind), Some(version)) => format!("{version}.{kind}"),
        _ => name.to_owned(),
    }
}

fn mismatch(value: &Value, place: &Place<'_>, owner: Option<&Type>, wanted: &str) -> DecodeError {
    let kind = match value {
        Value::String(_) => "string".to_owned(),
        Value::Number(number) if wanted.starts_with("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Null => "null".to_owned(),
    };
    match owner {
        Some(owner) => {
            let name = owner.name.rsplit('.').next().unwrap_or_default();
            let text = format!("json: cannot unmarshal {kind} into Go struct field {name}.{} of type {wanted}", place.fields());
            DecodeError { converter: conversion(value, wanted), ..DecodeError::new(text) }
        }
        None => DecodeError::new(format!("json: cannot unmarshal {kind} into Go value of type {wanted}")),
    }
}

/// The converter's words (`fromUnstructured`): numbers convert to strings in Go, but not here; what Go cannot convert it does not know.
fn conversion(value: &Value, wanted: &str) -> Option<String> {
    let kind = match value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Bool(_) => "bool",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        Value::Null => return None,
    };
    Some(match wanted {
        "string" | "int32" | "int64" if kind.starts_with("int") || kind.starts_with("float") => {
            format!("cannot convert {kind} to {wanted}")
        }
        "string" | "int32" | "int64" | "bool" => format!("unrecognized type: {wanted}"),
        _ if wanted.starts_with("[]") => format!("cannot restore slice from {kind}"),
        _ if wanted.starts_with("map[") => format!("cannot restore map from {kind}"),
        // Types with a decoder of their own keep its words.
        _ => return None,
    })
}

impl Decoder<'_> {
    fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::Any => "runtime.RawExtension".into(),
            Shape::String => "string".into(),
            Shape::Bytes => "[]uint8".into(),
            Shape::Integer(bits) => format!("int{bits}"),
            Shape::Number => "float64".into(),
            Shape::Boolean => "bool".into(),
            Shape::IntOrString => "intstr.IntOrString".into(),
            Shape::Quantity => "resource.Quantity".into(),
            Shape::Time | Shape::MicroTime | Shape::Duration => "string".into(),
            Shape::Named(id) => go_name(&self.table.get(*id).name),
            Shape::List(item, _) => format!("[]{}", self.go_type(item)),
            Shape::Map(value, _) => format!("map[string]{}", self.go_type(value)),
        }
    }

    fn named(&mut self, id: TypeId, value: Value, place: &Place<'_>, owner: Option<&Type>) -> Result<Value, DecodeError> {
        let table = self.table;
        let ty = table.get(id);
        if let Some(shape) = &ty.scalar {
            return self.shape(shape, value, place, owner.unwrap_or(ty));
        }
        let Value::Object(map) = value else {
            return Err(mismatch(&value, place, owner, &go_name(&ty.name)));
        };
        let mut found: Vec<Option<Value>> = vec![None; ty.fields.len()];
        let mut kept = Vec::new();
        for (key, value) in map {
            let Ok(index) = ty.fields.binary_search_by(|field| field.name.as_str().cmp(&key)) else {
                if ty.preserve_unknown {
                    kept.push((key, value));
                } else {
                    self.unknown.push(Place::Field(place, &key).full());
                }
                continue;
            };
            if value.is_null() {
                continue;
            }
            let field = &ty.fields[index];
            let value = self.shape(&field.shape, value, &Place::Field(place, &key), ty)?;
            if field.pointer || !field.omit_empty && !field.omit_zero || !is_empty(&value) {
                found[index] = Some(value);
            }
        }
        let mut out = Map::new();
        for (field, value) in ty.fields.iter().zip(found) {
            if let Some(value) = value.or_else(|| zero(table, field)) {
                out.insert(field.name.clone(), value);
            }
        }
        out.extend(kept);
        Ok(Value::Object(out))
    }

    fn shape(&mut self, shape: &Shape, value: Value, place: &Place<'_>, owner: &Type) -> Result<Value, DecodeError> {
        let refuse = |decoder: &Self, value: &Value| Err(mismatch(value, place, Some(owner), &decoder.go_type(shape)));
        match (shape, value) {
            (Shape::Any, value) => Ok(value),
            (Shape::Named(id), value) => self.named(*id, value, place, Some(owner)),
            (Shape::String | Shape::Duration, value @ Value::String(_)) => Ok(value),
            (Shape::Boolean, value @ Value::Bool(_)) => Ok(value),
            (Shape::Number, value @ Value::Number(_)) => Ok(value),
            (Shape::Integer(bits), value @ Value::Number(_)) => {
                let fits = value.as_i64().is_some_and(|n| *bits == 64 || i32::try_from(n).is_ok());
                if fits { Ok(value) } else { refuse(self, &value) }
            }
            (Shape::IntOrString, value @ Value::String(_)) => Ok(value),
            (Shape::IntOrString, value @ Value::Number(_)) => {
                if value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) {
                    Ok(value)
                } else {
                    Err(mismatch(&value, place, Some(owner), "int32"))
                }
            }
            (Shape::Quantity, Value::String(text)) => quantity(&text),
            (Shape::Quantity, Value::Number(number)) => quantity(&number.to_string()),
            (Shape::Bytes, Value::String(text)) => match base64_text::first_error(&text) {
                None => Ok(Value::String(text)),
                Some(at) => Err(DecodeError::new(format!("illegal base64 data at input byte {at}"))),
            },
            (Shape::Time, Value::String(text)) => time(&text, false),
            (Shape::MicroTime, Value::String(text)) => time(&text, true),
            (Shape::List(item, _), Value::Array(items)) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, value) in items.into_iter().enumerate() {
                    let place = Place::Index(place, index);
                    out.push(match value {
                        Value::Null => zero_of(self.table, item).unwrap_or(Value::Null),
                        value => self.shape(item, value, &place, owner)?,
                    });
                }
                Ok(Value::Array(out))
            }
            (Shape::Map(inner, _), Value::Object(map)) => {
                let mut out = Map::new();
                for (key, value) in map {
                    let value = match value {
                        Value::Null => zero_of(self.table, inner).unwrap_or(Value::Null),
                        value => self.shape(inner, value, &Place::Key(place, &key), owner)?,
                    };
                    out.insert(key, value);
                }
                // Go prints maps sorted.
                out.sort_keys();
                Ok(Value::Object(out))
            }
            (_, value) => refuse(self, &value),
        }
    }
}

/// What Go's `omitempty` leaves out.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// What Go prints for a field that is not set, if anything.
fn zero(table: &Table, field: &Field) -> Option<Value> {
    if field.pointer {
        return (!field.omit_empty && !field.omit_zero).then_some(Value::Null);
    }
    match &field.shape {
        // Structs know no `omitempty`, only `omitzero`.
        Shape::Named(_) | Shape::Time | Shape::MicroTime | Shape::Quantity | Shape::IntOrString if !field.omit_zero => {
            zero_of(table, &field.shape)
        }
        shape if !field.omit_empty && !field.omit_zero => zero_of(table, shape),
        _ => None,
    }
}

fn zero_of(table: &Table, shape: &Shape) -> Option<Value> {
    Some(match shape {
        Shape::String | Shape::Duration => Value::String(String::new()),
        Shape::Integer(_) | Shape::Number | Shape::IntOrString => Value::from(0),
        Shape::Boolean => Value::Bool(false),
        Shape::Quantity => Value::String("0".into()),
        Shape::Time | Shape::MicroTime | Shape::Bytes | Shape::List(..) | Shape::Map(..) | Shape::Any => Value::Null,
        Shape::Named(id) => {
            let ty = table.get(*id);
            if let Some(scalar) = &ty.scalar {
                return zero_of(table, scalar);
            }
            let fields = ty.fields.iter().filter_map(|field| Some((field.name.clone(), zero(table, field)?)));
            Value::Object(fields.collect())
        }
    })
}

fn quantity(text: &str) -> Result<Value, DecodeError> {
    // Most quantities are written canonically already; parsing them anyway keeps one path.
    match Quantity::parse(text.trim()) {
        Ok(quantity) => Ok(Value::String(quantity.to_string())),
        Err(error) => Err(DecodeError::new(error.to_string())),
    }
}

fn time(text: &str, micro: bool) -> Result<Value, DecodeError> {
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let valid = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
    match parsed {
        Ok(moment) if valid && micro && has_six_digits(text) => Ok(Value::String(micro_text(moment))),
        Ok(_) if valid && micro => {
            let rest = text.get(19..).unwrap_or("");
            Err(DecodeError::new(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as \".000000\"")))
        }
        Ok(moment) if valid => {
            let seconds = jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment);
            Ok(Value::String(seconds.to_string()))
        }
        _ => {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let (value, element) = if text.len() - rest.len() == 4 { (rest, "-") } else { (text, "2006") };
            Err(DecodeError::new(format!("parsing time {text:?} as {layout:?}: cannot parse {value:?} as {element:?}")))
        }
    }
}

/// Go's layout `.000000` wants exactly six digits.
fn has_six_digits(text: &str) -> bool {
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or("");
    fraction.bytes().take_while(u8::is_ascii_digit).count() == 6
}

/// `metav1.MicroTime` text: always six digits.
pub(crate) fn micro_text(moment: jiff::Timestamp) -> String {
    let seconds = jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string();
    format!("{}.{:06}Z", seconds.trim_end_matches('Z'), (moment.subsec_nanosecond() / 1000).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decode_kind(group: &str, kind: &str, value: Value) -> Result<Decoded, String> {
        let table = Table::builtin();
        let id = table.find(&Table::type_name(group, "v1", kind)).unwrap();
        decode(&table, id, value).map_err(|e| e.to_string())
    }

    #[test]
    fn a_round_trip_gives_what_go_prints() {
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x", "labels": {}, "creationTimestamp": null},
            "spec": {"hostNetwork": false, "automountServiceAccountToken": false, "nodeName": "",
                "containers": [{"name": "a", "image": "i", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}}}]}});
        assert_eq!(
            decode_kind("", "Pod", pod).unwrap().value,
            json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"},
                "spec": {"automountServiceAccountToken": false,
                    "containers": [{"name": "a", "image": "i", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}]},
                "status": {}})
        );
        let set = decode_kind("apps", "StatefulSet", json!({"spec": {"serviceName": ""}})).unwrap().value;
        assert_eq!(set["status"], json!({"replicas": 0, "availableReplicas": 0}));
        assert_eq!(decode_kind("rbac.authorization.k8s.io", "ClusterRole", json!({})).unwrap().value["rules"], Value::Null);
    }

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let decoded = decode_kind(
            "apps",
            "Deployment",
            json!({"spec": {"foo": 1, "template": {"bar": 1, "spec": {"containers": [{"name": "a", "zork": 1}]}}}}),
        )
        .unwrap();
        assert_eq!(decoded.unknown, ["spec.foo", "spec.template.bar", "spec.template.spec.containers[0].zork"]);
        assert!(decoded.value["spec"].get("foo").is_none());
    }

    #[test]
    fn wrong_types_are_told_as_go_tells_them() {
        let cases = [
            (
                "apps",
                "Deployment",
                json!({"spec": {"replicas": "3"}}),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "apps",
                "Deployment",
                json!({"spec": {"template": {"spec": {"containers": [{"ports": {"a": 1}}]}}}}),
                "json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort",
            ),
            (
                "",
                "Pod",
                json!({"metadata": {"labels": {"a": 1}}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                "",
                "ConfigMap",
                json!({"data": {"a": 1}}),
                "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
            ),
            (
                "",
                "ConfigMap",
                json!({"metadata": {"creationTimestamp": "foo"}}),
                "parsing time \"foo\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"foo\" as \"2006\"",
            ),
            ("", "Secret", json!({"data": {"a": "%%%"}}), "illegal base64 data at input byte 0"),
            (
                "",
                "Pod",
                json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1x"}}}]}}),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
        ];
        for (group, kind, value, text) in cases {
            assert_eq!(decode_kind(group, kind, value).unwrap_err(), text);
        }
    }

    #[test]
    fn micro_times_have_six_digits() {
        let lease = |time: &str| decode_kind("coordination.k8s.io", "Lease", json!({"spec": {"renewTime": time}}));
        let decoded = lease("2026-01-02T03:04:05.100000Z").unwrap();
        assert_eq!(decoded.value["spec"]["renewTime"], "2026-01-02T03:04:05.100000Z");
        assert_eq!(
            lease("2026-01-02T03:04:05.5Z").unwrap_err(),
            "parsing time \"2026-01-02T03:04:05.5Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \".5Z\" as \".000000\""
        );
    }
}
