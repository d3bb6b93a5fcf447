//! Whether this machine can run kind clusters, for `ckaprep doctor`.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::engine::{Engine, HostSettings};
use super::error::KindError;
use crate::backend::host_command::{HostCommand, SharedCommands, finish};

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// As it should be.
    Good,
    /// It may be in the way.
    Remark,
    /// It is in the way.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What.
    pub subject: &'static str,
    /// How it is.
    pub fitness: Fitness,
    /// What was found.
    pub found: String,
    /// How to repair it.
    pub next: Option<String>,
}

/// What a cluster of four nodes needs, with room for a scenario's workloads.
const MEMORY_GIB: f64 = 4.0;
/// Free space for node image, nodes and workload images.
const DISK_GIB: f64 = 8.0;
/// kind's documentation ("pod errors due to too many open files") asks for these.
const INOTIFY: [(&str, u64); 2] = [("max_user_instances", 512), ("max_user_watches", 524_288)];

fn good(subject: &'static str, found: impl Into<String>) -> Examined {
    Examined { subject, fitness: Fitness::Good, found: found.into(), next: None }
}

fn less(subject: &'static str, fitness: Fitness, found: impl Into<String>, next: impl Into<String>) -> Examined {
    Examined { subject, fitness, found: found.into(), next: Some(next.into()) }
}

fn error(subject: &'static str, fitness: Fitness, error: &KindError) -> Examined {
    Examined { subject, fitness, found: error.to_string(), next: error.hint() }
}

/// Looks at everything that kind needs. Nothing of it is bad for somebody who uses the embedded cluster alone, so without a runtime
/// there is one remark and no more.
pub async fn examine(commands: SharedCommands, settings: &HostSettings, image: Option<&str>, root: &Path) -> Vec<Examined> {
    let engine = match Engine::detect(Arc::clone(&commands), settings).await {
        Ok(engine) => engine,
        Err(missing) => return vec![error("kind backend", Fitness::Remark, &missing)],
    };
    let program = engine.daemon().provider.program();
    let info = match engine.info().await {
        Ok(info) => info,
        Err(missing) => return vec![error("container runtime", Fitness::Remark, &missing)],
    };
    let text = |pointer: &str| info.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = [text("/ServerVersion"), text("/version/Version")].into_iter().find(|v| !v.is_empty()).unwrap_or_default();
    let mut all = vec![good("container runtime", format!("{program} {version}{}", place(&engine)))];
    all.push(match engine.kind_version().await {
        Ok(version) => good("kind", version),
        Err(missing) => error("kind", Fitness::Remark, &missing),
    });
    all.push(node_image(&engine, image).await);
    all.extend(memory(&info));
    all.extend(disk(&commands, &info).await);
    all.extend(cgroups(&info));
    // What follows is the kernel's, and seen only where the daemon runs here.
    if engine.daemon().host.as_deref().is_none_or(|host| host.starts_with("unix:")) && root.join("proc/sys").exists() {
        all.push(inotify(root));
        all.extend(modules(root));
    }
    all
}

fn place(engine: &Engine) -> String {
    let daemon = engine.daemon();
    let context = daemon.context.as_ref().map(|context| format!(", context {context}"));
    context.or_else(|| daemon.host.as_ref().map(|host| format!(" at {host}"))).unwrap_or_default()
}

async fn node_image(engine: &Engine, image: Option<&str>) -> Examined {
    let Some(image) = image else {
        return less(
            "node image",
            Fitness::Remark,
            "kind's default, fetched when the first cluster is made",
            "`ckaprep cluster prepare` fetches it ahead",
        );
    };
    match engine.has_image(image).await {
        Ok(true) => good("node image", image),
        Ok(false) => less("node image", Fitness::Remark, format!("{image} is not here yet"), "`ckaprep cluster prepare` fetches it"),
        Err(missing) => error("node image", Fitness::Bad, &missing),
    }
}

fn memory(info: &Value) -> Option<Examined> {
    let bytes = info["MemTotal"].as_f64().or_else(|| info.pointer("/host/memTotal").and_then(Value::as_f64))?;
    let gib = bytes / f64::from(1 << 30);
    let found = format!("{gib:.1} GiB");
    Some(if gib >= MEMORY_GIB {
        good("memory for nodes", found)
    } else {
        less(
            "memory for nodes",
            Fitness::Bad,
            format!("{found}; a cluster of four nodes needs {MEMORY_GIB:.0}"),
            "give the container runtime's machine more memory",
        )
    })
}

async fn disk(commands: &SharedCommands, info: &Value) -> Option<Examined> {
    let root = info["DockerRootDir"].as_str().or_else(|| info.pointer("/store/graphRoot").and_then(Value::as_str))?;
    // A daemon in a virtual machine has a disk of its own, on which we can't look.
    let finished = finish(&**commands, HostCommand::new("df", ["-Pk", root])).await.ok().filter(|f| f.status == 0)?;
    let text = finished.text();
    let free = text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<f64>().ok()? / f64::from(1 << 20);
    let found = format!("{free:.0} GiB free in {root}");
    Some(if free >= DISK_GIB {
        good("disk for nodes", found)
    } else {
        less(
            "disk for nodes",
            Fitness::Bad,
            format!("{found}; images and nodes need {DISK_GIB:.0}"),
            "free some: `ckaprep cluster list` shows ckaprep's, `docker system df` the rest",
        )
    })
}

