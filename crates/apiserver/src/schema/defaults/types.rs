//! Defaults that depend on other fields, by type.

use base64::Engine;
use serde_json::{Map, Value, json};

type Fields = Map<String, Value>;

/// The function that completes a type, if there is one.
pub fn of_type(name: &str) -> Option<fn(&mut Fields)> {
    let short = name.strip_prefix("io.k8s.api.")?;
    Some(match short {
        "core.v1.Pod" => pod,
        "core.v1.PodSpec" => pod_spec,
        "core.v1.Container" | "core.v1.EphemeralContainer" => container,
        "core.v1.Volume" => volume,
        "core.v1.ImageVolumeSource" => image_volume,
        "core.v1.Secret" => secret,
        "core.v1.Service" => service,
        "core.v1.ServicePort" => service_port,
        "core.v1.Namespace" => namespace,
        "core.v1.NodeStatus" => node_status,
        "core.v1.LimitRangeItem" => limit_range_item,
        "core.v1.ReplicationController" => replication_controller,
        "apps.v1.DeploymentStrategy" | "apps.v1.DaemonSetUpdateStrategy" => rolling_update,
        "apps.v1.DaemonSet" => daemon_set,
        "apps.v1.StatefulSetSpec" => stateful_set,
        "apps.v1.StatefulSetUpdateStrategy" => stateful_set_update,
        "batch.v1.Job" => job,
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => autoscaler,
        "networking.v1.NetworkPolicySpec" => network_policy,
        "rbac.v1.Subject" => subject,
        _ => return None,
    })
}

fn text<'a>(map: &'a Fields, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or("")
}

fn unset(map: &Fields, key: &str) -> bool {
    map.get(key).is_none_or(Value::is_null)
}

fn fill(map: &mut Fields, key: &str, value: impl Into<Value>) {
    if unset(map, key) {
        map.insert(key.into(), value.into());
    }
}

fn child<'a>(map: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    map.get_mut(key)?.as_object_mut()
}

/// `IfNotPresent`, or `Always` for the tag `latest`, which an image without tag and digest has (`parsers.ParseImageName`).
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or(name);
    let latest = match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => !digest,
    };
    if latest { "Always" } else { "IfNotPresent" }
}

/// `SetDefaults_Container`.
fn container(map: &mut Fields) {
    if text(map, "imagePullPolicy").is_empty() {
        let policy = pull_policy(text(map, "image"));
        map.insert("imagePullPolicy".into(), policy.into());
    }
}

/// `SetDefaults_Volume`: a volume without a source is an emptyDir.
fn volume(map: &mut Fields) {
    if map.keys().all(|key| key == "name") {
        map.insert("emptyDir".into(), json!({}));
    }
}

fn image_volume(map: &mut Fields) {
    if text(map, "pullPolicy").is_empty() {
        let policy = pull_policy(text(map, "reference"));
        map.insert("pullPolicy".into(), policy.into());
    }
}

/// Conversion keeps the account's old name equal to the new one, whichever of them is set (`Convert_v1_PodSpec_To_core_PodSpec` and back).
fn pod_spec(map: &mut Fields) {
    let (new, old) = (text(map, "serviceAccountName").to_owned(), text(map, "serviceAccount").to_owned());
    if !new.is_empty() && new != old {
        map.insert("serviceAccount".into(), new.into());
    } else if new.is_empty() && !old.is_empty() {
        map.insert("serviceAccountName".into(), old.into());
    }
}

/// `SetDefaults_Pod`: what templates do not get.
fn pod(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            requests_from_limits(container);
            if host_network {
                host_ports(container);
            }
        }
    }
    fill(spec, "enableServiceLinks", true);
}

fn requests_from_limits(container: &mut Value) {
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { return };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
    fill(resources, "requests", json!({}));
    if let Some(requests) = child(resources, "requests") {
        for (name, value) in limits {
            requests.entry(name).or_insert(value);
        }
    }
}

fn host_ports(container: &mut Value) {
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(number) = port.get("containerPort").cloned() {
            fill(port, "hostPort", number);
        }
    }
}

/// `stringData` is written into `data` and never read back (`Convert_v1_Secret_To_core_Secret`).
fn secret(map: &mut Fields) {
    let Some(Value::Object(plain)) = map.shift_remove("stringData") else { return };
    fill(map, "data", json!({}));
    if let Some(data) = child(map, "data") {
        for (key, value) in plain {
            let encoded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or(""));
            data.insert(key, encoded.into());
        }
        data.sort_keys();
    }
}

