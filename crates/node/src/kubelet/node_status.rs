//! The Node object as a kubelet writes it: pure functions of the machine and of what the kubelet knows
//! (`pkg/kubelet/nodestatus`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use values::{KUBERNETES_VERSION, Quantity};

use super::config::KubeletConfig;
use super::state::{NodeMemory, Settings};
use crate::machine::MachineState;

/// Time as the API has it.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `--node-labels` and what every node is labelled with.
pub(super) fn labels(settings: &Settings) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = settings
        .flags
        .get("node-labels")
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect();
    for (key, value) in [
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/hostname", settings.node_name.as_str()),
    ] {
        labels.insert(key.to_owned(), value.to_owned());
    }
    labels
}

/// The Node to register, without its status.
pub(super) fn initial(settings: &Settings) -> Value {
    let mut spec = Map::new();
    let provider = if settings.config.provider_id.is_empty() { settings.flags.get("provider-id") } else { &settings.config.provider_id };
    if !provider.is_empty() {
        spec.insert("providerID".to_owned(), provider.into());
    }
    match &settings.config.register_with_taints {
        Value::Array(taints) if !taints.is_empty() => {
            spec.insert("taints".to_owned(), Value::Array(taints.clone()));
        }
        Value::String(text) => {
            let taints: Vec<Value> = text
                .split(',')
                .filter_map(|taint| {
                    let (pair, effect) = taint.rsplit_once(':')?;
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some(if value.is_empty() {
                        json!({"key": key, "effect": effect})
                    } else {
                        json!({"key": key, "value": value, "effect": effect})
                    })
                })
                .collect();
            spec.insert("taints".to_owned(), Value::Array(taints));
        }
        _ => {}
    }
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": settings.node_name,
            "labels": labels(settings),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": spec,
    })
}

/// `status` without conditions.
pub(super) fn status(state: &MachineState, settings: &Settings, runtime_version: &str) -> Map<String, Value> {
    let hardware = &state.hardware;
    let capacity = BTreeMap::from([
        ("cpu", hardware.cpus.to_string()),
        ("ephemeral-storage", format!("{}Ki", hardware.disk_kib)),
        ("hugepages-1Gi", "0".to_owned()),
        ("hugepages-2Mi", "0".to_owned()),
        ("memory", format!("{}Ki", hardware.memory_kib)),
        ("pods", settings.config.max_pods.to_string()),
    ]);
    let mut allocatable = capacity.clone();
    for (name, amount) in &mut allocatable {
        *amount = allocatable_of(&settings.config, name, amount);
    }
    let ip_known = settings.node_ip == state.address.to_string();
    let mut addresses = vec![json!({"type": "Hostname", "address": settings.node_name})];
    if ip_known {
        addresses.insert(0, json!({"type": "InternalIP", "address": settings.node_ip}));
    }
    let read = |path: &str| state.files.read_text(path).unwrap_or_default();
    let os = read("/etc/os-release");
    let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux").trim_matches('"').to_owned();
    let machine_id = read("/etc/machine-id").trim().to_owned();
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = if kernel.is_empty() { "6.1.0-30-amd64".to_owned() } else { kernel.trim().to_owned() };
    let mut images: Vec<_> = state.containers.images.values().cloned().collect();
    images.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.id.cmp(&b.id)));
    let limit = usize::try_from(settings.config.node_status_max_images).unwrap_or(usize::MAX);
    let images: Vec<Value> = images
        .iter()
        .take(limit)
        .map(|image| {
            // At most five names (maxNamesPerImageInNodeStatus).
            let names: Vec<&String> = image.digests.iter().chain(&image.tags).take(5).collect();
            json!({"names": names, "sizeBytes": image.size})
        })
        .collect();
    let Value::Object(status) = json!({
        "addresses": addresses,
        "allocatable": allocatable,
        "capacity": capacity,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": settings.config.port}},
        "images": images,
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": derived_uuid(&format!("boot {} {}", state.name, state.booted)),
            "containerRuntimeVersion": format!("containerd://{runtime_version}"),
            "kernelVersion": kernel,
            "kubeProxyVersion": "",
            "kubeletVersion": KUBERNETES_VERSION,
            "machineID": if machine_id.is_empty() { derived_uuid(&format!("machine {}", state.name)).replace('-', "") } else { machine_id },
            "operatingSystem": "linux",
            "osImage": os,
            "systemUUID": derived_uuid(&format!("system {}", state.name)),
        },
    }) else {
        return Map::new(); // an object literal is an object
    };
    status
}

