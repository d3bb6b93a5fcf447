//! `PodStatus` from what the runtime says and the kubelet knows (`kubelet_pods.go`, `status/generate.go`): pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container as Spec, Pod, PodSpec};
use serde_json::{Map, Value, json};

use super::node_status::time;
use super::runtime_pod::RuntimePod;
use super::state::{ContainerMemory, PodMemory, Source};
use crate::containerd::{Container, ContainerState, ContainerdState};

/// What a status depends on besides the pod.
pub(super) struct Context<'a> {
    pub(super) now: Timestamp,
    pub(super) host_ip: &'a str,
    pub(super) images: &'a ContainerdState,
    /// Termination messages by container id.
    pub(super) messages: BTreeMap<String, String>,
}

pub(super) fn spec(pod: &Pod) -> &PodSpec {
    static NONE: LazyLock<PodSpec> = LazyLock::new(PodSpec::default);
    pod.spec.as_ref().unwrap_or(&NONE)
}

/// A native sidecar.
pub(super) fn is_sidecar(container: &Spec) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

pub(super) fn restart_policy(spec: &PodSpec) -> &str {
    spec.restart_policy.as_deref().unwrap_or("Always")
}

/// Whether a container that ended is started again.
pub(super) fn restarts(spec: &PodSpec, container: &Spec, init: bool, exit_code: i32) -> bool {
    if is_sidecar(container) && init {
        return true;
    }
    match restart_policy(spec) {
        "Never" => false,
        "OnFailure" => exit_code != 0,
        _ => !init || exit_code != 0,
    }
}

/// Whether a startup probe (if any) has succeeded for the running container.
pub(super) fn is_started(container: &Spec, memory: &ContainerMemory) -> bool {
    memory.hook_done && (container.startup_probe.is_none() || memory.probes.get("startup").and_then(|probe| probe.success) == Some(true))
}

/// Whether the running container is ready.
pub(super) fn is_ready(container: &Spec, memory: &ContainerMemory) -> bool {
    is_started(container, memory)
        && (container.readiness_probe.is_none() || memory.probes.get("readiness").and_then(|probe| probe.success) == Some(true))
}

/// The status of a pod.
pub(super) fn compute(memory: &PodMemory, runtime: &RuntimePod, context: &Context<'_>) -> Value {
    let pod = &memory.pod;
    let spec = spec(pod);
    let inits = spec.init_containers.clone().unwrap_or_default();
    let empty = ContainerMemory::default();
    let remembered = |name: &str| memory.containers.get(name).unwrap_or(&empty);
    let init_statuses: Vec<Value> =
        inits.iter().map(|c| container_status(c, remembered(&c.name), runtime, context, true, &inits, memory)).collect();
    let statuses: Vec<Value> =
        spec.containers.iter().map(|c| container_status(c, remembered(&c.name), runtime, context, false, &inits, memory)).collect();
    let ephemeral: Vec<Value> = spec
        .ephemeral_containers
        .iter()
        .flatten()
        .filter_map(|c| serde_json::from_value::<Spec>(serde_json::to_value(c).ok()?).ok())
        .map(|c| container_status(&c, remembered(&c.name), runtime, context, false, &[], memory))
        .collect();
    let initialized = inits.iter().zip(&init_statuses).all(|(container, status)| init_done(container, status));
    let mut phase = phase(memory, spec, &inits, &init_statuses, &statuses, initialized);
    let previous = if memory.status.is_null() { &memory.sent } else { &memory.status };
    let old_phase = previous["phase"].as_str().unwrap_or_default();
    // Terminal phases are final.
    if matches!(old_phase, "Succeeded" | "Failed") {
        phase = if old_phase == "Succeeded" { "Succeeded" } else { "Failed" };
    }
    let mut status = Map::new();
    let mut put = |key: &str, value: Value| status.insert(key.to_owned(), value);
    let generation = pod.metadata.generation.filter(|_| memory.source == Source::Api);
    if let Some(generation) = generation {
        put("observedGeneration", generation.into());
    }
    put("phase", phase.into());
    let reason = memory.rejected.clone().or_else(|| memory.terminating.as_ref().and_then(|t| t.reason.clone()));
    if let Some((reason, message)) = &reason {
        put("reason", reason.as_str().into());
        put("message", message.as_str().into());
    }
    let unready: Vec<&str> =
        spec.containers.iter().zip(&statuses).filter(|(_, status)| status["ready"] != true).map(|(c, _)| c.name.as_str()).collect();
    let conditions = conditions(memory, previous, phase, &inits, &init_statuses, initialized, &unready, runtime, generation, context);
    put("conditions", Value::Array(conditions));
    put("hostIP", context.host_ip.into());
    put("hostIPs", json!([{"ip": context.host_ip}]));
    let pod_ip = if spec.host_network == Some(true) {
        Some(context.host_ip.to_owned())
    } else {
        let kept = previous["podIP"].as_str().map(str::to_owned);
        runtime.sandbox().and_then(|sandbox| sandbox.ip).map(|ip| ip.to_string()).or(kept)
    };
    if let Some(ip) = pod_ip {
        put("podIP", ip.as_str().into());
        put("podIPs", json!([{"ip": ip}]));
    }
    let start = previous["startTime"].as_str().map_or_else(|| time(memory.start_time), str::to_owned);
    put("startTime", start.into());
    if !inits.is_empty() {
        put("initContainerStatuses", Value::Array(init_statuses));
    }
    put("containerStatuses", Value::Array(statuses));
    if !ephemeral.is_empty() {
        put("ephemeralContainerStatuses", Value::Array(ephemeral));
    }
    put("qosClass", qos(spec).into());
    Value::Object(status)
}

