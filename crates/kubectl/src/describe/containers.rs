//! Containers of pods and pod templates.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{plain, quantity, text, title_bool};
use crate::describe::time::rfc1123;

/// Adds a list of containers. `space` is the indent of the label inside a template.
pub fn describe(doc: &mut Document, label: &str, pod: &Value, containers: &Value, statuses: &Value, space: &str) {
    let list = containers.as_array().map(Vec::as_slice).unwrap_or_default();
    doc.line(0, format!("{space}{label}:{}", if list.is_empty() { " <none>" } else { "" }));
    let indent = if space.is_empty() { "" } else { " " };
    for container in list {
        let status = statuses.as_array().into_iter().flatten().find(|s| s["name"] == container["name"]);
        doc.line(1, format!("{indent}{}:", text(&container["name"])));
        basics(doc, container, status);
        for (title, key) in [("Command", "command"), ("Args", "args")] {
            let Some(words) = container[key].as_array().filter(|w| !w.is_empty()) else { continue };
            doc.line(2, format!("{title}:"));
            for line in words.iter().flat_map(|w| text(w).split('\n')) {
                doc.line(3, line);
            }
        }
        if let Some(status) = status {
            state(doc, "State", &status["state"]);
            if status["lastState"]["terminated"].is_object() {
                state(doc, "Last State", &status["lastState"]);
            }
            doc.field(2, "Ready", title_bool(&status["ready"]));
            doc.field(2, "Restart Count", status["restartCount"].as_i64().unwrap_or(0).to_string());
        }
        resources(doc, &container["resources"], 2);
        for (title, key) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")] {
            if container[key].is_object() {
                doc.field(2, title, probe(&container[key]));
            }
        }
        env_from(doc, &container["envFrom"]);
        env(doc, pod, container);
        mounts(doc, container);
    }
}

fn basics(doc: &mut Document, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        doc.field(2, "Container ID", text(&status["containerID"]));
    }
    doc.field(2, "Image", text(&container["image"]));
    if let Some(status) = status {
        doc.field(2, "Image ID", text(&status["imageID"]));
    }
    for (one, many, key) in [("Port", "Ports", "containerPort"), ("Host Port", "Host Ports", "hostPort")] {
        let ports: Vec<String> = container["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|p| {
                let port = format!("{}/{}", p[key].as_i64().unwrap_or(0), p["protocol"].as_str().unwrap_or("TCP"));
                if p["name"].is_string() { format!("{port} ({})", text(&p["name"])) } else { port }
            })
            .collect();
        match ports.len() {
            0 => doc.field(2, one, "<none>"),
            1 => doc.field(2, one, &ports[0]),
            _ => doc.field(2, many, ports.join(", ")),
        }
    }
    if container["securityContext"]["seccompProfile"].is_object() {
        doc.field(2, "SeccompProfile", text(&container["securityContext"]["seccompProfile"]["type"]));
    }
}

fn state(doc: &mut Document, name: &str, state: &Value) {
    if let Some(running) = state.get("running").filter(|v| v.is_object()) {
        doc.field(2, name, "Running");
        doc.field(3, "Started", rfc1123(&running["startedAt"]));
    } else if let Some(terminated) = state.get("terminated").filter(|v| v.is_object()) {
        doc.field(2, name, "Terminated");
        for (title, key) in [("Reason", "reason"), ("Message", "message")] {
            if !text(&terminated[key]).is_empty() {
                doc.field(3, title, text(&terminated[key]));
            }
        }
        doc.field(3, "Exit Code", terminated["exitCode"].as_i64().unwrap_or(0).to_string());
        if let Some(signal) = terminated["signal"].as_i64().filter(|s| *s > 0) {
            doc.field(3, "Signal", signal.to_string());
        }
        doc.field(3, "Started", rfc1123(&terminated["startedAt"]));
        doc.field(3, "Finished", rfc1123(&terminated["finishedAt"]));
    } else {
        doc.field(2, name, "Waiting");
        if !text(&state["waiting"]["reason"]).is_empty() {
            doc.field(3, "Reason", text(&state["waiting"]["reason"]));
        }
    }
}

/// Limits and requests.
pub fn resources(doc: &mut Document, resources: &Value, level: usize) {
    for (title, key) in [("Limits", "limits"), ("Requests", "requests")] {
        let Some(map) = resources[key].as_object().filter(|m| !m.is_empty()) else { continue };
        doc.line(level, format!("{title}:"));
        let mut names: Vec<&String> = map.keys().collect();
        names.sort();
        for name in names {
            doc.field(level + 1, name, quantity(&map[name]));
        }
    }
}

