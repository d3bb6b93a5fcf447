//! `serviceaccounts/token` (`pkg/registry/core/serviceaccount/storage/token.go`).

use futures::future::BoxFuture;
use http::Response;
use serde_json::{Value, json};

use super::body;
use crate::authn::{Bound, Subject, Wanted, issue};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::registry::SubresourceCall;
use crate::server::Body;
use crate::status::{ApiError, FieldError};

/// Requests of exactly this length come from mounted volumes: their tokens live longer, and warn after it.
const MOUNTED: i64 = 3607;
/// Life of such a token: a year.
const EXTENDED: i64 = 365 * 24 * 3600;

/// Issues a token.
pub(super) fn handle(call: SubresourceCall) -> BoxFuture<'static, Result<Response<Body>, ApiError>> {
    Box::pin(async move {
        let mut request = body::read(&call.request, "authentication.k8s.io/v1", "TokenRequest")?;
        let verbs = body::call(&call);
        let (namespace, name) = (call.context.info.namespace.clone(), call.context.info.name.clone());
        let account = crate::handlers::get(&verbs, &namespace, &name)?;
        let issuer = call.core.config.service_account_issuer.clone();
        if request.list("spec.audiences").is_empty() {
            request.put("spec.audiences", json!([issuer]));
        }
        if !request.has("spec.expirationSeconds") {
            request.put("spec.expirationSeconds", 3600);
        }
        let seconds = request.int("spec.expirationSeconds").unwrap_or(0);
        validate(seconds)?;
        body::admit(&verbs, &mut request, false).await?;
        let bound = bound(&call, &namespace, &name, &request)?;
        let audiences: Vec<String> = request.list("spec.audiences").iter().filter_map(|a| a.as_str().map(str::to_owned)).collect();
        let extended = seconds == MOUNTED && audiences == [issuer.clone()];
        let (life, warn_after) = if extended { (EXTENDED, Some(seconds)) } else { (seconds, None) };
        let subject = Subject { namespace: &namespace, name: &name, uid: account.value().text("metadata.uid") };
        let id = call.core.store.generate(component::Generator::uuid);
        let keys = call.core.keys();
        let now = call.core.config.clock.now_seconds();
        let wanted = Wanted { issuer: &issuer, subject, bound, audiences: &audiences, id: &id, now, seconds: life, warn_after };
        let token = issue(keys, &wanted).map_err(|e| ApiError::internal(format!("failed to generate token: {e}")))?;
        let expires = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(jiff::Timestamp::MAX);
        request.put("metadata.name", name);
        request.put("metadata.namespace", namespace);
        request.put("metadata.creationTimestamp", call.core.now_text());
        request.put("status", json!({"token": token, "expirationTimestamp": expires.to_string()}));
        Ok(body::created(&request))
    })
}

fn validate(seconds: i64) -> Result<(), ApiError> {
    let why = if seconds < 600 {
        "may not specify a duration less than 10 minutes"
    } else if seconds > 1 << 32 {
        "may not specify a duration larger than 2^32 seconds"
    } else {
        return Ok(());
    };
    let error = FieldError::invalid("spec.expirationSeconds", seconds, why);
    Err(ApiError::invalid("authentication.k8s.io", "TokenRequest", "", &[error]))
}

/// What the token is bound to; it must exist and be the one that is meant.
fn bound(call: &SubresourceCall, namespace: &str, account: &str, request: &Value) -> Result<Bound, ApiError> {
    let reference = request.at("spec.boundObjectRef");
    let mut bound = Bound::default();
    if reference.is_null() {
        return Ok(bound);
    }
    let (kind, name) = (reference.text("kind"), reference.text("name"));
    let (plural, place) = match kind {
        "Pod" => ("pods", namespace),
        "Secret" => ("secrets", namespace),
        "Node" => ("nodes", ""),
        other => {
            let why = format!("cannot bind token for serviceaccount {account:?} to object with name {name:?} and kind {other:?}");
            return Err(ApiError::bad_request(why));
        }
    };
    let lookup = Lookup::new(&call.core);
    let object = lookup.get("", plural, place, name).ok_or_else(|| ApiError::not_found("", plural, name))?;
    let uid = object.value().text("metadata.uid").to_owned();
    if !reference.text("uid").is_empty() && reference.text("uid") != uid {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and then recreated",
            reference.text("uid")
        );
        return Err(ApiError::conflict("", plural, name, &why));
    }
    let pair = Some((name.to_owned(), uid));
    match kind {
        "Pod" => {
            let used = object.value().text("spec.serviceAccountName");
            if used != account {
                let why = format!("cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name.");
                return Err(ApiError::bad_request(why));
            }
            let node = object.value().text("spec.nodeName");
            if !node.is_empty() {
                let uid = lookup.get("", "nodes", "", node).map(|n| n.value().text("metadata.uid").to_owned()).unwrap_or_default();
                bound.node = Some((node.to_owned(), uid));
            }
            bound.pod = pair;
        }
        "Secret" => bound.secret = pair,
        _ => bound.node = pair,
    }
    Ok(bound)
}
