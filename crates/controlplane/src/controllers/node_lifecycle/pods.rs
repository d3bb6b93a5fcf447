//! Pods of a node that is not ready are not ready either (`controllerutil.MarkPodsNotReady`).

use std::sync::Arc;

use component::klog::Severity;
use k8s_openapi::api::core::v1::Pod;

use crate::machinery::errors::not_found;
use crate::machinery::object::time;
use crate::machinery::{Kit, Meta, Recorder, pods};

/// Sets Ready to False on every pod given that has it True, with upstream's warning.
pub async fn mark_not_ready(kit: &Kit, recorder: &Recorder, pods: &[Arc<Pod>], node: &str) -> Result<(), kube::Error> {
    let mut failed = None;
    for pod in pods.iter().filter(|p| pods::node(p) == node && pods::condition(p, "Ready").is_some_and(|c| c.status != "False")) {
        let mut changed = Pod::clone(pod);
        let conditions = changed.status.iter_mut().flat_map(|s| s.conditions.iter_mut().flatten());
        for condition in conditions.filter(|c| c.type_ == "Ready") {
            condition.status = "False".to_owned();
            condition.last_transition_time = Some(time(kit.clock.now()));
        }
        match kit.replace_status(&changed).await {
            Ok(_) => recorder.warning(&**pod, "NodeNotReady", "Node is not ready"),
            Err(error) if not_found(&error) => {}
            Err(error) => {
                kit.log.line(
                    Severity::Warning,
                    "controller_utils.go:128",
                    "Failed to update status for pod",
                    &[("pod", (&pod.key()).into())],
                );
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