fn cgroups(info: &Value) -> Option<Examined> {
    let version = info["CgroupVersion"].as_str().or_else(|| info.pointer("/host/cgroupVersion").and_then(Value::as_str))?;
    Some(if version.trim_start_matches('v') == "2" {
        good("cgroups", "version 2")
    } else {
        less(
            "cgroups",
            Fitness::Remark,
            "version 1, which kubelets from 1.35 on refuse",
            "boot with systemd.unified_cgroup_hierarchy=1, or allow it: --kubeadm-patch with `kind: KubeletConfiguration`, `failCgroupV1: false`",
        )
    })
}

fn inotify(root: &Path) -> Examined {
    let low: Vec<(String, String)> = INOTIFY
        .into_iter()
        .filter_map(|(name, wanted)| {
            let text = std::fs::read_to_string(root.join("proc/sys/fs/inotify").join(name)).ok()?;
            let value: u64 = text.trim().parse().ok()?;
            (value < wanted).then(|| (format!("{name} is {value}"), format!("fs.inotify.{name}={wanted}")))
        })
        .collect();
    if low.is_empty() {
        return good("inotify limits", "high enough");
    }
    let (found, settings): (Vec<String>, Vec<String>) = low.into_iter().unzip();
    let next = format!("`sudo sysctl {}`, and the same in /etc/sysctl.d to keep it", settings.join(" "));
    less("inotify limits", Fitness::Remark, format!("{}: pods may fail with \"too many open files\"", found.join(", ")), next)
}

fn modules(root: &Path) -> Option<Examined> {
    let file_systems = std::fs::read_to_string(root.join("proc/filesystems")).ok()?;
    let missing: Vec<&str> = [("overlay", file_systems.contains("overlay")), ("br_netfilter", root.join("proc/sys/net/bridge").exists())]
        .into_iter()
        .filter_map(|(name, there)| (!there).then_some(name))
        .collect();
    Some(match missing.as_slice() {
        [] => good("kernel modules", "overlay, br_netfilter"),
        missing => less(
            "kernel modules",
            Fitness::Remark,
            format!("not loaded: {}", missing.join(", ")),
            format!("`sudo modprobe -a {}`; they may be built in or loaded by the runtime", missing.join(" ")),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::host_command::testing::{FakeCommands, fails, says};

    fn subject<'a>(all: &'a [Examined], name: &str) -> &'a Examined {
        all.iter().find(|e| e.subject == name).unwrap_or_else(|| panic!("{name} in {all:?}"))
    }

    #[tokio::test]
    async fn each_lack_is_told_with_its_repair() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            std::fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(root.path().join(path), text).unwrap();
        };
        write("proc/sys/fs/inotify/max_user_instances", "128\n");
        write("proc/filesystems", "nodev\toverlay\n");
        let info = r#"{"ServerVersion": "28.0", "MemTotal": 2147483648, "CgroupVersion": "1", "DockerRootDir": "/var/lib/docker"}"#;
        let commands = FakeCommands::new(move |c| match (c.program.as_str(), c.args[0].as_str()) {
            (_, "info") => says(info),
            ("df", _) => says("Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 10 5 1048576 50% /\n"),
            ("kind", _) => says("0.33.0"),
            (_, "image") => fails("Error: No such image"),
            _ => says(""),
        });
        let all = examine(Arc::new(commands), &HostSettings::default(), Some("kindest/node:v1"), root.path()).await;
        for (name, fitness, part) in [
            ("container runtime", Fitness::Good, "docker 28.0"),
            ("kind", Fitness::Good, "0.33.0"),
            ("node image", Fitness::Remark, "not here yet"),
            ("memory for nodes", Fitness::Bad, "2.0 GiB"),
            ("disk for nodes", Fitness::Bad, "1 GiB free"),
            ("cgroups", Fitness::Remark, "version 1"),
            ("inotify limits", Fitness::Remark, "max_user_instances is 128"),
            ("kernel modules", Fitness::Remark, "br_netfilter"),
        ] {
            let found = subject(&all, name);
            assert!(found.fitness == fitness && found.found.contains(part), "{found:?}");
            assert_eq!(found.next.is_some(), fitness != Fitness::Good, "{found:?}");
        }
    }

    #[tokio::test]
    async fn without_a_daemon_or_a_runtime_there_is_one_remark() {
        let away = FakeCommands::new(|_| fails("Cannot connect to the Docker daemon at x"));
        let all = examine(Arc::new(away), &HostSettings::default(), None, Path::new("/nowhere")).await;
        assert_eq!((all.len(), all[0].fitness), (1, Fitness::Remark));
        let nothing = FakeCommands::new(|c| Err(crate::backend::host_command::HostError::Missing { program: c.program.clone() }));
        let all = examine(Arc::new(nothing), &HostSettings::default(), None, Path::new("/nowhere")).await;
        assert!(all.len() == 1 && all[0].found.contains("Docker or Podman"), "{all:?}");
    }
}
