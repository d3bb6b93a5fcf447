//! ConfigMaps, Secrets and service accounts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::names;
use super::path::{Errors, Path};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

/// Largest ConfigMap or Secret.
const MAX_SIZE: usize = 1024 * 1024;

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

/// Judges a ConfigMap.
pub fn config_map(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    let mut size = 0;
    for (key, value) in object.entries("data") {
        errors.all_invalid(&Path::new("data").key(key), key, names::config_key(key));
        if object.object("binaryData").is_some_and(|b| b.contains_key(key)) {
            errors.invalid(&Path::new("data").key(key), key, format!("duplicate of key present in binaryData: {key}"));
        }
        size += value.as_str().unwrap_or_default().len();
    }
    for (key, value) in object.entries("binaryData") {
        errors.all_invalid(&Path::new("binaryData").key(key), key, names::config_key(key));
        size += decoded(value).len();
    }
    if size > MAX_SIZE {
        errors.push(FieldError::too_long(Path::new(""), MAX_SIZE));
    }
    if let Some(old) = input.old {
        immutable(object, old, &["data", "binaryData"], &mut errors);
    }
    errors.0
}

fn immutable(new: &Value, old: &Value, fields: &[&str], errors: &mut Errors) {
    if old.flag("immutable") != Some(true) {
        return;
    }
    if new.flag("immutable") != Some(true) {
        errors.forbidden(&Path::new("immutable"), "field is immutable when `immutable` is set");
    }
    for field in fields {
        if new.at(field) != old.at(field) {
            errors.forbidden(&Path::new(field), "field is immutable when `immutable` is set");
        }
    }
}

/// Judges a Secret.
pub fn secret(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    if let Some(old) = input.old {
        errors.immutable(&Path::new("type"), object.at("type"), old.at("type"));
        immutable(object, old, &["data"], &mut errors);
    }
    let path = Path::new("data");
    let mut size = 0;
    for (key, value) in object.entries("data") {
        errors.all_invalid(&path.key(key), key, names::config_key(key));
        size += decoded(value).len();
    }
    if size > MAX_SIZE {
        errors.push(FieldError::too_long(&path, MAX_SIZE));
    }
    let data = |key: &str| object.object("data").and_then(|d| d.get(key));
    let mut needs = |keys: &[&str]| {
        for key in keys.iter().filter(|k| data(k).is_none()) {
            errors.required(&path.key(key), "");
        }
    };
    match object.text("type") {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            let named = object.object("metadata.annotations").and_then(|a| a.get(key)).and_then(Value::as_str).unwrap_or_default();
            if named.is_empty() {
                errors.required(&Path::new("metadata").child("annotations").key(key), "");
            }
        }
        "kubernetes.io/dockercfg" => docker(data(".dockercfg"), ".dockercfg", &path, &mut errors),
        "kubernetes.io/dockerconfigjson" => docker(data(".dockerconfigjson"), ".dockerconfigjson", &path, &mut errors),
        "kubernetes.io/basic-auth" if data("username").is_none() && data("password").is_none() => needs(&["username", "password"]),
        "kubernetes.io/ssh-auth" => needs(&["ssh-privatekey"]),
        "kubernetes.io/tls" => needs(&["tls.crt", "tls.key"]),
        _ => {}
    }
    errors.0
}

fn docker(value: Option<&Value>, key: &str, path: &Path, errors: &mut Errors) {
    match value {
        None => errors.required(&path.key(key), ""),
        Some(value) => {
            if let Err(error) = serde_json::from_slice::<Value>(&decoded(value)) {
                let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { format!("invalid character: {error}") };
                errors.invalid(&path.key(key), "<secret contents redacted>", why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_and_types_are_checked() {
        let cases = [
            (json!({"type": "Opaque", "data": {"a.b": "eA=="}}), vec![]),
            (
                json!({"type": "Opaque", "data": {"a b": "eA=="}}),
                vec![
                    "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                ],
            ),
            (json!({"type": "kubernetes.io/tls", "data": {}}), vec!["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        ];
        for (object, want) in cases {
            assert_eq!(judge(secret, &object, None), want);
        }
    }

    #[test]
    fn immutable_maps_stay() {
        let old = json!({"immutable": true, "data": {"a": "1"}});
        let new = json!({"immutable": true, "data": {"a": "2"}});
        assert_eq!(judge(config_map, &new, Some(&old)), ["data: Forbidden: field is immutable when `immutable` is set"]);
    }
}
