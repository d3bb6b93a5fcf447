//! A kubelet that runs nothing: it reports its node, renews its lease, calls its pods ready and lets deleted ones go.

use std::time::Duration;

use controlplane::machinery::rest::Deletion;
use controlplane::machinery::{Meta, Rest};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::json;

/// Runs until aborted.
pub async fn kubelet(rest: Rest, name: String) {
    let node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}, "capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"}}});
    let node: Node = rest.create(&serde_json::from_value::<Node>(node).unwrap()).await.unwrap();
    let lease =
        json!({"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": {"holderIdentity": name, "leaseDurationSeconds": 40}});
    rest.create(&serde_json::from_value::<Lease>(lease).unwrap()).await.unwrap();
    let status = json!({"status": {
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}, "capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
                        "lastHeartbeatTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                        "lastTransitionTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()}]}});
    rest.strategic::<Node>("", node.name(), "status", &status).await.unwrap();
    for turn in 0u64.. {
        if turn % 10 == 0 {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
            let _ = rest.merge::<Lease>("kube-node-lease", &name, "", &json!({"spec": {"renewTime": now}})).await;
        }
        for (index, pod) in rest.list::<Pod>("").await.unwrap_or_default().into_iter().enumerate() {
            if pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) != Some(&name) {
                continue;
            }
            if pod.deleting() {
                let how = Deletion { grace_seconds: Some(0), ..Deletion::of(pod.uid()) };
                let _ = rest.delete::<Pod>(pod.ns(), pod.name(), &how).await;
            } else if pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Pending") {
                let ip = format!("10.9.{}.{}", index / 250, index % 250 + 1);
                let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                let ready = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": now,
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}]}});
                let _ = rest.strategic::<Pod>(pod.ns(), pod.name(), "status", &ready).await;
            } else if pod.label("batch.kubernetes.io/job-name").is_some()
                && pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Running")
            {
                let done = json!({"status": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False"}]}});
                let _ = rest.strategic::<Pod>(pod.ns(), pod.name(), "status", &done).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