fn probe(probe: &Value) -> String {
    let number = |key: &str, default: i64| probe[key].as_i64().unwrap_or(default);
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds", 0),
        number("timeoutSeconds", 0),
        number("periodSeconds", 0),
        number("successThreshold", 0),
        number("failureThreshold", 0)
    );
    if let Some(exec) = probe.get("exec").filter(|v| v.is_object()) {
        return format!("exec {} {attributes}", crate::describe::metadata::go_slice(&exec["command"]));
    }
    if let Some(get) = probe.get("httpGet").filter(|v| v.is_object()) {
        let scheme = get["scheme"].as_str().unwrap_or("HTTP").to_lowercase();
        let path = text(&get["path"]);
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        return format!("http-get {scheme}://{}:{}{slash}{path} {attributes}", text(&get["host"]), plain(&get["port"]));
    }
    if let Some(tcp) = probe.get("tcpSocket").filter(|v| v.is_object()) {
        return format!("tcp-socket {}:{} {attributes}", text(&tcp["host"]), plain(&tcp["port"]));
    }
    if let Some(grpc) = probe.get("grpc").filter(|v| v.is_object()) {
        return format!("grpc <pod>:{} {} {attributes}", plain(&grpc["port"]), text(&grpc["service"]));
    }
    format!("unknown {attributes}")
}

fn optional(value: &Value) -> bool {
    value["optional"] == true
}

fn env_from(doc: &mut Document, list: &Value) {
    let Some(list) = list.as_array().filter(|l| !l.is_empty()) else { return };
    doc.line(2, "Environment Variables from:");
    for e in list {
        let (kind, source) = if e["configMapRef"].is_object() { ("ConfigMap", &e["configMapRef"]) } else { ("Secret", &e["secretRef"]) };
        let prefix = match text(&e["prefix"]) {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        doc.line(3, format!("{}\t{kind}{prefix}\tOptional: {}", text(&source["name"]), optional(source)));
    }
}

fn env(doc: &mut Document, pod: &Value, container: &Value) {
    let list = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
    doc.line(2, if list.is_empty() { "Environment:\t<none>" } else { "Environment:" });
    for e in list {
        let name = text(&e["name"]);
        let from = &e["valueFrom"];
        if from.is_null() {
            for (i, line) in text(&e["value"]).split('\n').enumerate() {
                doc.line(3, if i == 0 { format!("{name}:\t{line}") } else { format!("\t{line}") });
            }
        } else if from["fieldRef"].is_object() {
            let path = text(&from["fieldRef"]["fieldPath"]);
            let version = from["fieldRef"]["apiVersion"].as_str().unwrap_or("v1");
            doc.line(3, format!("{name}:\t{} ({version}:{path})", field(pod, path)));
        } else if from["resourceFieldRef"].is_object() {
            let resource = text(&from["resourceFieldRef"]["resource"]);
            let pointer = format!("/resources/{}", resource.replacen('.', "/", 1));
            let value = container.pointer(&pointer).map_or_else(|| "0".to_owned(), quantity);
            let value = if value == "0" && resource.starts_with("limits.") { "node allocatable".to_owned() } else { value };
            doc.line(3, format!("{name}:\t{value} ({resource})"));
        } else if from["secretKeyRef"].is_object() {
            let r = &from["secretKeyRef"];
            doc.line(
                3,
                format!("{name}:\t<set to the key '{}' in secret '{}'>\tOptional: {}", text(&r["key"]), text(&r["name"]), optional(r)),
            );
        } else if from["configMapKeyRef"].is_object() {
            let r = &from["configMapKeyRef"];
            doc.line(
                3,
                format!("{name}:\t<set to the key '{}' of config map '{}'>\tOptional: {}", text(&r["key"]), text(&r["name"]), optional(r)),
            );
        }
    }
}

/// The value of a field reference, where the object tells it.
fn field(pod: &Value, path: &str) -> String {
    match path {
        "metadata.name"
        | "metadata.namespace"
        | "metadata.uid"
        | "spec.nodeName"
        | "spec.serviceAccountName"
        | "status.podIP"
        | "status.hostIP" => pod.pointer(&format!("/{}", path.replace('.', "/"))).map(|v| text(v).to_owned()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn mounts(doc: &mut Document, container: &Value) {
    let mut list: Vec<&Value> = container["volumeMounts"].as_array().into_iter().flatten().collect();
    list.sort_by_key(|m| text(&m["mountPath"]).to_owned());
    doc.line(2, if list.is_empty() { "Mounts:\t<none>" } else { "Mounts:" });
    for m in list {
        let mut flags = vec![if m["readOnly"] == true { "ro".to_owned() } else { "rw".to_owned() }];
        if !text(&m["subPath"]).is_empty() {
            flags.push(format!("path={:?}", text(&m["subPath"])));
        }
        doc.line(3, format!("{} from {} ({})", text(&m["mountPath"]), text(&m["name"]), flags.join(",")));
    }
    let Some(devices) = container["volumeDevices"].as_array().filter(|d| !d.is_empty()) else { return };
    doc.line(2, "Devices:");
    for d in devices {
        doc.line(3, format!("{} from {}", text(&d["devicePath"]), text(&d["name"])));
    }
}