fn init_done(container: &Spec, status: &Value) -> bool {
    if is_sidecar(container) { status["started"] == true } else { status["state"]["terminated"]["exitCode"] == 0 }
}

fn phase(
    memory: &PodMemory,
    spec: &PodSpec,
    inits: &[Spec],
    init_statuses: &[Value],
    statuses: &[Value],
    initialized: bool,
) -> &'static str {
    if memory.rejected.is_some() {
        return "Failed";
    }
    let ended = |status: &Value| status["state"]["terminated"].is_object();
    let code = |status: &Value| status["state"]["terminated"]["exitCode"].as_i64().unwrap_or(0);
    let evicted = memory.terminating.as_ref().is_some_and(|terminating| terminating.reason.is_some());
    if evicted && statuses.iter().all(|status| !status["state"]["running"].is_object()) {
        return "Failed";
    }
    if !initialized {
        let failed =
            inits.iter().zip(init_statuses).any(|(container, status)| !is_sidecar(container) && ended(status) && code(status) != 0);
        return if failed && restart_policy(spec) == "Never" { "Failed" } else { "Pending" };
    }
    if statuses.iter().any(|status| status["state"]["waiting"].is_object() && !status["lastState"]["terminated"].is_object()) {
        return "Pending";
    }
    if statuses.iter().any(|status| status["state"]["running"].is_object()) {
        return "Running";
    }
    let last =
        |status: &Value| if ended(status) { code(status) } else { status["lastState"]["terminated"]["exitCode"].as_i64().unwrap_or(0) };
    let deleted = memory.terminating.is_some();
    match restart_policy(spec) {
        "Always" if !deleted => "Running",
        "OnFailure" if !deleted && statuses.iter().any(|status| last(status) != 0) => "Running",
        _ if statuses.iter().all(|status| last(status) == 0) => "Succeeded",
        _ => "Failed",
    }
}

