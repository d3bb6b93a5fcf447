//! The cluster's control plane after it was broken and mended: whether it leads again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::api::Api;

/// How often to look.
const LOOK: Duration = Duration::from_millis(250);

/// Where the two that elect a leader renew their leases, every two seconds.
const LEASES: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];

/// Whether what was started anew is what all others watch, so that they may have lost the thread: after a while without a server they
/// ask rarely.
pub fn is_api(restarted: &BTreeSet<String>) -> bool {
    restarted.contains("kube-apiserver") || restarted.contains("etcd")
}

fn path_of(lease: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{lease}")
}

/// Waits until the controller manager and the scheduler renew their leases. Those of their former lives are deleted, so that nobody
/// waits for their end.
pub async fn lead_again(api: &Api, limit: Duration) -> Result<(), String> {
    let until = Instant::now() + limit;
    for name in LEASES {
        while let Err(error) = api.delete(&path_of(name), &json!({})).await {
            if Instant::now() >= until {
                return Err(error.message);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    let mut waiting: Vec<&str> = LEASES.to_vec();
    while !waiting.is_empty() {
        let mut still = Vec::new();
        for name in waiting {
            let renewed = api.get(&path_of(name)).await.ok().and_then(|lease| lease["spec"]["renewTime"].as_str().map(str::to_owned));
            let moved = renewed.is_some_and(|renewed| *first.entry(name).or_insert_with(|| renewed.clone()) != renewed);
            if !moved {
                still.push(name);
            }
        }
        waiting = still;
        if Instant::now() >= until {
            return match waiting.first() {
                Some(name) => Err(format!("{name} does not lead")),
                None => Ok(()),
            };
        }
        if !waiting.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}