/// `SetDefaults_Service`.
fn service(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    // The constants of the inner type come later, so its own type is asked here as if they had.
    let kind = match text(spec, "type") {
        "" => "ClusterIP",
        kind => kind,
    }
    .to_owned();
    if text(spec, "sessionAffinity") == "ClientIP" {
        let config = spec.entry("sessionAffinityConfig").or_insert_with(|| json!({}));
        if config.pointer("/clientIP/timeoutSeconds").is_none_or(Value::is_null) {
            *config = json!({"clientIP": {"timeoutSeconds": 10800}});
        }
    } else {
        spec.remove("sessionAffinityConfig");
    }
    let external = matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        || kind == "ClusterIP" && spec.get("externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty());
    if external {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
}

fn service_port(map: &mut Fields) {
    let zero = match map.get("targetPort") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(other) => other.as_i64() == Some(0),
    };
    if zero && let Some(port) = map.get("port").cloned() {
        map.insert("targetPort".into(), port);
    }
}

/// `SetDefaults_Namespace`: the label with the name (not while the name is still to be generated).
fn namespace(map: &mut Fields) {
    let Some(metadata) = child(map, "metadata") else { return };
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        fill(metadata, "labels", json!({}));
        if let Some(labels) = child(metadata, "labels") {
            labels.insert("kubernetes.io/metadata.name".into(), name.into());
        }
    }
}

fn node_status(map: &mut Fields) {
    if let Some(capacity) = map.get("capacity").cloned() {
        fill(map, "allocatable", capacity);
    }
}

/// `SetDefaults_LimitRangeItem`.
fn limit_range_item(map: &mut Fields) {
    if text(map, "type") != "Container" {
        return;
    }
    for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let Some(from) = map.get(source).and_then(Value::as_object).cloned() else { continue };
        fill(map, target, json!({}));
        if let Some(into) = child(map, target) {
            from.into_iter().for_each(|(name, value)| {
                into.entry(name).or_insert(value);
            });
        }
    }
}

fn replication_controller(map: &mut Fields) {
    let labels = map.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).filter(|l| !l.is_null()).cloned();
    let Some(labels) = labels else { return };
    if let Some(metadata) = child(map, "metadata") {
        fill(metadata, "labels", labels.clone());
    }
    if let Some(spec) = child(map, "spec") {
        fill(spec, "selector", labels);
    }
}

/// A rolling update gets its parameters' object.
fn rolling_update(map: &mut Fields) {
    if text(map, "type") == "RollingUpdate" {
        fill(map, "rollingUpdate", json!({}));
    }
}

/// The internal template generation shows as an annotation, zero until the strategy has counted
/// (`Convert_apps_DaemonSet_To_v1_DaemonSet`).
fn daemon_set(map: &mut Fields) {
    fill(map, "metadata", json!({}));
    let Some(metadata) = child(map, "metadata") else { return };
    fill(metadata, "annotations", json!({}));
    if let Some(annotations) = child(metadata, "annotations") {
        fill(annotations, "deprecated.daemonset.template.generation", "0");
    }
}

/// Claim templates name their kind (`Convert_apps_StatefulSetSpec_To_v1_StatefulSetSpec`).
fn stateful_set(map: &mut Fields) {
    for claim in map.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        fill(claim, "kind", "PersistentVolumeClaim");
        fill(claim, "apiVersion", "v1");
    }
}

/// `SetDefaults_StatefulSet`: only a type that was not given brings the parameters.
fn stateful_set_update(map: &mut Fields) {
    if text(map, "type").is_empty() {
        map.insert("type".into(), "RollingUpdate".into());
        fill(map, "rollingUpdate", json!({}));
    }
}

/// `SetDefaults_Job`.
fn job(map: &mut Fields) {
    let labels = map.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).filter(|l| !l.is_null()).cloned();
    if let (Some(labels), Some(metadata)) = (labels, child(map, "metadata")) {
        fill(metadata, "labels", labels);
    }
    let Some(spec) = child(map, "spec") else { return };
    if unset(spec, "completions") && unset(spec, "parallelism") {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    let limit = if unset(spec, "backoffLimitPerIndex") { 6 } else { i32::MAX };
    fill(spec, "backoffLimit", limit);
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    let replacement = if unset(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
    fill(spec, "podReplacementPolicy", replacement);
    fill(spec, "manualSelector", false);
}

/// `SetDefaults_HorizontalPodAutoscaler`.
fn autoscaler(map: &mut Fields) {
    if map.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}});
        map.insert("metrics".into(), json!([metric]));
    }
    let Some(behavior) = child(map, "behavior") else { return };
    let up = json!({"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]});
    let down = json!({"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]});
    for (name, defaults) in [("scaleUp", up), ("scaleDown", down)] {
        fill(behavior, name, json!({}));
        if let (Some(rules), Value::Object(defaults)) = (child(behavior, name), defaults) {
            defaults.into_iter().for_each(|(key, value)| fill(rules, &key, value));
        }
    }
}

fn network_policy(map: &mut Fields) {
    if map.get("policyTypes").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let egress = map.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
        map.insert("policyTypes".into(), if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
    }
}

fn subject(map: &mut Fields) {
    if text(map, "apiGroup").is_empty() && matches!(text(map, "kind"), "User" | "Group") {
        map.insert("apiGroup".into(), "rbac.authorization.k8s.io".into());
    }
}
