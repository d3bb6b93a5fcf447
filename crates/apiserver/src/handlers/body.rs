//! Request bodies: media types, strictness, decoding and defaulting.

use http::HeaderMap;
use serde_json::Value;

use super::call::Call;
use crate::protobuf;
use crate::registry::Gvk;
use crate::schema::{Parsed, TypeId, apply_defaults, decode, go_syntax_error, parse_json, parse_yaml};
use crate::status::{ApiError, FieldError};

const ACCEPTED: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// Media type of a body without its parameters; JSON where none is given.
pub fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if media.is_empty() { ACCEPTED[0].to_owned() } else { media }
}

/// What to do with unknown and repeated fields (`fieldValidation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Drop them.
    Ignore,
    /// Drop them and warn.
    Warn,
    /// Refuse.
    Strict,
}

impl Strictness {
    /// Of a request; `options` names the options kind in errors.
    pub fn of(call: &Call, options: &str) -> Result<Self, ApiError> {
        match call.context.info.query.get("fieldValidation") {
            None | Some("Warn") => Ok(Self::Warn),
            Some("Ignore") => Ok(Self::Ignore),
            Some("Strict") => Ok(Self::Strict),
            Some(other) => {
                let error = FieldError::not_supported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]);
                Err(ApiError::invalid("meta.k8s.io", options, "", &[error]))
            }
        }
    }
}

/// A body that could not be parsed.
#[derive(Debug)]
pub enum BodyError {
    /// Its media type is not one that is read.
    MediaType,
    /// It is not what its media type says; the parser's words.
    Malformed(String),
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::MediaType => Self::unsupported_media_type(&ACCEPTED),
            BodyError::Malformed(why) => Self::bad_request(why),
        }
    }
}

/// Parses a body of any accepted media type.
pub fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Parsed, BodyError> {
    match media_type(headers).as_str() {
        "application/json" => parse_json(bytes).map_err(|error| BodyError::Malformed(json_error(bytes, &error))),
        "application/yaml" => parse_yaml(bytes).map_err(BodyError::Malformed),
        protobuf::MEDIA_TYPE => match protobuf::decode(bytes) {
            Ok(value) => Ok(Parsed { value, duplicates: Vec::new() }),
            Err(error) => Err(BodyError::Malformed(error.to_string())),
        },
        _ => Err(BodyError::MediaType),
    }
}

/// Parses a body that holds an object; `kind` is what is expected, for errors.
pub fn read_value(headers: &HeaderMap, bytes: &[u8], kind: &str) -> Result<Parsed, ApiError> {
    let unrecognised = |why: String| {
        let text = summary(bytes);
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({text})"
        ))
    };
    let parsed = parse(headers, bytes).map_err(|error| match error {
        BodyError::MediaType => ApiError::unsupported_media_type(&ACCEPTED),
        BodyError::Malformed(why) => unrecognised(why),
    })?;
    if parsed.value.is_object() {
        return Ok(parsed);
    }
    let what = match &parsed.value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        _ => "null",
    };
    Err(unrecognised(format!(
        "json: cannot unmarshal {what} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )))
}

/// The start of a body for an error (`summarizeData` of apiserver's rest handlers): what is no JSON object is shown in hex.
fn summary(bytes: &[u8]) -> String {
    const LENGTH: usize = 30;
    let start = &bytes[..bytes.len().min(LENGTH)];
    let shown = match bytes.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if bytes.len() > LENGTH { format!("{shown} ...") } else { shown }
}

/// The complaint about a text that is no JSON in the words of Go's decoder.
pub fn json_error(bytes: &[u8], error: &serde_json::Error) -> String {
    go_syntax_error(bytes).unwrap_or_else(|| error.to_string())
}

/// Group and version of an `apiVersion`.
fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Checks that a body is of the expected kind, and names it where it does not say.
fn expect_kind(call: &Call, expected: &Gvk, value: &mut Value) -> Result<(), ApiError> {
    let Some(map) = value.as_object_mut() else { return Ok(()) };
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let wanted = expected.api_version();
    if (api_version.is_empty() || api_version == wanted) && (kind.is_empty() || kind == expected.kind) {
        map.insert("apiVersion".into(), wanted.into());
        map.insert("kind".into(), expected.kind.clone().into());
        return Ok(());
    }
    let api_version = if api_version.is_empty() { wanted } else { api_version };
    let kind = if kind.is_empty() { expected.kind.clone() } else { kind };
    let (group, version) = split_version(&api_version);
    let why = if call.core.registry().by_kind(group, version, &kind).is_some() {
        let package = if expected.group.is_empty() { "core" } else { expected.group.split('.').next().unwrap_or("") };
        format!("converting ({version}.{kind}) to ({package}.{}): unknown conversion", expected.kind)
    } else {
        format!("no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\"")
    };
    Err(ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {}: {why}", expected.kind)))
}

/// Decodes a body as an object of a kind: checked, pruned, canonical, defaulted. Warnings go to the request's context.
pub fn decode_object(call: &Call, expected: &Gvk, id: TypeId, mut parsed: Parsed, strictness: Strictness) -> Result<Value, ApiError> {
    expect_kind(call, expected, &mut parsed.value)?;
    let prefix = format!("{} in version {:?} cannot be handled as a {}: ", expected.kind, expected.version, expected.kind);
    let decoded = decode(&call.resource.schema, id, parsed.value).map_err(|error| ApiError::bad_request(format!("{prefix}{error}")))?;
    let complaints = complaints(&decoded.unknown, &parsed.duplicates);
    match strictness {
        Strictness::Strict if !complaints.is_empty() => {
            return Err(ApiError::bad_request(format!("{prefix}strict decoding error: {}", complaints.join(", "))));
        }
        Strictness::Warn => complaints.into_iter().for_each(|text| call.context.warn(text)),
        _ => {}
    }
    let mut value = decoded.value;
    apply_defaults(&call.resource.schema, id, &mut value);
    if let Some(complete) = call.resource.hooks.default {
        complete(&mut value);
    }
    Ok(value)
}

/// `unknown field "x"`, `duplicate field "y"`.
pub fn complaints(unknown: &[String], duplicates: &[String]) -> Vec<String> {
    let unknown_texts = unknown.iter().map(|field| format!("unknown field {field:?}"));
    let duplicate_texts = duplicates.iter().filter(|field| !unknown.contains(field)).map(|field| format!("duplicate field {field:?}"));
    unknown_texts.chain(duplicate_texts).collect()
}
