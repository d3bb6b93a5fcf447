//! Options of lists and deletions, validated with upstream's texts.

use http::HeaderMap;
use serde_json::Value;

use super::body;
use super::call::Call;
use crate::request::{Query, RequestContext};
use crate::schema::Parsed;
use crate::status::{ApiError, FieldError};

/// `resourceVersionMatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Legacy behaviour.
    Unset,
    /// At least this version.
    NotOlderThan,
    /// Exactly this version.
    Exact,
}

/// Options of a list or watch (`metav1.ListOptions`).
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// `None`: not given. Zero: any.
    pub resource_version: Option<u64>,
    /// How it is meant.
    pub version_match: Match,
    /// Items in an answer.
    pub limit: usize,
    /// Continue token.
    pub continuation: Option<String>,
    /// Seconds after which a watch ends.
    pub timeout: Option<u64>,
    /// Whether bookmarks are wanted.
    pub bookmarks: bool,
    /// Whether a watch begins with the present objects, ended by a marked bookmark.
    pub initial_events: Option<bool>,
}

fn number(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let parse = |text: &str| text.parse().map_err(|_| ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")));
    query.get(name).map(parse).transpose()
}

/// Reads a resource version; empty is `None`.
pub fn version(text: &str) -> Result<Option<u64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        ApiError::bad_request(format!("invalid resource version: resourceVersion: Invalid value: {text:?}: {why}"))
    })
}

impl ListOptions {
    /// Of a request.
    pub fn of(query: &Query, watch: bool) -> Result<Self, ApiError> {
        let resource_version = version(query.get("resourceVersion").unwrap_or(""))?;
        let (text, given) = (query.get("resourceVersionMatch").unwrap_or(""), query.has("sendInitialEvents"));
        let initial_events = given.then(|| query.flag("sendInitialEvents"));
        let continuation = query.get("continue").map(str::to_owned);
        let mut errors = Vec::new();
        let field = "resourceVersionMatch";
        let mut forbid = |why: &str| errors.push(FieldError::forbidden(field, why));
        // ValidateListOptions, with and without `watch`.
        if initial_events.is_some() && !watch {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        } else if initial_events.is_some() && text != "NotOlderThan" {
            forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        } else if !text.is_empty() && watch && initial_events.is_none() {
            forbid("resourceVersionMatch is forbidden for watch");
        } else if !text.is_empty() && !watch {
            if resource_version.is_none() {
                forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if continuation.is_some() {
                forbid("resourceVersionMatch is forbidden when continue is provided");
            }
            if !matches!(text, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(field, text, &["Exact", "NotOlderThan", ""]));
            } else if text == "Exact" && resource_version == Some(0) {
                errors.push(FieldError::forbidden(field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
            }
        }
        if !errors.is_empty() {
            return Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &errors));
        }
        let version_match = match text {
            "Exact" => Match::Exact,
            "NotOlderThan" => Match::NotOlderThan,
            _ => Match::Unset,
        };
        let limit = number(query, "limit")?.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(usize::MAX);
        let timeout = number(query, "timeoutSeconds")?.and_then(|n| u64::try_from(n).ok());
        let bookmarks = query.flag("allowWatchBookmarks");
        Ok(Self { resource_version, version_match, limit, continuation, timeout, bookmarks, initial_events })
    }
}

/// What happens to dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They lose their owner.
    Orphan,
    /// The garbage collector deletes them afterwards.
    Background,
    /// They go first.
    Foreground,
}

/// `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Grace period in seconds, when asked for.
    pub grace: Option<i64>,
    /// Uid that the object must have.
    pub uid: Option<String>,
    /// Resource version that the object must have.
    pub resource_version: Option<String>,
    /// Propagation, when asked for.
    pub propagation: Option<Propagation>,
    /// Nothing is written.
    pub dry_run: bool,
}

impl DeleteOptions {
    /// From the body, or from the query where there is no body.
    pub fn read(call: &Call, headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.is_empty() {
            return Self::from_query(&call.context);
        }
        let parsed = body::parse(headers, bytes)?;
        Self::from_body(&parsed)
    }

    fn from_body(parsed: &Parsed) -> Result<Self, ApiError> {
        let value = &parsed.value;
        if let Some(kind) = value["kind"].as_str().filter(|kind| !matches!(*kind, "" | "DeleteOptions")) {
            let version = value["apiVersion"].as_str().filter(|v| !v.is_empty()).unwrap_or("meta.k8s.io/v1");
            let why = format!("no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\"");
            return Err(ApiError::bad_request(why));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let dry_run: Vec<String> = value["dryRun"].as_array().into_iter().flatten().filter_map(text).collect();
        let precondition = |key: &str| text(&value["preconditions"][key]);
        Self::checked(
            value["gracePeriodSeconds"].as_i64(),
            value["propagationPolicy"].as_str(),
            value["orphanDependents"].as_bool(),
            &dry_run,
            (precondition("uid"), precondition("resourceVersion")),
        )
    }

    fn from_query(context: &RequestContext) -> Result<Self, ApiError> {
        let query = &context.info.query;
        let dry_run: Vec<String> = query.all("dryRun").into_iter().filter(|v| !v.is_empty()).map(str::to_owned).collect();
        let orphan = query.has("orphanDependents").then(|| query.flag("orphanDependents"));
        Self::checked(number(query, "gracePeriodSeconds")?, query.get("propagationPolicy"), orphan, &dry_run, (None, None))
    }

    fn checked(
        grace: Option<i64>,
        policy: Option<&str>,
        orphan: Option<bool>,
        dry_run: &[String],
        (uid, resource_version): (Option<String>, Option<String>),
    ) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        let field = "propagationPolicy";
        if let (Some(policy), Some(_)) = (policy, orphan) {
            errors.push(FieldError::invalid(field, policy, "orphanDependents and deletionPropagation cannot be both set"));
        }
        let propagation = match policy {
            None => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
            Some("Orphan") => Some(Propagation::Orphan),
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some(other) => {
                errors.push(FieldError::not_supported(field, other, &["Foreground", "Background", "Orphan", "nil"]));
                None
            }
        };
        if dry_run.iter().any(|value| value != "All") {
            errors.push(FieldError::not_supported("dryRun", serde_json::json!(dry_run), &["All"]));
        }
        if !errors.is_empty() {
            return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &errors));
        }
        Ok(Self { grace, uid, resource_version, propagation, dry_run: !dry_run.is_empty() })
    }
}

/// `dryRun` and `fieldManager` of a write; `kind` names the options in errors. Returns whether it is a dry run.
pub fn write_options(context: &RequestContext, kind: &str) -> Result<bool, ApiError> {
    let query = &context.info.query;
    let dry_run = query.all("dryRun");
    let mut errors = Vec::new();
    if dry_run.iter().any(|value| *value != "All" && !value.is_empty()) {
        errors.push(FieldError::not_supported("dryRun", serde_json::json!(dry_run), &["All"]));
    }
    if query.get("fieldManager").is_some_and(|manager| manager.len() > 128) {
        errors.push(FieldError::too_long("fieldManager", 128));
    }
    if !errors.is_empty() {
        return Err(ApiError::invalid("meta.k8s.io", kind, "", &errors));
    }
    Ok(dry_run.contains(&"All"))
}
