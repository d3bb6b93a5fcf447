//! `sysctl`, and `/proc/sys`

use super::options::{Options, flag, value};
use crate::fs::View;
use crate::machine::procfs::Node;
use crate::machine::{ExitStatus, MachineState, ProcessContext};

/// A node below `/proc/sys`.
pub(crate) fn proc_node(state: &MachineState, path: &[&str]) -> Option<Node> {
    let name = path.join(".");
    if let Some(value) = state.kernel.settings.get(&name) {
        return Some(Node::File(format!("{value}\n")));
    }
    let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
    let mut names: Vec<String> = state
        .kernel
        .settings
        .keys()
        .filter_map(|key| key.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('.').next())
        .map(str::to_owned)
        .collect();
    names.dedup();
    (!names.is_empty()).then_some(Node::Dir(names))
}

/// Files with settings, in the order in which they count.
fn setting_files(files: &View) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for dir in ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"] {
        for (name, _) in files.read_dir(dir).unwrap_or_default() {
            if name.ends_with(".conf") && !found.iter().any(|(known, _)| *known == name) {
                found.push((name.clone(), format!("{dir}/{name}")));
            }
        }
    }
    found.sort();
    let mut paths: Vec<String> = found.into_iter().map(|(_, path)| path).collect();
    if files.exists("/etc/sysctl.conf") {
        paths.push("/etc/sysctl.conf".to_owned());
    }
    paths
}

fn assignments(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .filter_map(|line| line.trim_start_matches('-').split_once('='))
        .map(|(name, value)| (name.trim().replace('/', "."), value.trim().to_owned()))
        .collect()
}

/// `systemd-sysctl`: applies the files at boot.
pub(super) async fn apply_at_boot(context: ProcessContext) -> ExitStatus {
    for path in setting_files(&context.files) {
        for (name, value) in assignments(&context.files.read_text(&path).unwrap_or_default()) {
            let known =
                context.machine.write(|state| state.kernel.settings.get_mut(&name).map(|setting| *setting = value.clone()).is_some());
            if !known {
                let _ = context
                    .stdout
                    .line(format!("Couldn't write '{value}' to '{}', ignoring: No such file or directory", name.replace('.', "/")))
                    .await;
            }
        }
    }
    ExitStatus::SUCCESS
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('a', "all"),
        flag('n', "values"),
        flag('w', "write"),
        flag('e', "ignore"),
        flag('q', "quiet"),
        flag('\0', "system"),
        value('p', "load"),
        value('r', "pattern"),
        flag('N', "names"),
        flag('b', "binary"),
    ];
    // `-p` may stand alone.
    let mut args: Vec<String> = context.argv.iter().skip(1).cloned().collect();
    if let Some(at) = args.iter().position(|arg| arg == "-p")
        && args.get(at + 1).is_none()
    {
        args.push("/etc/sysctl.conf".to_owned());
    }
    let options = match Options::parse(&args, &specs) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("sysctl: {message}\n\nUsage:\n sysctl [options] [variable[=value] ...]")).await;
            return ExitStatus::FAILURE;
        }
    };
    let mut status = ExitStatus::SUCCESS;
    if options.has("a") {
        let all: Vec<(String, String)> =
            context.machine.read(|state| state.kernel.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
        for (name, value) in all {
            let _ = context.stdout.line(format!("{name} = {value}")).await;
        }
        return status;
    }
    let mut todo: Vec<(String, Option<String>)> = Vec::new();
    let files =
        if options.has("system") { setting_files(&context.files) } else { options.all("p").map(|file| context.path(file)).collect() };
    for path in files {
        if options.has("system") {
            let _ = context.stdout.line(format!("* Applying {path} ...")).await;
        }
        match context.files.read_text(&path) {
            Ok(text) => todo.extend(assignments(&text).into_iter().map(|(name, value)| (name, Some(value)))),
            Err(errno) => {
                let _ = context.stderr.line(format!("sysctl: cannot open \"{path}\": {errno}")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    for word in &options.rest {
        todo.push(match word.split_once('=') {
            Some((name, value)) => (name.trim().replace('/', "."), Some(value.trim().to_owned())),
            None => (word.replace('/', "."), None),
        });
    }
    for (name, value) in todo {
        let shown = match &value {
            None => context.machine.read(|state| state.kernel.settings.get(&name).cloned()),
            Some(_) if context.files.credentials().uid != 0 => {
                let _ = context.stderr.line(format!("sysctl: permission denied on key \"{name}\"")).await;
                status = ExitStatus::FAILURE;
                continue;
            }
            Some(value) => context.machine.write(|state| {
                state.kernel.settings.get_mut(&name).map(|setting| {
                    setting.clone_from(value);
                    value.clone()
                })
            }),
        };
        match shown {
            Some(shown) => {
                let line = if options.has("n") { shown } else { format!("{name} = {shown}") };
                if !options.has("q") {
                    let _ = context.stdout.line(line).await;
                }
            }
            None => {
                let _ = context
                    .stderr
                    .line(format!("sysctl: cannot stat /proc/sys/{}: No such file or directory", name.replace('.', "/")))
                    .await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}
