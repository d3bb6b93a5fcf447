//! Messages to JSON.

use std::time::Duration;

use base64::Engine;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::table::{Field, FieldType, Message, message};
use super::wire::{Fields, Wire, WireError};

/// `runtime.Unknown`'s prefix.
const MAGIC: &[u8] = b"k8s\0";

/// Messages nest no deeper than this in any real object.
const MAX_DEPTH: usize = 32;

/// A body that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The envelope is missing.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoMagic,
    /// No message table for this kind: the client has to use JSON.
    #[error("no kind {kind:?} is registered for version {version:?} in protobuf form; use application/json")]
    UnknownKind {
        /// Kind.
        kind: String,
        /// `apiVersion`.
        version: String,
    },
    /// Not protobuf.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Text that is not UTF-8, or JSON inside that is not JSON.
    #[error("field {0} is malformed")]
    Malformed(&'static str),
    /// Nested too deep.
    #[error("message is nested too deep")]
    TooDeep,
}

/// The JSON of an enveloped object, `apiVersion` and `kind` first.
pub fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let body = body.strip_prefix(MAGIC).ok_or(ProtobufError::NoMagic)?;
    let (mut version, mut kind, mut raw): (String, String, &[u8]) = (String::new(), String::new(), &[]);
    for field in Fields(body) {
        match field? {
            (1, Wire::Bytes(type_meta)) => {
                for field in Fields(type_meta) {
                    match field? {
                        (1, Wire::Bytes(text)) => version = string(text, "apiVersion")?,
                        (2, Wire::Bytes(text)) => kind = string(text, "kind")?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let fields = find(&version, &kind).ok_or_else(|| ProtobufError::UnknownKind { kind: kind.clone(), version: version.clone() })?;
    let mut object = Map::new();
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), version.into());
    read(fields, raw, &mut object, 0)?;
    Ok(Value::Object(object))
}

/// The message of a kind. Options (`DeleteOptions`, …) come in the group of the resource and are metav1's in all of them.
fn find(version: &str, kind: &str) -> Option<&'static Message> {
    let (group, version) = version.split_once('/').unwrap_or(("core", version));
    let package = group.split('.').next().unwrap_or(group);
    message(&format!("{package}/{version}.{kind}")).or_else(|| message(&format!("meta/v1.{kind}")))
}

fn read(fields: &Message, bytes: &[u8], into: &mut Map<String, Value>, depth: usize) -> Result<(), ProtobufError> {
    if depth > MAX_DEPTH {
        return Err(ProtobufError::TooDeep);
    }
    for item in Fields(bytes) {
        let (number, wire) = item?;
        // A field that this version does not know, as protobuf has it, is skipped.
        let Some(field) = fields.get(&number) else { continue };
        if let (true, FieldType::Message(name), Wire::Bytes(bytes)) = (field.inline, field.kind, wire) {
            read(message(name).ok_or(ProtobufError::Malformed(field.name))?, bytes, into, depth + 1)?;
        } else if field.map {
            let Wire::Bytes(entry) = wire else { return Err(ProtobufError::Malformed(field.name)) };
            let (key, value) = map_entry(field, entry, depth)?;
            if let Value::Object(map) = into.entry(field.name).or_insert_with(|| Value::Object(Map::new())) {
                map.insert(key, value);
            }
        } else {
            let value = scalar(field, wire, depth)?;
            if field.repeated {
                if let Value::Array(list) = into.entry(field.name).or_insert_with(|| Value::Array(Vec::new())) {
                    list.push(value);
                }
            } else if !(value.is_null() || (field.omit_zero && is_zero(&value))) {
                into.insert(field.name.to_owned(), value);
            }
        }
    }
    Ok(())
}

fn map_entry(field: &Field, entry: &[u8], depth: usize) -> Result<(String, Value), ProtobufError> {
    let (mut key, mut value) = (String::new(), Value::Null);
    for item in Fields(entry) {
        match item? {
            (1, Wire::Bytes(text)) => key = string(text, field.name)?,
            (2, wire) => value = scalar(field, wire, depth)?,
            _ => {}
        }
    }
    if value.is_null() {
        // An empty value is not on the wire.
        value = Value::String(String::new());
    }
    Ok((key, value))
}

fn scalar(field: &Field, wire: Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
    let malformed = || ProtobufError::Malformed(field.name);
    Ok(match (field.kind, wire) {
        (FieldType::Text, Wire::Bytes(bytes)) => string(bytes, field.name)?.into(),
        (FieldType::Bool, Wire::Varint(n)) => (n != 0).into(),
        // Negative numbers are sign-extended to 64 bits.
        (FieldType::Int, Wire::Varint(n)) => (n as i64).into(),
        (FieldType::Double, Wire::Fixed64(bits)) => f64::from_bits(bits).into(),
        (FieldType::Bytes, Wire::Bytes(bytes)) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        (FieldType::Quantity, Wire::Bytes(bytes)) => string(first(bytes)?.unwrap_or(b"0"), field.name)?.into(),
        (FieldType::Raw, Wire::Bytes(bytes)) => match first(bytes)? {
            Some(json) => serde_json::from_slice(json).map_err(|_| malformed())?,
            None => Value::Null,
        },
        (FieldType::Time | FieldType::MicroTime, Wire::Bytes(bytes)) => time(bytes, field.kind).ok_or_else(malformed)?,
        (FieldType::Duration, Wire::Bytes(bytes)) => {
            let nanos = number(bytes, 1)?.unwrap_or(0);
            values::duration::format_go(Duration::from_nanos(u64::try_from(nanos).map_err(|_| malformed())?)).into()
        }
        (FieldType::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes, field.name)?,
        (FieldType::Message(name), Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            read(message(name).ok_or_else(malformed)?, bytes, &mut object, depth + 1)?;
            if name.ends_with(".ExtraValue") {
                // A named list of texts: JSON has the list alone.
                object.remove("items").unwrap_or_else(|| Value::Array(Vec::new()))
            } else {
                Value::Object(object)
            }
        }
        _ => return Err(malformed()),
    })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        _ => false,
    }
}

