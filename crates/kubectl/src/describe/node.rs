//! Nodes.

use serde_json::Value;
use values::Quantity;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::{marks, plain, quantity, strings, taints, text, timed_conditions};
use crate::describe::requests::{self, Amounts};
use crate::describe::time::{rfc1123, since};
use crate::error::Error;
use crate::resources::args::Info;
use crate::resources::discovery::escape;

/// Adds a node, up to its events.
pub async fn describe(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let node = &info.object;
    let fields = format!("spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed", info.name);
    let pods = match cx.get(&format!("/api/v1/pods?fieldSelector={}", escape(&fields))).await {
        Ok(list) => Some(list["items"].as_array().cloned().unwrap_or_default()),
        Err(e) if e.reason() == "Forbidden" => None,
        Err(e) => return Err(e),
    };
    let lease = cx.get(&format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{}", escape(&info.name))).await;
    let status = &node["status"];
    doc.field(0, "Name", &info.name);
    doc.field(0, "Roles", roles(node));
    marks(doc, node);
    doc.field(0, "CreationTimestamp", rfc1123(&node["metadata"]["creationTimestamp"]));
    taints(doc, "Taints", &node["spec"]["taints"]);
    doc.field(0, "Unschedulable", (node["spec"]["unschedulable"] == true).to_string());
    match lease {
        Ok(lease) => {
            let or_unset = |v: &Value, f: &dyn Fn(&Value) -> String| if v.is_null() { "<unset>".to_owned() } else { f(v) };
            let spec = &lease["spec"];
            doc.line(0, "Lease:");
            doc.field(1, "HolderIdentity", or_unset(&spec["holderIdentity"], &plain));
            doc.field(1, "AcquireTime", or_unset(&spec["acquireTime"], &rfc1123));
            doc.field(1, "RenewTime", or_unset(&spec["renewTime"], &rfc1123));
        }
        Err(e) => doc.field(0, "Lease", format!("Failed to get lease: {e}")),
    }
    timed_conditions(doc, node, "LastHeartbeatTime");
    doc.line(0, "Addresses:");
    for address in status["addresses"].as_array().into_iter().flatten() {
        doc.field(1, text(&address["type"]), text(&address["address"]));
    }
    for (title, key) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        let Some(map) = status[key].as_object().filter(|m| !m.is_empty()) else { continue };
        doc.line(0, format!("{title}:"));
        let mut names: Vec<&String> = map.keys().collect();
        names.sort();
        for name in names {
            doc.field(1, name, quantity(&map[name]));
        }
    }
    doc.line(0, "System Info:");
    for (title, key) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
        ("Kube-Proxy Version", "kubeProxyVersion"),
    ] {
        doc.field(1, title, text(&status["nodeInfo"][key]));
    }
    if !text(&node["spec"]["podCIDR"]).is_empty() {
        doc.field(0, "PodCIDR", text(&node["spec"]["podCIDR"]));
    }
    let cidrs = strings(&node["spec"]["podCIDRs"]);
    if !cidrs.is_empty() {
        doc.field(0, "PodCIDRs", cidrs.join(","));
    }
    if !text(&node["spec"]["providerID"]).is_empty() {
        doc.field(0, "ProviderID", text(&node["spec"]["providerID"]));
    }
    match pods {
        Some(pods) => resources(cx, doc, node, &pods),
        None => doc.field(0, "Pods", "not authorized"),
    }
    Ok(())
}

/// The roles that a node's labels tell, comma-separated, or `<none>`.
fn roles(node: &Value) -> String {
    let mut roles: Vec<String> = Vec::new();
    for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => roles.push(role.to_owned()),
            _ if key == "kubernetes.io/role" && !text(value).is_empty() => roles.push(text(value).to_owned()),
            _ => {}
        }
    }
    roles.sort();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn get(amounts: &Amounts, name: &str) -> Quantity {
    amounts.get(name).copied().unwrap_or(Quantity::ZERO)
}

/// `100m (5%)`.
fn share(amount: Quantity, of: Quantity) -> String {
    let percent = if of.is_zero() { 0 } else { (amount.to_f64() / of.to_f64() * 100.0) as i64 };
    format!("{amount} ({percent}%)")
}

fn resources(cx: &Context, doc: &mut Document, node: &Value, pods: &[Value]) {
    doc.field(0, "Non-terminated Pods", format!("({} in total)", pods.len()));
    doc.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    doc.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let map = match node["status"]["allocatable"].as_object().filter(|m| !m.is_empty()) {
        Some(map) => map.clone(),
        None => node["status"]["capacity"].as_object().cloned().unwrap_or_default(),
    };
    let allocatable: Amounts = map.iter().filter_map(|(n, v)| Some((n.clone(), Quantity::parse(v.as_str()?).ok()?))).collect();
    let (mut all_requests, mut all_limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let (request, limit) = (requests::pod(pod, "requests"), requests::pod(pod, "limits"));
        let cells: Vec<String> = [("cpu", &request), ("cpu", &limit), ("memory", &request), ("memory", &limit)]
            .into_iter()
            .map(|(name, amounts)| share(get(amounts, name), get(&allocatable, name)))
            .collect();
        doc.line(
            1,
            format!(
                "{}\t{}\t\t{}\t{}",
                text(&pod["metadata"]["namespace"]),
                text(&pod["metadata"]["name"]),
                cells.join("\t"),
                since(&pod["metadata"]["creationTimestamp"], cx.now())
            ),
        );
        requests::add(&mut all_requests, &request);
        requests::add(&mut all_limits, &limit);
    }
    doc.line(0, "Allocated resources:");
    doc.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    doc.line(1, "Resource\tRequests\tLimits");
    doc.line(1, "--------\t--------\t------");
    let huge = allocatable.keys().filter(|n| n.starts_with("hugepages-")).map(String::as_str);
    for name in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge) {
        let whole = get(&allocatable, name);
        doc.line(1, format!("{name}\t{}\t{}", share(get(&all_requests, name), whole), share(get(&all_limits, name), whole)));
    }
    for name in allocatable
        .keys()
        .filter(|n| !n.starts_with("hugepages-") && !matches!(n.as_str(), "cpu" | "memory" | "ephemeral-storage" | "pods"))
    {
        doc.line(1, format!("{name}\t{}\t{}", get(&all_requests, name), get(&all_limits, name)));
    }
}
