//! `SelfSubjectReview` (who am I) and `TokenReview` (who is this).

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::authn::authenticate_token;
use crate::json::Json;
use crate::registry::CreateCall;
use crate::request::UserInfo;
use crate::status::{ApiError, FieldError};

/// A user as `authentication.k8s.io/v1.UserInfo`.
fn user_info(user: &UserInfo) -> Value {
    let mut info = json!({"username": user.name});
    if !user.uid.is_empty() {
        info.put("uid", user.uid.as_str());
    }
    if !user.groups.is_empty() {
        info.put("groups", user.groups.clone());
    }
    if !user.extra.is_empty() {
        info["extra"] = json!(user.extra);
    }
    info
}

/// Answers with the user of the request.
pub(super) fn self_subject(call: CreateCall) -> BoxFuture<'static, Result<Value, ApiError>> {
    Box::pin(async move {
        let mut review = call.object.clone();
        review.put("metadata.creationTimestamp", call.core.now_text());
        review.put("status", json!({"userInfo": user_info(&call.context.user)}));
        Ok(review)
    })
}

/// Judges a token.
pub(super) fn token(call: CreateCall) -> BoxFuture<'static, Result<Value, ApiError>> {
    Box::pin(async move {
        let token = call.object.text("spec.token");
        if token.is_empty() {
            let error = FieldError::required("spec.token", "token is required for TokenReview in authentication");
            return Err(ApiError::bad_request(error.detail));
        }
        let asked: Vec<&str> = call.object.list("spec.audiences").iter().filter_map(Value::as_str).collect();
        let own = [call.core.config.service_account_issuer.as_str()];
        let audiences: &[&str] = if asked.is_empty() { &own } else { &asked };
        let status = match authenticate_token(&call.core, call.core.keys(), token, audiences) {
            Ok(user) => json!({"authenticated": true, "user": user_info(&user), "audiences": audiences}),
            Err(error) => json!({"user": {}, "error": format!("[invalid bearer token, {error}]")}),
        };
        let mut review = call.object.clone();
        review.put("status", status);
        Ok(review)
    })
}
