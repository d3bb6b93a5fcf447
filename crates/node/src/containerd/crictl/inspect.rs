//! `crictl inspect`, `inspectp`, `inspecti`, `info`.

use serde_json::{Value, json};

use super::options::Options;
use crate::containerd::{Container, ContainerState, Cri, CriError, SandboxState};

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn time(at: Option<jiff::Timestamp>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| format!("{at:.9}"))
}

fn state(container: &Container) -> &'static str {
    match container.state {
        ContainerState::Created => "CONTAINER_CREATED",
        ContainerState::Running => "CONTAINER_RUNNING",
        ContainerState::Exited => "CONTAINER_EXITED",
    }
}

/// An entry of `crictl ps -o json`.
pub(super) fn summary(container: &Container) -> Value {
    json!({
        "id": container.id,
        "podSandboxId": container.sandbox,
        "metadata": {"name": container.config.name, "attempt": container.config.attempt},
        "image": {"image": container.config.image_id, "annotations": {}, "userSpecifiedImage": container.config.image},
        "imageRef": container.config.image_id,
        "state": state(container),
        "createdAt": container.created.as_nanosecond().to_string(),
        "labels": container.config.labels,
        "annotations": container.config.annotations,
    })
}

pub(super) fn containers(cri: &Cri, options: &Options) -> Result<String, String> {
    if options.arguments.is_empty() {
        return Err("ID cannot be empty".to_owned());
    }
    let mut out = String::new();
    for id in &options.arguments {
        let container = cri.container(id).map_err(|error| format!("getting the status of the container \"{id}\": {error}"))?;
        let sandbox = cri.sandbox(&container.sandbox).map_err(|error| error.to_string())?;
        let image = cri.image(&container.config.image_id).ok().flatten();
        let digest = image.as_ref().and_then(|image| image.digests.first().cloned()).unwrap_or_default();
        let mounts: Vec<Value> = container
            .config
            .mounts
            .iter()
            .filter_map(|mount| match &mount.source {
                crate::fs::MountSource::Bind { path, .. } => Some(json!({
                    "containerPath": mount.target, "hostPath": path, "propagation": "PROPAGATION_PRIVATE", "readonly": mount.read_only, "selinuxRelabel": false,
                })),
                crate::fs::MountSource::Proc { .. } => None,
            })
            .collect();
        let envs: Vec<String> = container.config.envs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        out.push_str(&pretty(&json!({
            "status": {
                "id": container.id,
                "metadata": {"attempt": container.config.attempt, "name": container.config.name},
                "state": state(&container),
                "createdAt": time(Some(container.created)),
                "startedAt": time(container.started),
                "finishedAt": time(container.finished),
                "exitCode": container.exit_code,
                "image": {"annotations": {}, "image": container.config.image},
                "imageRef": digest,
                "reason": container.reason,
                "message": container.message,
                "labels": container.config.labels,
                "annotations": container.config.annotations,
                "mounts": mounts,
                "logPath": container.log_file(&sandbox),
                "resources": {"linux": {"memoryLimitInBytes": container.config.memory_limit.unwrap_or(0).to_string()}},
            },
            "info": {
                "sandboxID": container.sandbox,
                "pid": container.pid.unwrap_or(0),
                "removing": false,
                "snapshotter": "overlayfs",
                "config": {
                    "metadata": {"name": container.config.name, "attempt": container.config.attempt},
                    "image": {"image": container.config.image_id},
                    "command": container.config.command,
                    "args": container.config.args,
                    "working_dir": container.config.working_dir,
                    "envs": envs,
                    "log_path": container.config.log_path,
                    "stdin": container.config.stdin,
                    "tty": container.config.tty,
                },
            },
        })));
    }
    Ok(out)
}

