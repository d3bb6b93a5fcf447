//! `SelfSubjectRulesReview`: everything that one may do in a namespace.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::authz::{node_identity, rules_for};
use crate::json::Json;
use crate::registry::CreateCall;
use crate::status::ApiError;

/// Answers the review.
pub(super) fn handle(call: CreateCall) -> BoxFuture<'static, Result<Value, ApiError>> {
    Box::pin(async move {
        let namespace = call.object.text("spec.namespace");
        if namespace.is_empty() {
            return Err(ApiError::bad_request("no namespace on request"));
        }
        let user = &call.context.user;
        let (mut resources, mut paths) = (Vec::new(), Vec::new());
        if user.groups.iter().any(|g| g == "system:masters") {
            resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
            paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
        }
        let resolved = rules_for(&call.core, user, namespace);
        for rule in &resolved.rules {
            let pick = |fields: &[&str]| -> Value {
                let entries = fields.iter().filter(|f| !rule.list(f).is_empty()).map(|f| ((*f).to_owned(), rule.at(f).clone()));
                Value::Object(entries.collect())
            };
            if !rule.list("resources").is_empty() {
                resources.push(pick(&["verbs", "apiGroups", "resources", "resourceNames"]));
            }
            if !rule.list("nonResourceURLs").is_empty() {
                paths.push(pick(&["verbs", "nonResourceURLs"]));
            }
        }
        let mut errors = resolved.errors;
        // Which objects a node may read depends on its pods.
        let is_node = node_identity(user).is_some();
        if is_node {
            errors.insert(0, "node authorizer does not support user rule resolution".to_owned());
        }
        let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": is_node || !errors.is_empty()});
        match errors.as_slice() {
            [] => {}
            [one] => status.put("evaluationError", one.as_str()),
            many => status.put("evaluationError", format!("[{}]", many.join(", "))),
        }
        let mut review = call.object.clone();
        review.put("status", status);
        Ok(review)
    })
}
