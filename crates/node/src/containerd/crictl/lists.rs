//! `crictl ps`, `pods`, `stats`.

use super::format::{ago, short, size, table};
use super::options::Options;
use crate::containerd::{ContainerState, Cri, CriError, SandboxState};

fn state_name(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Created => "Created",
        ContainerState::Running => "Running",
        ContainerState::Exited => "Exited",
    }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

pub(super) fn containers(cri: &Cri, options: &Options) -> Result<String, CriError> {
    let now = cri.machine().clock().now();
    let sandboxes = cri.sandboxes()?;
    let mut chosen = cri.containers()?;
    chosen.retain(|container| {
        let state = state_name(container.state);
        let wanted = match options.value("state") {
            Some(wanted) => state.eq_ignore_ascii_case(wanted),
            None => options.flag("all") || options.value("id").is_some() || container.state == ContainerState::Running,
        };
        wanted
            && options.value("name").is_none_or(|name| container.config.name.contains(name.trim_matches(['^', '$'])))
            && options.value("pod").is_none_or(|pod| container.sandbox.starts_with(pod))
            && options
                .value("image")
                .is_none_or(|image| container.config.image.contains(image) || container.config.image_id.contains(image))
            && options.value("label").is_none_or(|label| {
                label.split_once('=').is_some_and(|(key, value)| container.config.labels.get(key).map(String::as_str) == Some(value))
            })
    });
    let limit = if options.flag("latest") { 1 } else { options.value("last").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX) };
    chosen.truncate(limit);
    if options.flag("quiet") {
        return Ok(chosen.iter().map(|container| format!("{}\n", container.id)).collect());
    }
    if options.value("output") == Some("json") {
        let items: Vec<_> = chosen.iter().map(|container| super::inspect::summary(container)).collect();
        return Ok(super::inspect::pretty(&serde_json::json!({"containers": items})));
    }
    let mut rows = vec![row(&["CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD", "NAMESPACE"])];
    for container in &chosen {
        let sandbox = sandboxes.iter().find(|sandbox| sandbox.id == container.sandbox);
        let (pod, namespace) = sandbox.map_or(("unknown", ""), |sandbox| (sandbox.config.name.as_str(), sandbox.config.namespace.as_str()));
        let full = options.flag("no-trunc");
        let cut = |id: &str| if full { id.to_owned() } else { short(id) };
        rows.push(row(&[
            &cut(&container.id),
            &cut(&container.config.image_id),
            &ago(now, container.created),
            state_name(container.state),
            &container.config.name,
            &container.config.attempt.to_string(),
            &cut(&container.sandbox),
            pod,
            namespace,
        ]));
    }
    Ok(table(&rows))
}

pub(super) fn pods(cri: &Cri, options: &Options) -> Result<String, CriError> {
    let now = cri.machine().clock().now();
    let mut chosen = cri.sandboxes()?;
    let state = |sandbox: &crate::containerd::Sandbox| if sandbox.state == SandboxState::Ready { "Ready" } else { "NotReady" };
    chosen.retain(|sandbox| {
        options.value("state").is_none_or(|wanted| state(sandbox).eq_ignore_ascii_case(wanted))
            && options.value("name").is_none_or(|name| sandbox.config.name.contains(name.trim_matches(['^', '$'])))
            && options.value("namespace").is_none_or(|namespace| sandbox.config.namespace.contains(namespace))
            && options.value("label").is_none_or(|label| {
                label.split_once('=').is_some_and(|(key, value)| sandbox.config.labels.get(key).map(String::as_str) == Some(value))
            })
    });
    if options.flag("quiet") {
        return Ok(chosen.iter().map(|sandbox| format!("{}\n", sandbox.id)).collect());
    }
    let mut rows = vec![row(&["POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"])];
    for sandbox in &chosen {
        rows.push(row(&[
            &short(&sandbox.id),
            &ago(now, sandbox.created),
            state(sandbox),
            &sandbox.config.name,
            &sandbox.config.namespace,
            &sandbox.config.attempt.to_string(),
            "(default)",
        ]));
    }
    Ok(table(&rows))
}

pub(super) fn stats(cri: &Cri, options: &Options) -> Result<String, CriError> {
    let mut rows = vec![row(&["CONTAINER", "NAME", "CPU %", "MEM", "DISK", "INODES"])];
    for container in cri.containers()?.iter().filter(|container| container.state == ContainerState::Running) {
        if options.arguments.first().is_some_and(|id| !container.id.starts_with(id)) {
            continue;
        }
        let (cpu, memory, disk, inodes) = cri.machine().read(|state| {
            let own = state.processes.values().filter(|process| process.container.as_deref() == Some(&container.id));
            let (cpu, memory) =
                own.fold((0, 0), |(cpu, memory), process| (cpu + process.usage.cpu_milli, memory + process.usage.resident_kib * 1024));
            let tree = state.rootfs.get(container.id.as_str());
            let changed = tree.map_or((0, 0), |tree| (0, tree.inode_count().min(40)));
            (cpu, memory, 36_864 + changed.0, changed.1)
        });
        rows.push(row(&[
            &short(&container.id),
            &container.config.name,
            &format!("{:.2}", f64::from(cpu) / 10.0),
            &size(memory),
            &size(disk),
            &inodes.to_string(),
        ]));
    }
    Ok(table(&rows))
}