/// Capacity less what is reserved and the hard eviction thresholds.
fn allocatable_of(config: &KubeletConfig, name: &str, capacity: &str) -> String {
    let Ok(total) = Quantity::parse(capacity) else { return capacity.to_owned() };
    let mut left = total;
    for reserved in [&config.system_reserved, &config.kube_reserved] {
        if let Some(amount) = reserved.get(name).and_then(|text| Quantity::parse(text).ok()) {
            left -= amount;
        }
    }
    let signal = match name {
        "memory" => "memory.available",
        "ephemeral-storage" => "nodefs.available",
        _ => "",
    };
    if let Some(threshold) = config.eviction_hard.get(signal) {
        let bytes = match threshold.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok()) {
            Some(percent) => Some((total.value() as f64 * percent / 100.0) as i64),
            None => Quantity::parse(threshold).ok().map(|quantity| quantity.value()),
        };
        if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
            let rest = (left.value() - bytes).max(0);
            // Bytes that are no whole KiB are written plainly, as upstream does for percentages.
            return if rest % 1024 == 0 { format!("{}Ki", rest / 1024) } else { rest.to_string() };
        }
    }
    if left.is_negative() { "0".to_owned() } else { left.to_string() }
}

/// An identifier that depends on nothing but its seed.
fn derived_uuid(seed: &str) -> String {
    component::Generator::for_part(0, seed).uuid()
}

/// Pressure conditions of this node: type, whether there is pressure, and the two reasons with their messages.
pub(super) const PRESSURES: [(&str, [&str; 3], [&str; 3]); 3] = [
    (
        "MemoryPressure",
        ["KubeletHasSufficientMemory", "kubelet has sufficient memory available", "NodeHasSufficientMemory"],
        ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "NodeHasInsufficientMemory"],
    ),
    (
        "DiskPressure",
        ["KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure"],
        ["KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"],
    ),
    (
        "PIDPressure",
        ["KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasSufficientPID"],
        ["KubeletHasInsufficientPID", "kubelet has insufficient PID available", "NodeHasInsufficientPID"],
    ),
];

/// How long the runtime may be silent before it is down, and the PLEG before it is unhealthy.
const RUNTIME_LIMIT: i64 = 30;
const PLEG_LIMIT: i64 = 180;

/// Errors of the runtime as the sync loop and the Ready condition report them (`runtimeState.runtimeErrors`).
pub(super) fn runtime_errors(node: &NodeMemory, now: Timestamp) -> Vec<String> {
    let mut errors = Vec::new();
    match node.runtime_seen {
        None => errors.push("container runtime status check may not have completed yet".to_owned()),
        Some(seen) if now.duration_since(seen).as_secs() >= RUNTIME_LIMIT => errors.push("container runtime is down".to_owned()),
        Some(_) => {}
    }
    match node.pleg_seen {
        None => errors.push("PLEG is not healthy: pleg has yet to be successful".to_owned()),
        Some(seen) => {
            let ago = now.duration_since(seen);
            if ago.as_secs() >= PLEG_LIMIT {
                let ago = values::duration::format_go(std::time::Duration::try_from(ago).unwrap_or_default());
                errors.push(format!("PLEG is not healthy: pleg was last seen active {ago} ago; threshold is 3m0s"));
            }
        }
    }
    errors
}

