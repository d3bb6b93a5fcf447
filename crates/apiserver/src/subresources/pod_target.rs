//! Which container of a pod is meant, and where its kubelet is (`pkg/registry/core/pod/strategy.go`).

use std::sync::Arc;

use serde_json::Value;

use crate::json::Json;
use crate::lookup::Lookup;
use crate::registry::SubresourceCall;
use crate::status::{ApiError, Reason};
use crate::store::Object;

/// A pod's kubelet.
#[derive(Clone, Debug)]
pub(super) struct Kubelet {
    /// Host to dial: the node's internal address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Port of a kubelet whose node does not say otherwise.
const PORT: u16 = 10250;

/// The pod of a call.
pub(super) fn pod(call: &SubresourceCall) -> Result<Arc<Object>, ApiError> {
    let info = &call.context.info;
    let found = Lookup::new(&call.core).get("", "pods", &info.namespace, &info.name);
    found.ok_or_else(|| ApiError::not_found("", "pods", &info.name))
}

/// The container that is asked for, or the only one.
pub(super) fn container(pod: &Value, asked: Option<&str>) -> Result<String, ApiError> {
    let name = pod.text("metadata.name");
    let names = |list: &str| pod.at("spec").list(list).iter().map(|c| c.text("name").to_owned()).collect::<Vec<_>>();
    let (own, init, ephemeral) = (names("containers"), names("initContainers"), names("ephemeralContainers"));
    if let Some(asked) = asked {
        let known = own.iter().chain(&init).chain(&ephemeral).any(|n| n == asked);
        let refusal = || ApiError::bad_request(format!("container {asked} is not valid for pod {name}"));
        return if known { Ok(asked.to_owned()) } else { Err(refusal()) };
    }
    match own.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(ApiError::bad_request(format!("a container name must be specified for pod {name}"))),
        _ => {
            let mut text = format!("a container name must be specified for pod {name}, choose one of: [{}]", own.join(" "));
            if !init.is_empty() {
                text = format!("{text} or one of the init containers: [{}]", init.join(" "));
            }
            if !ephemeral.is_empty() {
                text = format!("{text} or one of the ephemeral containers: [{}]", ephemeral.join(" "));
            }
            Err(ApiError::bad_request(text))
        }
    }
}

/// The kubelet of a pod that has a node.
pub(super) fn kubelet(call: &SubresourceCall, pod: &Value) -> Result<Kubelet, ApiError> {
    match pod.text("spec.nodeName") {
        // A pod without a node has nothing to show yet.
        "" => Err(ApiError::bad_request(format!("pod {} does not have a host assigned", pod.text("metadata.name")))),
        node => of_node(call, node),
    }
}

/// A node's kubelet, by the first address type that upstream prefers.
pub(super) fn of_node(call: &SubresourceCall, name: &str) -> Result<Kubelet, ApiError> {
    let node = Lookup::new(&call.core).get("", "nodes", "", name).ok_or_else(|| ApiError::not_found("", "nodes", name))?;
    let node = node.value();
    let address = |kind: &str| node.list("status.addresses").iter().find(|a| a.text("type") == kind).map(|a| a.text("address").to_owned());
    let host = ["InternalIP", "ExternalIP", "Hostname"].iter().find_map(|kind| address(kind));
    let host = host.ok_or_else(|| ApiError::new(Reason::Unknown, "no preferred addresses found; known addresses: []"))?;
    let port = node.int("status.daemonEndpoints.kubeletEndpoint.Port").and_then(|p| u16::try_from(p).ok()).filter(|p| *p != 0);
    Ok(Kubelet { host, port: port.unwrap_or(PORT) })
}

#[cfg(test)]
mod tests {
    use super::container;
    use serde_json::json;

    #[test]
    fn containers_are_chosen_or_asked_for() {
        let one = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}});
        let two =
            json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}});
        assert_eq!(container(&one, None).as_deref(), Ok("a"));
        assert_eq!(container(&two, Some("i")).as_deref(), Ok("i"));
        let text = |result: Result<String, crate::ApiError>| result.expect_err("it is refused").message;
        assert_eq!(
            text(container(&two, None)),
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]"
        );
        assert_eq!(text(container(&one, Some("x"))), "container x is not valid for pod p");
    }
}
