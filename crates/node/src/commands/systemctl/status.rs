//! `systemctl status`

use std::time::Duration;

use super::super::options::Options;
use super::super::report::{ago, long_time, memory_size, timespan};
use crate::machine::{ExitStatus, ProcessContext};
use crate::systemd::{Active, ExecRecord, LoadState, UnitState, describe};

pub(super) async fn run(context: &ProcessContext, options: &Options, units: &[String]) -> ExitStatus {
    if units.is_empty() {
        return machine(context).await;
    }
    let systemd = context.machine.systemd();
    let mut code = 0;
    for (index, name) in units.iter().enumerate() {
        let state = systemd.unit(name);
        if state.unit.load == LoadState::NotFound {
            let _ = context.stderr.line(format!("Unit {name} could not be found.")).await;
            code = 4;
            continue;
        }
        if index > 0 {
            let _ = context.stdout.line("").await;
        }
        let lines = options.get("n").and_then(|n| n.parse().ok()).unwrap_or(10);
        let text = block(context, &state, lines);
        let _ = super::super::less::page(context, text.into(), options.has("no-pager"), false).await;
        if systemd.needs_reload(&state.unit) {
            super::warn_changed(context, name).await;
        }
        if !matches!(state.active, Active::Active | Active::Reloading) {
            code = code.max(3);
        }
    }
    ExitStatus::Code(code)
}

/// The dot in front: its form tells the state without colours.
fn dot(active: Active) -> char {
    match active {
        Active::Failed => '×',
        Active::Inactive => '○',
        Active::Reloading => '↻',
        Active::Active | Active::Activating | Active::Deactivating => '●',
    }
}