fn string(bytes: &[u8], name: &'static str) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Malformed(name))
}

/// Field 1 of a message that holds just bytes.
fn first(bytes: &[u8]) -> Result<Option<&[u8]>, WireError> {
    for field in Fields(bytes) {
        if let (1, Wire::Bytes(bytes)) = field? {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn number(bytes: &[u8], wanted: u32) -> Result<Option<i64>, WireError> {
    let mut found = None;
    for field in Fields(bytes) {
        if let (number, Wire::Varint(n)) = field? {
            found = if number == wanted { Some(n as i64) } else { found };
        }
    }
    Ok(found)
}

/// The zero time is an empty message and `null` in JSON.
fn time(bytes: &[u8], kind: FieldType) -> Option<Value> {
    let Some(seconds) = number(bytes, 1).ok()? else { return Some(Value::Null) };
    let nanos = number(bytes, 2).ok()?.unwrap_or(0);
    let moment = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
    Some(match kind {
        FieldType::MicroTime => moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into(),
        _ => moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
    })
}

fn int_or_string(bytes: &[u8], name: &'static str) -> Result<Value, ProtobufError> {
    if number(bytes, 1)?.unwrap_or(0) == 0 {
        return Ok(number(bytes, 2)?.unwrap_or(0).into());
    }
    for field in Fields(bytes) {
        if let (3, Wire::Bytes(text)) = field? {
            return Ok(string(text, name)?.into());
        }
    }
    Ok(Value::String(String::new()))
}

#[cfg(test)]
mod tests {
    use super::{ProtobufError, decode};
    use serde_json::json;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [bytes(1, version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [b"k8s\0".to_vec(), bytes(1, &meta), bytes(2, raw), bytes(3, b""), bytes(4, b"")].concat()
    }

    #[test]
    fn a_deployment_becomes_its_json() {
        let metadata = [bytes(1, b"web"), bytes(2, b""), bytes(8, b""), bytes(11, &[bytes(1, b"app"), bytes(2, b"web")].concat())].concat();
        let port = [bytes(1, b""), vec![2 << 3, 0, 3 << 3, 80], bytes(4, b"TCP")].concat();
        let probe = [
            bytes(1, &bytes(2, &[bytes(1, b"/"), bytes(2, &[1 << 3, 1, 3 << 3 | 2, 4, b'h', b't', b't', b'p'])].concat())),
            vec![2 << 3, 5],
        ]
        .concat();
        let limits = bytes(1, &[bytes(1, b"cpu"), bytes(2, &bytes(1, b"100m"))].concat());
        let container = [bytes(1, b"nginx"), bytes(2, b"nginx:1.27"), bytes(6, &port), bytes(8, &limits), bytes(11, &probe)].concat();
        let template = bytes(2, &bytes(2, &container));
        let spec = [vec![1 << 3, 0], bytes(3, &template), vec![5 << 3, 0]].concat();
        let body = envelope("apps/v1", "Deployment", &[bytes(1, &metadata), bytes(2, &spec), bytes(3, b"")].concat());
        let expected = json!({
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"replicas": 0, "template": {"spec": {"containers": [{
                "name": "nginx",
                "image": "nginx:1.27",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {"limits": {"cpu": "100m"}},
                "livenessProbe": null,
            }]}}},
        });
        let mut expected = expected;
        let container = &mut expected["spec"]["template"]["spec"]["containers"][0];
        container.as_object_mut().expect("an object").remove("livenessProbe");
        container["readinessProbe"] = json!({"httpGet": {"path": "/", "port": "http"}, "initialDelaySeconds": 5});
        assert_eq!(decode(&body), Ok(expected));
    }

    #[test]
    fn secrets_roles_and_options_are_read_by_their_groups() {
        let data = bytes(2, &[bytes(1, b"k"), bytes(2, &[0xff, 0x00])].concat());
        let secret = decode(&envelope("v1", "Secret", &[data, bytes(3, b"Opaque")].concat())).expect("a secret");
        assert_eq!((&secret["data"]["k"], &secret["type"]), (&json!("/wA="), &json!("Opaque")));
        let rule = [bytes(1, b"get"), bytes(2, b""), bytes(3, b"pods")].concat();
        let role = decode(&envelope("rbac.authorization.k8s.io/v1", "Role", &bytes(2, &rule))).expect("a role");
        assert_eq!(role["rules"], json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]));
        let options = decode(&envelope("apps/v1", "DeleteOptions", &[vec![1 << 3, 0], bytes(4, b"Background")].concat())).expect("options");
        assert_eq!((&options["gracePeriodSeconds"], &options["propagationPolicy"]), (&json!(0), &json!("Background")));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(decode(b"{}"), Err(ProtobufError::NoMagic));
        let torn = &envelope("v1", "Secret", &bytes(3, b"Opaque"))[..20];
        assert!(matches!(decode(torn), Err(ProtobufError::Wire(_))));
        assert!(matches!(decode(&envelope("v1", "Teapot", b"")), Err(ProtobufError::UnknownKind { .. })));
    }
}
