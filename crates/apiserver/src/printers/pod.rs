//! Pods and pod templates (`printPod`, `printPodTemplate`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cell::{age, containers, labels, name, since, text_or};
use super::table::Printer;
use crate::json::Json;

pub const POD: Printer = Printer { columns: "Name,Ready,Status,Restarts,Age,IP+,Node+,Nominated Node+,Readiness Gates+", cells: pod };
pub const POD_TEMPLATE: Printer = Printer { columns: "Name,Containers,Images,Pod Labels", cells: pod_template };

/// What the container statuses of a pod add up to.
struct Summary {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summarize(pod);
    let restarts = match summary.last_restart {
        Some(when) if summary.restarts != 0 => format!("{} ({} ago)", summary.restarts, since(&when.to_string(), now)),
        _ => summary.restarts.to_string(),
    };
    let ip = pod.list("status.podIPs").first().map(|ip| ip.text("ip")).filter(|ip| !ip.is_empty()).unwrap_or("<none>");
    vec![
        name(pod),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.reason.into(),
        restarts.into(),
        age(pod, now),
        ip.into(),
        text_or(pod, "spec.nodeName", "<none>").into(),
        text_or(pod, "status.nominatedNodeName", "<none>").into(),
        readiness_gates(pod).into(),
    ]
}