#[allow(clippy::too_many_arguments)] // all that conditions depend on
fn conditions(
    memory: &PodMemory,
    previous: &Value,
    phase: &str,
    inits: &[Spec],
    init_statuses: &[Value],
    initialized: bool,
    unready: &[&str],
    runtime: &RuntimePod,
    generation: Option<i64>,
    context: &Context<'_>,
) -> Vec<Value> {
    let old: Vec<Value> = previous["conditions"].as_array().cloned().unwrap_or_default();
    let done = phase == "Succeeded";
    let make = |kind: &str, truth: bool, reason: Option<&str>, message: Option<String>| {
        let status = if truth { "True" } else { "False" };
        let before = old.iter().find(|condition| condition["type"] == kind);
        let since = match before {
            Some(before) if before["status"] == status => before["lastTransitionTime"].clone(),
            _ => Value::from(time(context.now)),
        };
        let mut condition = Map::new();
        condition.insert("type".to_owned(), kind.into());
        if let Some(generation) = generation {
            condition.insert("observedGeneration".to_owned(), generation.into());
        }
        condition.insert("status".to_owned(), status.into());
        condition.insert("lastProbeTime".to_owned(), Value::Null);
        condition.insert("lastTransitionTime".to_owned(), since);
        if let Some(reason) = reason {
            condition.insert("reason".to_owned(), reason.into());
        }
        if let Some(message) = message {
            condition.insert("message".to_owned(), message.into());
        }
        Value::Object(condition)
    };
    let waiting: Vec<&str> =
        inits.iter().zip(init_statuses).filter(|(c, status)| !init_done(c, status)).map(|(c, _)| c.name.as_str()).collect();
    let sandbox_ready = runtime.sandbox().is_some();
    let mut made = vec![make("PodReadyToStartContainers", sandbox_ready, None, None)];
    made.push(match (initialized || done, done) {
        (_, true) => make("Initialized", true, Some("PodCompleted"), None),
        (true, _) => make("Initialized", true, None, None),
        _ => make(
            "Initialized",
            false,
            Some("ContainersNotInitialized"),
            Some(format!("containers with incomplete status: [{}]", waiting.join(" "))),
        ),
    });
    let (containers, reason, message) = match phase {
        "Succeeded" => (false, Some("PodCompleted"), None),
        "Failed" => (false, Some("PodFailed"), None),
        _ if unready.is_empty() => (true, None, None),
        _ => (false, Some("ContainersNotReady"), Some(format!("containers with unready status: [{}]", unready.join(" ")))),
    };
    let gates: Vec<String> = memory
        .pod
        .spec
        .iter()
        .flat_map(|spec| spec.readiness_gates.iter().flatten())
        .map(|gate| gate.condition_type.clone())
        .filter(|gate| !old.iter().any(|condition| condition["type"] == gate.as_str() && condition["status"] == "True"))
        .collect();
    made.push(if containers && !gates.is_empty() {
        let missing: Vec<String> = gates
            .iter()
            .map(|gate| match old.iter().any(|condition| condition["type"] == gate.as_str()) {
                true => format!("the status of pod readiness gate \"{gate}\" is not \"True\", but False"),
                false => format!("corresponding condition of pod readiness gate \"{gate}\" does not exist."),
            })
            .collect();
        let message = if missing.len() == 1 { missing[0].clone() } else { format!("[{}]", missing.join(", ")) };
        make("Ready", false, Some("ReadinessGatesNotReady"), Some(message))
    } else {
        make("Ready", containers, reason, message.clone())
    });
    made.push(make("ContainersReady", containers, reason, message));
    made.push(make("PodScheduled", true, None, None));
    made
}

fn container_status(
    container: &Spec,
    memory: &ContainerMemory,
    runtime: &RuntimePod,
    context: &Context<'_>,
    init: bool,
    inits: &[Spec],
    pod: &PodMemory,
) -> Value {
    let newest = runtime.newest(&container.name);
    let mut status = Map::new();
    let mut state = json!({});
    let mut last = memory.last.clone().map_or_else(|| json!({}), |last| json!({"terminated": last}));
    if let Some(previous) = runtime.previous(&container.name).filter(|c| c.state == ContainerState::Exited) {
        last = json!({"terminated": terminated(previous, context)});
    }
    let running = newest.is_some_and(|c| c.state == ContainerState::Running);
    match newest {
        Some(current) if running => {
            state = json!({"running": {"startedAt": current.started.map(time)}});
        }
        Some(current) if current.state == ContainerState::Exited => match &memory.waiting {
            // A reason to wait shows only while another start is due.
            Some((reason, message)) if pod.terminating.is_none() && restarts(spec(&pod.pod), container, init, current.exit_code) => {
                state = waiting(reason, message);
                last = json!({"terminated": terminated(current, context)});
            }
            _ => state = json!({"terminated": terminated(current, context)}),
        },
        _ => {
            let default = if init || inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
            let default = if init && !inits.is_empty() { "PodInitializing" } else { default };
            state = match &memory.waiting {
                Some((reason, message)) => waiting(reason, message),
                None => waiting(default, ""),
            };
            if let Some(last_known) = &memory.last {
                last = json!({"terminated": last_known});
            }
        }
    }
    let mut put = |key: &str, value: Value| status.insert(key.to_owned(), value);
    put("name", container.name.as_str().into());
    put("state", state.clone());
    put("lastState", last);
    let (started, ready) = if running {
        (is_started(container, memory), is_ready(container, memory))
    } else {
        let finished_init = init && !is_sidecar(container) && state["terminated"]["exitCode"] == 0;
        (false, finished_init)
    };
    put("ready", ready.into());
    put("restartCount", newest.map_or(memory.restarts, |current| current.config.attempt).into());
    let (image, image_id) = match newest {
        Some(current) => {
            let record = context.images.images.get(&current.config.image_id);
            let name = record.and_then(|record| record.tags.first()).cloned().unwrap_or_else(|| current.config.image.clone());
            let asked = crate::images::Reference::parse(&current.config.image).map(|reference| reference.to_string());
            let name = match (record, asked) {
                (Some(record), Ok(asked)) if record.tags.contains(&asked) => asked,
                _ => name,
            };
            (name, record.and_then(|record| record.digests.first()).cloned().unwrap_or_else(|| current.config.image_id.clone()))
        }
        None => (container.image.clone().unwrap_or_default(), String::new()),
    };
    put("image", image.into());
    put("imageID", image_id.into());
    if let Some(current) = newest {
        put("containerID", format!("containerd://{}", current.id).into());
    }
    put("started", started.into());
    // `VolumeMountStatus`, for containers that exist.
    let mounts = container.volume_mounts.as_ref().filter(|mounts| newest.is_some() && !mounts.is_empty());
    if let Some(mounts) = mounts {
        let shown = |mount: &k8s_openapi::api::core::v1::VolumeMount| {
            let mut status = json!({"name": mount.name, "mountPath": mount.mount_path});
            if mount.read_only == Some(true) {
                status["readOnly"] = true.into();
                status["recursiveReadOnly"] = mount.recursive_read_only.as_deref().unwrap_or("Disabled").into();
            }
            status
        };
        put("volumeMounts", mounts.iter().map(shown).collect::<Vec<_>>().into());
    }
    if running {
        let resources = container.resources.clone().unwrap_or_default();
        if let Some(requests) = resources.requests.filter(|requests| !requests.is_empty()) {
            put("allocatedResources", serde_json::to_value(requests).unwrap_or_default());
        }
        let resources = serde_json::to_value(&container.resources).unwrap_or_default();
        put("resources", if resources.is_null() { json!({}) } else { resources });
    }
    Value::Object(status)
}

