//! What `kubeadm init` and `join` do once the API server answers, and the wait until the cluster is whole.

use std::time::Duration;

use base64::Engine;
use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::error::SimError;
use crate::simulation::Sim;

const ADDONS: &str = include_str!("../manifests/addons.yaml");

/// Simulated time within which a healthy cluster comes up many times over.
const PATIENCE: Duration = Duration::from_secs(600);

/// Finishes a cluster whose machines have been booted.
pub async fn bootstrap(sim: Sim) -> Result<(), SimError> {
    let client = sim.super_admin();
    wait("the API server", || ready(&client)).await?;
    for object in addons(&sim)? {
        create(&client, &object).await?;
    }
    let control_plane = sim.layout().control_plane().name.clone();
    wait("the control plane's Node", || mark_control_plane(&client, &control_plane)).await?;
    let nodes = sim.layout().nodes.len();
    wait("nodes and system pods", || whole(&client, nodes)).await
}

/// Asks until the answer is yes; `Err` of the question is what is still missing.
async fn wait<F, Fut>(what: &str, mut ask: F) -> Result<(), SimError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), String>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(()) => return Ok(()),
            Err(missing) if tokio::time::Instant::now() > deadline => {
                return Err(SimError::Boot(format!("waited {}s for {what}: {missing}", PATIENCE.as_secs())));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

async fn ready(client: &Client) -> Result<(), String> {
    let request = Request::get("/readyz").body(vec![]).map_err(|e| e.to_string())?;
    client.request_text(request).await.map(|_| ()).map_err(|e| e.to_string())
}

async fn mark_control_plane(client: &Client, name: &str) -> Result<(), String> {
    // kubeadm's mark-control-plane phase.
    let patch = json!({
        "metadata": {"labels": {
            "node-role.kubernetes.io/control-plane": "",
            "node.kubernetes.io/exclude-from-external-load-balancers": "",
        }},
        "spec": {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]},
    });
    let request = Request::patch(format!("/api/v1/nodes/{name}?fieldManager=kubeadm"))
        .header("content-type", "application/strategic-merge-patch+json")
        .body(patch.to_string().into_bytes())
        .map_err(|e| e.to_string())?;
    client.request::<Value>(request).await.map(|_| ()).map_err(|e| e.to_string())
}

async fn list(client: &Client, path: &str) -> Result<Vec<Value>, String> {
    let request = Request::get(path).body(vec![]).map_err(|e| e.to_string())?;
    let mut list: Value = client.request(request).await.map_err(|e| e.to_string())?;
    Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

fn has_condition(object: &Value, kind: &str) -> bool {
    object["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == kind && c["status"] == "True")
}

/// All nodes Ready, and every workload of kube-system complete.
async fn whole(client: &Client, nodes: usize) -> Result<(), String> {
    let ready = list(client, "/api/v1/nodes").await?.iter().filter(|node| has_condition(node, "Ready")).count();
    if ready < nodes {
        return Err(format!("{ready} of {nodes} nodes are Ready"));
    }
    let pods = list(client, "/api/v1/namespaces/kube-system/pods").await?;
    // Two of DNS, four of the control plane, kube-proxy and the network policies' agent everywhere.
    let expected = 2 * nodes + 6;
    let running = pods.iter().filter(|pod| has_condition(pod, "Ready")).count();
    if running < expected {
        let waiting: Vec<String> = pods
            .iter()
            .filter(|pod| !has_condition(pod, "Ready"))
            .map(|pod| format!("{} {}", pod["metadata"]["name"], pod["status"]))
            .collect();
        return Err(format!("{running} of {expected} system pods are Ready; waiting for {}", waiting.join("; ")));
    }
    Ok(())
}

fn addons(sim: &Sim) -> Result<Vec<Value>, SimError> {
    let layout = sim.layout();
    let kubelet_config = crate::install::kubelet_config(layout).lines().map(|line| format!("    {line}\n")).collect::<String>();
    let ca = base64::engine::general_purpose::STANDARD.encode(&sim.pki().ca.pair.cert);
    let mut text = ADDONS.to_owned();
    for (key, value) in [
        ("dns_address", layout.dns_address.to_string()),
        ("pod_cidr", layout.pod_cidr.clone()),
        ("service_cidr", layout.service_cidr.clone()),
        ("api_address", layout.api_address()),
        ("version", values::KUBERNETES_VERSION.to_owned()),
        ("ca_data", ca),
        ("kubelet_config", kubelet_config.trim_end().to_owned()),
    ] {
        text = text.replace(&format!("{{{{{key}}}}}"), &value);
    }
    serde_saphyr::from_multiple(&text).map_err(|e| SimError::Boot(format!("built-in addons: {e}")))
}

/// Collection path of the kinds that addons use.
fn collection(object: &Value) -> Result<String, SimError> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let plural = match object["kind"].as_str().unwrap_or_default() {
        "StorageClass" => "storageclasses".to_owned(),
        kind => format!("{}s", kind.to_ascii_lowercase()),
    };
    let root = if version.contains('/') { "apis" } else { "api" };
    Ok(match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{version}/{plural}"),
    })
}

async fn create(client: &Client, object: &Value) -> Result<(), SimError> {
    let path = format!("{}?fieldManager=kubeadm&fieldValidation=Strict", collection(object)?);
    let request = Request::post(&path)
        .header("content-type", "application/json")
        .body(object.to_string().into_bytes())
        .map_err(|e| SimError::Boot(e.to_string()))?;
    match client.request::<Value>(request).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(SimError::Boot(format!("creating {} {}: {error}", object["kind"], object["metadata"]["name"]))),
    }
}
