//! The beta labels for operating system and architecture follow the stable ones (`reconcileNodeLabels`).

use k8s_openapi::api::core::v1::Node;
use serde_json::{Map, Value, json};

use crate::machinery::{Kit, Meta};

const PAIRS: [(&str, &str); 2] = [("kubernetes.io/os", "beta.kubernetes.io/os"), ("kubernetes.io/arch", "beta.kubernetes.io/arch")];

/// Writes the beta labels that are missing or differ.
pub async fn reconcile(kit: &Kit, node: &Node) -> Result<(), kube::Error> {
    let changes: Map<String, Value> = PAIRS
        .iter()
        .filter_map(|(stable, beta)| Some((node.label(stable)?, *beta)))
        .filter(|(value, beta)| node.label(beta) != Some(value))
        .map(|(value, beta)| (beta.to_owned(), json!(value)))
        .collect();
    if !changes.is_empty() {
        kit.patch(node, "", &json!({"metadata": {"labels": changes}})).await?;
    }
    Ok(())
}