fn waiting(reason: &str, message: &str) -> Value {
    if message.is_empty() { json!({"waiting": {"reason": reason}}) } else { json!({"waiting": {"reason": reason, "message": message}}) }
}

/// `ContainerStateTerminated`
pub(super) fn terminated(container: &Container, context: &Context<'_>) -> Value {
    let mut value = json!({"exitCode": container.exit_code, "reason": container.reason});
    let message = context.messages.get(&container.id).filter(|text| !text.is_empty()).cloned();
    let message = message.or_else(|| Some(container.message.clone()).filter(|text| !text.is_empty()));
    if let Some(message) = message {
        value["message"] = Value::from(message);
    }
    value["startedAt"] = Value::from(time(container.started.unwrap_or(Timestamp::UNIX_EPOCH)));
    value["finishedAt"] = Value::from(container.finished.map(time).unwrap_or_default());
    value["containerID"] = Value::from(format!("containerd://{}", container.id));
    value
}

/// `qos.ComputePodQOS`
pub(super) fn qos(spec: &PodSpec) -> &'static str {
    let mut guaranteed = true;
    let mut any = false;
    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
        let resources = container.resources.clone().unwrap_or_default();
        let (limits, requests) = (resources.limits.unwrap_or_default(), resources.requests.unwrap_or_default());
        for name in ["cpu", "memory"] {
            let (limit, request) = (limits.get(name), requests.get(name).or(limits.get(name)));
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && request.map(|q| &q.0) == limit.map(|q| &q.0);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// A strategic merge patch that makes `old` into `new`: fields that are gone are removed.
pub(super) fn patch(old: &Value, new: &Value) -> Value {
    let mut body = new.clone();
    if let (Some(old), Some(body)) = (old.as_object(), body.as_object_mut()) {
        for key in old.keys() {
            // What others own (`resize`, `nominatedNodeName`) is left alone.
            if !body.contains_key(key)
                && matches!(
                    key.as_str(),
                    "reason" | "message" | "podIP" | "podIPs" | "initContainerStatuses" | "ephemeralContainerStatuses"
                )
            {
                body.insert(key.clone(), Value::Null);
            }
        }
        // Conditions are merged by their type: what one no longer says has to be taken out of it.
        for condition in body.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
            let known = old.get("conditions").and_then(Value::as_array).into_iter().flatten();
            let Some(before) = known.filter_map(Value::as_object).find(|known| known.get("type") == condition.get("type")) else {
                continue;
            };
            let gone: Vec<String> = before.keys().filter(|key| condition.get(key.as_str()).is_none()).cloned().collect();
            for key in gone {
                condition[key] = Value::Null;
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::containerd::ContainerConfig;

    fn pod(extra: Value) -> PodMemory {
        let mut pod = json!({
            "metadata": {"name": "p", "namespace": "d", "uid": "u", "generation": 1},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]},
        });
        for (key, value) in extra.as_object().into_iter().flatten() {
            pod["spec"][key] = value.clone();
        }
        serde_json::from_value(json!({
            "pod": pod, "source": "api", "start_time": "2026-01-01T00:00:00Z", "terminating": null, "finished": false, "rejected": null,
            "containers": {"c": {"id": "", "backoff": null, "pull_backoff": null, "pull_error": null, "waiting": null, "probes": {}, "hook_done": true, "last": null, "restarts": 0}},
            "status": null, "sent": null, "mirror_uid": null, "mounted": null, "refresh": null, "hold_until": null,
        }))
        .expect("a memory")
    }

    fn container(name: &str, attempt: u32, state: ContainerState, exit_code: i32) -> Arc<Container> {
        Arc::new(Container {
            id: format!("{name}{attempt}"),
            sandbox: "s".into(),
            config: ContainerConfig { name: name.into(), attempt, image: "nginx".into(), ..ContainerConfig::default() },
            state,
            created: Timestamp::UNIX_EPOCH,
            started: Some(Timestamp::UNIX_EPOCH),
            finished: Some(Timestamp::UNIX_EPOCH),
            exit_code,
            reason: if exit_code == 0 { "Completed".into() } else { "Error".into() },
            message: String::new(),
            pid: None,
            oom_killed: false,
        })
    }

    fn status(memory: &PodMemory, containers: Vec<Arc<Container>>) -> Value {
        let images = ContainerdState::default();
        let context = Context { now: Timestamp::UNIX_EPOCH, host_ip: "172.18.0.5", images: &images, messages: BTreeMap::new() };
        compute(memory, &RuntimePod { sandboxes: Vec::new(), containers }, &context)
    }

    #[test]
    fn phases_follow_containers_and_restart_policy() {
        use ContainerState::{Exited, Running};
        for (extra, containers, phase) in [
            (json!({}), vec![], "Pending"),
            (json!({}), vec![container("c", 0, Running, 0)], "Running"),
            (json!({}), vec![container("c", 0, Exited, 1)], "Running"),
            (json!({"restartPolicy": "Never"}), vec![container("c", 0, Exited, 1)], "Failed"),
            (json!({"restartPolicy": "Never"}), vec![container("c", 0, Exited, 0)], "Succeeded"),
            (json!({"restartPolicy": "OnFailure"}), vec![container("c", 0, Exited, 3)], "Running"),
            (json!({"initContainers": [{"name": "i"}]}), vec![], "Pending"),
            (json!({"initContainers": [{"name": "i"}], "restartPolicy": "Never"}), vec![container("i", 0, Exited, 1)], "Failed"),
        ] {
            assert_eq!(status(&pod(extra.clone()), containers)["phase"], phase, "{extra}");
        }
    }

    #[test]
    fn a_crash_loop_shows_the_back_off_and_the_last_end() {
        let mut memory = pod(json!({}));
        if let Some(c) = memory.containers.get_mut("c") {
            c.waiting = Some(("CrashLoopBackOff".into(), "back-off 10s restarting failed container=c pod=p_d(u)".into()));
        }
        let status = status(&memory, vec![container("c", 2, ContainerState::Exited, 1)]);
        let c = &status["containerStatuses"][0];
        assert_eq!(c["state"]["waiting"]["reason"], "CrashLoopBackOff");
        assert_eq!(c["lastState"]["terminated"]["exitCode"], 1);
        assert_eq!((&c["restartCount"], &c["ready"], &c["started"]), (&json!(2), &json!(false), &json!(false)));
        assert_eq!(status["conditions"][2]["message"], "containers with unready status: [c]");
    }

    #[test]
    fn quality_of_service_has_three_classes() {
        for (resources, class) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "50m"}}), "Burstable"),
            (json!({"limits": {"cpu": "1", "memory": "1Gi"}}), "Guaranteed"),
        ] {
            let spec: PodSpec = serde_json::from_value(json!({"containers": [{"name": "c", "resources": resources}]})).expect("a spec");
            assert_eq!(qos(&spec), class);
        }
    }
}