fn block(context: &ProcessContext, state: &UnitState, lines: usize) -> String {
    let systemd = context.machine.systemd();
    let unit = &state.unit;
    let mut text = format!("{} {}\n", dot(state.active), unit.title());
    text.push_str(&field("Loaded", &loaded(context, state)));
    if !unit.drop_ins.is_empty() {
        text.push_str(&drop_ins(&unit.drop_ins));
    }
    text.push_str(&field("Active", &active(context, state)));
    if let (Active::Inactive | Active::Failed, Some(from), Some(to)) = (state.active, state.active_since, state.active_until) {
        let span = Duration::try_from(to.duration_since(from)).unwrap_or_default().max(Duration::from_millis(1));
        text.push_str(&field("Duration", &timespan(span)));
    }
    for (index, page) in unit.documentation.iter().enumerate() {
        text.push_str(&if index == 0 { field("Docs", page) } else { format!("{:13}{page}\n", "") });
    }
    for record in state.control.iter().chain(state.main.as_ref().filter(|main| main.ended.is_some())) {
        if let Some((_, status)) = record.ended {
            text.push_str(&field("Process", &format!("{} {}={} ({})", record.pid, record.setting, record.command, describe(status))));
        }
    }
    if let Some(line) = main_pid(context, state) {
        text.push_str(&field("Main PID", &line));
    }
    let processes = systemd.processes(&unit.name);
    if !processes.is_empty() {
        let tasks: u32 = processes.iter().map(|process| process.usage.threads).sum();
        let memory: u64 = processes.iter().map(|process| process.usage.resident_kib).sum();
        let limit = context.machine.read(|state| state.hardware.memory_kib) / 854;
        text.push_str(&field("Tasks", &format!("{tasks} (limit: {limit})")));
        text.push_str(&field("Memory", &memory_size(memory)));
        let now = context.machine.clock().now();
        let cpu: Duration = processes
            .iter()
            .map(|process| process.usage.cpu_time(Duration::try_from(now.duration_since(process.started)).unwrap_or_default()))
            .sum();
        text.push_str(&field("CPU", &timespan(cpu.max(Duration::from_millis(9)))));
        text.push_str(&field("CGroup", &format!("/{}/{}", unit.service.slice, unit.name)));
        let last = processes.len() - 1;
        for (index, process) in processes.iter().enumerate() {
            let branch = if index == last { "└─" } else { "├─" };
            text.push_str(&format!("{:13}{branch}{} {}\n", "", process.pid, quoted(&process.argv)));
        }
    }
    let journal: Vec<String> = context.machine.read(|machine| {
        let since = machine.booted;
        let mut found: Vec<String> = machine
            .journal
            .entries()
            .rev()
            .filter(|entry| entry.unit.as_deref() == Some(unit.name.as_str()) && entry.time >= since)
            .take(lines)
            .map(|entry| entry.short(&machine.name))
            .collect();
        found.reverse();
        found
    });
    if !journal.is_empty() {
        text.push('\n');
        for line in journal {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn field(name: &str, value: &str) -> String {
    format!("{name:>11}: {value}\n")
}

/// Arguments with blanks in quotes, as cg-show prints them: joined by blanks.
fn quoted(argv: &[String]) -> String {
    argv.iter()
        .map(|arg| if arg.contains(char::is_whitespace) || arg.is_empty() { format!("\"{arg}\"") } else { arg.clone() })
        .collect::<Vec<_>>()
        .join(" ")
}

fn loaded(context: &ProcessContext, state: &UnitState) -> String {
    let unit = &state.unit;
    let path = unit.fragment.as_deref().unwrap_or_default();
    match unit.load {
        LoadState::Masked => format!("masked (Reason: Unit {} is masked.)", unit.name),
        LoadState::BadSetting => format!("bad-setting (Reason: Unit {} has a bad unit file setting.)", unit.name),
        LoadState::NotFound => "not-found (Reason: Unit not found.)".to_owned(),
        LoadState::Loaded => {
            let file_state = context.machine.systemd().file_state(&unit.name).map_or("", |file_state| file_state.name());
            // Debian's preset enables what can be enabled.
            let preset = if unit.can_install() { "; preset: enabled" } else { "" };
            format!("loaded ({path}; {file_state}{preset})")
        }
    }
}

fn drop_ins(paths: &[String]) -> String {
    let mut dirs: Vec<(&str, Vec<&str>)> = Vec::new();
    for path in paths {
        let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
        match dirs.iter_mut().find(|(known, _)| *known == dir) {
            Some((_, files)) => files.push(file),
            None => dirs.push((dir, vec![file])),
        }
    }
    let mut text = String::new();
    for (index, (dir, files)) in dirs.iter().enumerate() {
        text.push_str(&if index == 0 { field("Drop-In", dir) } else { format!("{:13}{dir}\n", "") });
        text.push_str(&format!("{:13}└─{}\n", "", files.join(", ")));
    }
    text
}

fn active(context: &ProcessContext, state: &UnitState) -> String {
    // A sub-state of the same name adds nothing.
    let mut text = if state.sub == state.active.name() { state.sub.clone() } else { format!("{} ({})", state.active.name(), state.sub) };
    if state.result != "success" && !state.result.is_empty() {
        text.push_str(&format!(" (Result: {})", state.result));
    }
    if let Some(since) = state.since {
        text.push_str(&format!(" since {}; {}", long_time(since), ago(context.machine.clock().since(since))));
    }
    text
}

fn main_pid(context: &ProcessContext, state: &UnitState) -> Option<String> {
    if let Some(pid) = state.main_pid {
        let comm = context.machine.read(|machine| machine.processes.get(&pid).map(|process| process.comm().to_owned()))?;
        return Some(format!("{pid} ({comm})"));
    }
    let ExecRecord { pid, ended: Some((_, status)), .. } = state.main.as_ref()? else { return None };
    Some(format!("{pid} ({})", describe(*status)))
}

/// `systemctl status` without a unit: the machine.
async fn machine(context: &ProcessContext) -> ExitStatus {
    let systemd = context.machine.systemd();
    let units = systemd.units();
    let failed = units.iter().filter(|unit| unit.active == Active::Failed).count();
    let (name, booted) = context.machine.read(|state| (state.name.clone(), state.booted));
    let state = if failed > 0 { "degraded" } else { "running" };
    let _ = context
        .stdout
        .write(format!(
            "● {name}\n    State: {state}\n    Units: {} loaded (incl. loaded aliases)\n     Jobs: 0 queued\n   Failed: {failed} units\n    Since: {}; {}\n  systemd: 252.36-1~deb12u1\n",
            units.len(),
            long_time(booted),
            ago(context.machine.clock().since(booted)),
        ))
        .await;
    ExitStatus::SUCCESS
}
