//! Finding the pod and the container that `logs`, `exec` and `attach` mean.

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::resources::args::{Info, list};
use crate::resources::discovery::escape;

/// The pod that a word names: a pod's name, `pod/name`, or one of the pods of `deployment/name` and the like.
pub async fn find(cx: &Context, word: &str) -> Result<Info, Error> {
    let namespace = cx.namespace()?;
    let discovery = cx.discovery().await?;
    let (kind, name) = word.split_once('/').unwrap_or(("pods", word));
    let resource = discovery.find(kind)?;
    let info = Info {
        namespace: resource.namespaced.then(|| namespace.clone()),
        name: name.to_owned(),
        object: cx.get(&resource.object(Some(&namespace), name)).await?,
        source: None,
        resource,
    };
    if info.resource.kind == "Pod" {
        return Ok(info);
    }
    let mut pods = of(cx, &info).await?;
    if pods.is_empty() {
        return Err(Error::message("timed out waiting for the condition"));
    }
    // Those that are ready, for the longest time, with the fewest restarts come first (`ActivePods`).
    pods.sort_by_key(|p| {
        (!is_ready(&p.object), p.object["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned(), p.name.clone())
    });
    let count = pods.len();
    let first = pods.swap_remove(0);
    if count > 1 && cx.command.name() == "logs" {
        cx.eprintln(format!("Found {count} pods, using pod/{}", first.name)).await?;
    }
    Ok(first)
}

/// The pods that a workload's selector selects.
pub async fn of(cx: &Context, owner: &Info) -> Result<Vec<Info>, Error> {
    let selector = match owner.resource.kind.as_str() {
        "Service" | "ReplicationController" => {
            let labels = owner.object["spec"]["selector"].as_object().cloned().unwrap_or_default();
            if labels.is_empty() {
                return Err(Error::message(format!("invalid service '{}': Service is defined without a selector", owner.name)));
            }
            labels.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
            values::Selector::from_json(&owner.object["spec"]["selector"]).map_err(|e| Error::message(e.to_string()))?.to_string()
        }
        other => {
            return Err(Error::message(format!("cannot get the logs from {}: selector for {other} not implemented", owner.resource.name)));
        }
    };
    let pods = cx.discovery().await?.find("pods")?;
    list(cx, &pods, owner.namespace.as_deref(), &format!("?labelSelector={}", escape(&selector))).await
}

fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// Containers of all sorts: name and sort (`""`, `init`, `ephem`).
pub fn containers(pod: &Value) -> Vec<(String, &'static str)> {
    let mut out = Vec::new();
    for (key, sort) in [("containers", ""), ("ephemeralContainers", "ephem"), ("initContainers", "init")] {
        out.extend(pod["spec"][key].as_array().into_iter().flatten().map(|c| (c["name"].as_str().unwrap_or_default().to_owned(), sort)));
    }
    out
}

/// The container to use: the one asked for, the annotated default, or the first, which is said when there are more.
pub async fn container(cx: &Context, pod: &Info, quiet: bool) -> Result<String, Error> {
    let all = containers(&pod.object);
    if let Some(name) = cx.flags.given("container") {
        // exec and attach leave it to the server to refuse.
        if cx.command.name() == "logs" && !all.iter().any(|(n, _)| n == name) {
            return Err(Error::message(format!("container {name} is not valid for pod {}", pod.name)));
        }
        return Ok(name.to_owned());
    }
    let annotated = pod.object["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
    if let Some(name) = annotated.filter(|name| all.iter().any(|(n, _)| n == name)) {
        return Ok(name.to_owned());
    }
    let first = all.first().map(|(n, _)| n.clone()).unwrap_or_default();
    if all.len() > 1 && !quiet {
        let shown: Vec<String> = all.iter().map(|(n, sort)| if sort.is_empty() { n.clone() } else { format!("{n} ({sort})") }).collect();
        cx.eprintln(format!("Defaulted container {first:?} out of: {}", shown.join(", "))).await?;
    }
    Ok(first)
}