fn readiness_gates(pod: &Value) -> String {
    let gates = pod.list("spec.readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let holds = |gate: &&Value| super::cell::condition(pod, gate.text("conditionType")) == "True";
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
}

/// Counts restarts of one container and remembers when the last of them began.
fn note_restarts(status: &Value, restarts: &mut i64, last: &mut Option<Timestamp>) {
    *restarts += status.int("restartCount").unwrap_or(0);
    if let Ok(finished) = status.text("lastState.terminated.finishedAt").parse::<Timestamp>() {
        *last = (*last).max(Some(finished));
    }
}

/// `Reason`, else `Signal:n`, else `ExitCode:n`.
fn termination(terminated: &Value) -> String {
    match (terminated.text("reason"), terminated.int("signal").unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", terminated.int("exitCode").unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn summarize(pod: &Value) -> Summary {
    let phase = pod.text("status.phase");
    let init_containers = pod.list("spec.initContainers");
    let restartable = |name: &str| init_containers.iter().any(|c| c.text("name") == name && c.text("restartPolicy") == "Always");
    let mut sum = Summary {
        ready: 0,
        total: pod.list("spec.containers").len() + init_containers.iter().filter(|c| c.text("restartPolicy") == "Always").count(),
        reason: text_or(pod, "status.reason", phase).to_owned(),
        restarts: 0,
        last_restart: None,
    };
    if pod.list("status.conditions").iter().any(|c| c.text("type") == "PodScheduled" && c.text("reason") == "SchedulingGated") {
        sum.reason = "SchedulingGated".to_owned();
    }

    let (mut sidecar_restarts, mut sidecar_last) = (0, None);
    let mut initializing = false;
    for (i, status) in pod.list("status.initContainerStatuses").iter().enumerate() {
        note_restarts(status, &mut sum.restarts, &mut sum.last_restart);
        let sidecar = restartable(status.text("name"));
        if sidecar {
            note_restarts(status, &mut sidecar_restarts, &mut sidecar_last);
        }
        let terminated = status.at("state.terminated");
        let waiting = status.text("state.waiting.reason");
        if !terminated.is_null() && terminated.int("exitCode").unwrap_or(0) == 0 {
            continue;
        }
        if sidecar && status.flag("started") == Some(true) {
            sum.ready += usize::from(status.flag("ready") == Some(true));
            continue;
        }
        sum.reason = if !terminated.is_null() {
            format!("Init:{}", termination(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{}", init_containers.len())
        };
        initializing = true;
        break;
    }

    if !initializing || super::cell::condition(pod, "Initialized") == "True" {
        sum.restarts = sidecar_restarts;
        sum.last_restart = sidecar_last;
        let (mut running, mut error) = (false, String::new());
        for status in pod.list("status.containerStatuses").iter().rev() {
            note_restarts(status, &mut sum.restarts, &mut sum.last_restart);
            let terminated = status.at("state.terminated");
            let waiting = status.text("state.waiting.reason");
            if !waiting.is_empty() {
                sum.reason = waiting.to_owned();
            } else if !terminated.is_null() {
                sum.reason = termination(terminated);
                if terminated.int("exitCode").unwrap_or(0) != 0 {
                    error.clone_from(&sum.reason);
                }
            } else if status.flag("ready") == Some(true) && status.has("state.running") {
                running = true;
                sum.ready += 1;
            }
        }
        // A pod with a container that still runs is not completed.
        if sum.reason == "Completed" {
            if running && super::cell::condition(pod, "Ready") == "True" {
                sum.reason = "Running".to_owned();
            } else if !error.is_empty() {
                sum.reason = error;
            } else if running {
                sum.reason = "NotReady".to_owned();
            }
        }
    }

    if pod.has("metadata.deletionTimestamp") {
        if pod.text("status.reason") == "NodeLost" {
            sum.reason = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            sum.reason = "Terminating".to_owned();
        }
    }
    sum
}

fn pod_template(object: &Value, _: Timestamp) -> Vec<Value> {
    let (names, images) = containers(object.at("template.spec"));
    vec![name(object), names, images, json!(labels(object, "template.metadata.labels"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(spec: Value, status: Value) -> String {
        let object = json!({"metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": spec, "status": status});
        let now = "2026-01-01T00:10:00Z".parse().expect("a time");
        let cells = pod(&object, now);
        cells[1..4].iter().map(|c| c.as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn status_column_follows_upstream() {
        let one = json!({"containers": [{"name": "c"}]});
        let init = json!({"containers": [{"name": "c"}], "initContainers": [{"name": "i"}, {"name": "j"}]});
        let side = json!({"containers": [{"name": "c"}], "initContainers": [{"name": "s", "restartPolicy": "Always"}]});
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let cases = [
            (one.clone(), json!({"phase": "Pending"}), "0/1 Pending 0"),
            (
                one.clone(),
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": true, "restartCount": 3, "state": {"running": {}},
                    "lastState": {"terminated": {"finishedAt": "2026-01-01T00:05:00Z"}}}]}),
                "1/1 Running 3 (5m ago)",
            ),
            (
                one.clone(),
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
                "0/1 CrashLoopBackOff 2",
            ),
            (
                one.clone(),
                json!({"phase": "Succeeded", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
                "0/1 Completed 0",
            ),
            (
                one.clone(),
                json!({"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
                "0/1 OOMKilled 0",
            ),
            (one.clone(), json!({"phase": "Failed", "reason": "Evicted"}), "0/1 Evicted 0"),
            (
                init.clone(),
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}}, {"name": "j", "state": {"running": {}}}]}),
                "0/1 Init:1/2 0",
            ),
            (
                init,
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 1, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
                "0/1 Init:Error 1",
            ),
            (
                side,
                json!({"phase": "Running", "conditions": ready, "initContainerStatuses": [{"name": "s", "started": true, "ready": true, "state": {"running": {}}}],
                    "containerStatuses": [{"name": "c", "ready": true, "state": {"running": {}}}]}),
                "2/2 Running 0",
            ),
        ];
        for (spec, status, want) in cases {
            assert_eq!(row(spec, status.clone()), want, "{status}");
        }
    }

    #[test]
    fn deletion_shows_terminating_unless_the_pod_ended() {
        let now = Timestamp::UNIX_EPOCH;
        for (phase, want) in [("Running", "Terminating"), ("Failed", "Failed")] {
            let object = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}, "status": {"phase": phase}});
            assert_eq!(pod(&object, now)[2], want);
        }
    }
}
