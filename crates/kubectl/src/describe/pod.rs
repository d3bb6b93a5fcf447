//! Pods.

use jiff::Timestamp;
use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{controller, labels, marks, text, tolerations};
use crate::describe::time::{rfc1123, since};
use crate::describe::{containers, template, volumes};

/// Adds a pod, up to its events.
pub fn describe(doc: &mut Document, pod: &Value, now: Timestamp) {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    doc.field(0, "Name", text(&metadata["name"]));
    doc.field(0, "Namespace", text(&metadata["namespace"]));
    if let Some(priority) = spec["priority"].as_i64() {
        doc.field(0, "Priority", priority.to_string());
    }
    for (title, key) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        if !text(&spec[key]).is_empty() {
            doc.field(0, title, text(&spec[key]));
        }
    }
    match text(&spec["nodeName"]) {
        "" => doc.field(0, "Node", "<none>"),
        node => doc.field(0, "Node", format!("{node}/{}", text(&status["hostIP"]))),
    }
    if status["startTime"].is_string() {
        doc.field(0, "Start Time", rfc1123(&status["startTime"]));
    }
    marks(doc, pod);
    let phase = text(&status["phase"]);
    if metadata["deletionTimestamp"].is_string() && !matches!(phase, "Failed" | "Succeeded") {
        doc.field(0, "Status", format!("Terminating (lasts {})", since(&metadata["deletionTimestamp"], now)));
        doc.field(0, "Termination Grace Period", format!("{}s", metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0)));
    } else {
        doc.field(0, "Status", phase);
    }
    for (title, key) in [("Reason", "reason"), ("Message", "message")] {
        if !text(&status[key]).is_empty() {
            doc.field(0, title, text(&status[key]));
        }
    }
    if spec["securityContext"]["seccompProfile"].is_object() {
        doc.field(0, "SeccompProfile", text(&spec["securityContext"]["seccompProfile"]["type"]));
    }
    doc.field(0, "IP", text(&status["podIP"]));
    match status["podIPs"].as_array().filter(|l| !l.is_empty()) {
        None => doc.field(0, "IPs", "<none>"),
        Some(ips) => {
            doc.line(0, "IPs:");
            for ip in ips {
                doc.field(1, "IP", text(&ip["ip"]));
            }
        }
    }
    if let Some(owner) = controller(pod) {
        doc.field(0, "Controlled By", owner);
    }
    if !text(&status["nominatedNodeName"]).is_empty() {
        doc.field(0, "NominatedNodeName", text(&status["nominatedNodeName"]));
    }
    if spec["resources"].is_object() {
        doc.line(0, "Resources:");
        containers::resources(doc, &spec["resources"], 1);
    }
    for (title, key, statuses, always) in [
        ("Init Containers", "initContainers", "initContainerStatuses", false),
        ("Containers", "containers", "containerStatuses", true),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses", false),
    ] {
        if always || spec[key].as_array().is_some_and(|l| !l.is_empty()) {
            containers::describe(doc, title, pod, &spec[key], &status[statuses], "");
        }
    }
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(gates) = spec["readinessGates"].as_array().filter(|l| !l.is_empty()) {
        doc.line(0, "Readiness Gates:");
        doc.line(1, "Type\tStatus");
        for gate in gates {
            let found = conditions.iter().find(|c| c["type"] == gate["conditionType"]);
            doc.line(1, format!("{} \t{} ", text(&gate["conditionType"]), found.map_or("<none>", |c| text(&c["status"]))));
        }
    }
    if !conditions.is_empty() {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus");
        for c in conditions {
            doc.line(1, format!("{} \t{} ", text(&c["type"]), text(&c["status"])));
        }
    }
    volumes::describe(doc, &spec["volumes"], "");
    doc.field(0, "QoS Class", status["qosClass"].as_str().unwrap_or("BestEffort"));
    labels(doc, "Node-Selectors", &spec["nodeSelector"]);
    tolerations(doc, "Tolerations", &spec["tolerations"]);
    template::topology(doc, &spec["topologySpreadConstraints"], "");
}