pub(super) fn pods(cri: &Cri, options: &Options) -> Result<String, String> {
    if options.arguments.is_empty() {
        return Err("ID cannot be empty".to_owned());
    }
    let mut out = String::new();
    for id in &options.arguments {
        let sandbox = cri.sandbox(id).map_err(|error| format!("getting the status of the pod sandbox \"{id}\": {error}"))?;
        let ready = if sandbox.state == SandboxState::Ready { "SANDBOX_READY" } else { "SANDBOX_NOTREADY" };
        out.push_str(&pretty(&json!({
            "status": {
                "id": sandbox.id,
                "metadata": {"attempt": sandbox.config.attempt, "name": sandbox.config.name, "namespace": sandbox.config.namespace, "uid": sandbox.config.uid},
                "state": ready,
                "createdAt": time(Some(sandbox.created)),
                "network": {"additionalIps": [], "ip": sandbox.ip.map(|ip| ip.to_string()).unwrap_or_default()},
                "linux": {"namespaces": {"options": {"ipc": "POD", "network": if sandbox.config.host_network { "NODE" } else { "POD" }, "pid": "CONTAINER"}}},
                "labels": sandbox.config.labels,
                "annotations": sandbox.config.annotations,
                "runtimeHandler": "",
            },
            "info": {"pid": sandbox.pid.unwrap_or(0), "processStatus": if sandbox.pid.is_some() { "running" } else { "deleted" }},
        })));
    }
    Ok(out)
}

pub(super) fn images(cri: &Cri, options: &Options) -> Result<String, String> {
    let mut out = String::new();
    for name in &options.arguments {
        let full = crate::images::Reference::parse(name).map_or_else(|_| name.clone(), |reference| reference.to_string());
        let text = |error: CriError| error.to_string();
        let found = match cri.image(&full).map_err(text)? {
            Some(image) => Some(image),
            None => cri.image(name).map_err(text)?,
        };
        let image = found.ok_or_else(|| format!("no such image \"{name}\" present"))?;
        out.push_str(&pretty(&json!({
            "status": {"id": image.id, "repoTags": image.tags, "repoDigests": image.digests, "size": image.size.to_string(), "uid": null, "username": "", "spec": null, "pinned": false},
        })));
    }
    Ok(out)
}

pub(super) fn info(cri: &Cri) -> Result<String, String> {
    let daemon = cri.daemon().map_err(|error| error.to_string())?;
    let status = cri.status().map_err(|error| error.to_string())?;
    let files = cri.machine().host_files();
    let mut networks = vec![json!({
        "Config": {
            "CNIVersion": "0.3.1",
            "Name": "cni-loopback",
            "Plugins": [{"Network": {"dns": {}, "ipam": {}, "type": "loopback"}, "Source": "{\"type\":\"loopback\"}"}],
            "Source": "{\n\"cniVersion\": \"0.3.1\",\n\"name\": \"cni-loopback\",\n\"plugins\": [{\n  \"type\": \"loopback\"\n}]\n}",
        },
        "IFName": "lo",
    })];
    if let Ok(network) = crate::containerd::NetworkConfig::load(&files, &daemon.cni_conf_dir) {
        let plugins: Vec<Value> =
            network.plugins.iter().map(|plugin| json!({"Network": {"dns": {}, "ipam": {}, "type": plugin}})).collect();
        networks.push(json!({"Config": {"CNIVersion": "0.3.1", "Name": network.name, "Plugins": plugins, "Source": network.source.to_string()}, "IFName": "eth0"}));
    }
    let (ready, reason, message) = match status.network_error {
        None => (true, String::new(), String::new()),
        Some((reason, message)) => (false, reason, message),
    };
    let load = if ready {
        "OK".to_owned()
    } else {
        format!(
            "cni config load failed: no network config found in {}: cni plugin not initialized: failed to load cni config",
            daemon.cni_conf_dir
        )
    };
    Ok(pretty(&json!({
        "cniconfig": {"Networks": networks, "PluginConfDir": daemon.cni_conf_dir, "PluginDirs": [daemon.cni_bin_dir], "PluginMaxConfNum": 1, "Prefix": "eth"},
        "config": {
            "cni": {"binDir": daemon.cni_bin_dir, "confDir": daemon.cni_conf_dir, "maxConfNum": 1},
            "containerd": {"defaultRuntimeName": "runc", "snapshotter": "overlayfs", "runtimes": {"runc": {"options": {"SystemdCgroup": daemon.systemd_cgroup}, "runtimeType": "io.containerd.runc.v2"}}},
            "containerdEndpoint": daemon.address,
            "sandboxImage": daemon.sandbox_image,
        },
        "golang": "go1.19.8",
        "lastCNILoadStatus": load,
        "lastCNILoadStatus.default": load,
        "status": {
            "conditions": [
                {"message": "", "reason": "", "status": true, "type": "RuntimeReady"},
                {"message": message, "reason": reason, "status": ready, "type": "NetworkReady"},
            ],
        },
    })))
}