/// `Aggregate.Error()` of Go's apimachinery: several errors in brackets.
pub(super) fn aggregate(errors: &[String]) -> String {
    if errors.len() == 1 { errors[0].clone() } else { format!("[{}]", errors.join(", ")) }
}

/// Whether the node is ready, with reason and message.
pub(super) fn readiness(node: &NodeMemory, now: Timestamp) -> (bool, &'static str, String) {
    let mut errors = runtime_errors(node, now);
    if let Some(network) = &node.network_error {
        errors.push(format!("container runtime network not ready: {network}"));
    }
    if errors.is_empty() {
        (true, "KubeletReady", "kubelet is posting ready status".to_owned())
    } else {
        (false, "KubeletNotReady", aggregate(&errors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(runtime: Option<i64>, pleg: Option<i64>, network: Option<&str>) -> NodeMemory {
        let at = |seconds: Option<i64>| seconds.map(|seconds| Timestamp::from_second(1000 - seconds).expect("in range"));
        NodeMemory { runtime_seen: at(runtime), pleg_seen: at(pleg), network_error: network.map(str::to_owned), ..NodeMemory::default() }
    }

    #[test]
    fn the_ready_condition_says_what_is_wrong() {
        let now = Timestamp::from_second(1000).expect("in range");
        for (memory, message) in [
            (memory(Some(1), Some(1), None), "kubelet is posting ready status"),
            (memory(Some(31), Some(31), None), "container runtime is down"),
            (
                memory(Some(375), Some(375), None),
                "[container runtime is down, PLEG is not healthy: pleg was last seen active 6m15s ago; threshold is 3m0s]",
            ),
            (
                memory(
                    Some(1),
                    Some(1),
                    Some(
                        "NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
                    ),
                ),
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
            ),
            (
                memory(None, None, None),
                "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]",
            ),
        ] {
            assert_eq!(readiness(&memory, now).2, message);
        }
    }

    #[test]
    fn allocatable_is_capacity_less_what_is_kept() {
        let mut config: KubeletConfig = serde_json::from_value(json!({
            "address": "", "port": 1, "healthz_bind_address": "", "healthz_port": 1, "static_pod_path": "", "client_ca_file": "",
            "anonymous_enabled": false, "webhook_enabled": true, "authorization_mode": "", "tls_cert_file": "",
            "tls_private_key_file": "", "rotate_certificates": true, "cluster_dns": [], "cluster_domain": "", "resolv_conf": "",
            "container_runtime_endpoint": "", "cgroup_driver": "", "fail_swap_on": true, "max_pods": 1, "register_node": true,
            "register_with_taints": null, "provider_id": "", "system_reserved": {"cpu": "100m"}, "kube_reserved": {},
            "eviction_hard": {"memory.available": "100Mi", "nodefs.available": "10%"}, "enforce_node_allocatable": [],
            "node_status_update_frequency": {"secs": 1, "nanos": 0}, "node_status_report_frequency": {"secs": 1, "nanos": 0},
            "node_lease_duration_seconds": 40, "node_status_max_images": 50, "sync_frequency": {"secs": 1, "nanos": 0},
            "file_check_frequency": {"secs": 1, "nanos": 0}, "max_restart_period": {"secs": 1, "nanos": 0},
            "serialize_image_pulls": true, "enable_server": true}))
        .expect("a configuration");
        assert_eq!(allocatable_of(&config, "cpu", "2"), "1900m");
        assert_eq!(allocatable_of(&config, "memory", "4014836Ki"), "3912436Ki");
        assert_eq!(allocatable_of(&config, "ephemeral-storage", "40453444Ki"), "37281893991");
        assert_eq!(allocatable_of(&config, "pods", "110"), "110");
        config.eviction_hard.clear();
        assert_eq!(allocatable_of(&config, "memory", "4014836Ki"), "4014836Ki");
    }
}
