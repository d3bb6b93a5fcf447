//! `DefaultTolerationSeconds` and `TaintNodesByCondition`.

use serde_json::{Value, json};

use super::plugin::{creates, is};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// How long pods stay on a node that is not ready or cannot be reached.
const SECONDS: i64 = 300;

pub(super) fn default_seconds(call: &AdmissionCall<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if !is(call, "", "pods") || !matches!(call.operation, Operation::Create | Operation::Update) {
        return Ok(());
    }
    let tolerated = |key: &str| {
        pod.list("spec.tolerations")
            .iter()
            .any(|t| (t.text("key") == key || t.text("key").is_empty()) && matches!(t.text("effect"), "NoExecute" | ""))
    };
    let missing: Vec<Value> = [NOT_READY, UNREACHABLE]
        .iter()
        .filter(|key| !tolerated(key))
        .map(|key| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}))
        .collect();
    if !missing.is_empty() {
        let mut all = pod.list("spec.tolerations").to_vec();
        all.extend(missing);
        pod.put("spec.tolerations", all);
    }
    Ok(())
}

/// A new node takes no pods before it is known to be ready.
pub(super) fn taint_new_node(call: &AdmissionCall<'_>, node: &mut Value) -> Result<(), ApiError> {
    if is(call, "", "nodes") && creates(call) {
        let taint = json!({"key": NOT_READY, "effect": "NoSchedule"});
        let mut taints = node.list("spec.taints").to_vec();
        if !taints.iter().any(|t| t.text("key") == NOT_READY && t.text("effect") == "NoSchedule") {
            taints.push(taint);
            node.put("spec.taints", taints);
        }
    }
    Ok(())
}
