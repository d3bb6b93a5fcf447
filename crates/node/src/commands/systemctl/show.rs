//! `systemctl show`

use super::super::options::Options;
use super::super::report::long_time;
use crate::machine::{ExitStatus, ProcessContext};
use crate::systemd::{Restart, ServiceType, UnitState};

pub(super) async fn run(context: &ProcessContext, options: &Options, units: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let wanted: Vec<&str> = options.all("p").flat_map(|list| list.split(',')).collect();
    for (index, name) in units.iter().enumerate() {
        if index > 0 {
            let _ = context.stdout.line("").await;
        }
        let state = systemd.unit(name);
        for (key, value) in properties(context, &state) {
            if !wanted.is_empty() && !wanted.contains(&key) || wanted.is_empty() && value.is_empty() {
                continue;
            }
            let line = if options.has("value") { value } else { format!("{key}={value}") };
            let _ = context.stdout.line(line).await;
        }
    }
    ExitStatus::SUCCESS
}

/// In the order in which the real one lists them.
fn properties(context: &ProcessContext, state: &UnitState) -> Vec<(&'static str, String)> {
    let systemd = context.machine.systemd();
    let unit = &state.unit;
    let time = |moment: Option<jiff::Timestamp>| moment.map(long_time).unwrap_or_default();
    let span = |ms: u64| super::super::report::timespan(std::time::Duration::from_millis(ms));
    let main = state.main.as_ref();
    let (main_code, main_status) = match main.and_then(|main| main.ended) {
        Some((_, ExitStatus::Code(code))) => (1, i32::from(code)),
        Some((_, ExitStatus::Signal(signal))) => (2, signal.number()),
        None => (0, 0),
    };
    let command = |list: &[crate::systemd::Exec]| {
        list.iter()
            .map(|exec| {
                format!(
                    "{{ path={} ; argv[]={} ; ignore_errors={} }}",
                    exec.words.first().map_or("", String::as_str),
                    exec.shown,
                    if exec.ignore_failure { "yes" } else { "no" }
                )
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    vec![
        (
            "Type",
            match unit.service.kind {
                ServiceType::Simple => "simple",
                ServiceType::Exec => "exec",
                ServiceType::Notify => "notify",
                ServiceType::Oneshot => "oneshot",
                ServiceType::Forking => "forking",
            }
            .to_owned(),
        ),
        (
            "Restart",
            match unit.service.restart {
                Restart::No => "no",
                Restart::Always => "always",
                Restart::OnSuccess => "on-success",
                Restart::OnFailure => "on-failure",
                Restart::OnAbnormal => "on-abnormal",
                Restart::OnAbort => "on-abort",
            }
            .to_owned(),
        ),
        ("RestartUSec", span(unit.service.restart_ms)),
        ("TimeoutStartUSec", span(unit.service.timeout_start_ms)),
        ("TimeoutStopUSec", span(unit.service.timeout_stop_ms)),
        ("MainPID", state.main_pid.unwrap_or(0).to_string()),
        ("Result", if state.result.is_empty() { "success".to_owned() } else { state.result.clone() }),
        ("NRestarts", state.restarts.to_string()),
        ("ExecMainStartTimestamp", time(main.map(|main| main.started))),
        ("ExecMainExitTimestamp", time(main.and_then(|main| main.ended).map(|(when, _)| when))),
        ("ExecMainPID", main.map_or(0, |main| main.pid).to_string()),
        ("ExecMainCode", main_code.to_string()),
        ("ExecMainStatus", main_status.to_string()),
        ("ExecStartPre", command(&unit.service.exec_start_pre)),
        ("ExecStart", command(&unit.service.exec_start)),
        ("Slice", unit.service.slice.clone()),
        ("ControlGroup", if state.main_pid.is_some() { format!("/{}/{}", unit.service.slice, unit.name) } else { String::new() }),
        (
            "Environment",
            unit.service
                .environment
                .iter()
                .map(|(name, value)| if value.contains(' ') { format!("\"{name}={value}\"") } else { format!("{name}={value}") })
                .collect::<Vec<_>>()
                .join(" "),
        ),
        (
            "EnvironmentFiles",
            unit.service
                .environment_files
                .iter()
                .map(|(path, optional)| format!("{path} (ignore_errors={})", if *optional { "yes" } else { "no" }))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        ("User", unit.service.user.clone().unwrap_or_default()),
        ("WorkingDirectory", unit.service.working_directory.clone().unwrap_or_default()),
        ("Id", unit.name.clone()),
        ("Names", unit.name.clone()),
        ("Requires", unit.requires.join(" ")),
        ("Wants", unit.wants.join(" ")),
        ("WantedBy", unit.install.wanted_by.join(" ")),
        ("Before", unit.before.join(" ")),
        ("After", unit.after.join(" ")),
        ("Documentation", unit.documentation.join(" ")),
        ("Description", unit.description.clone()),
        ("LoadState", unit.load.name().to_owned()),
        ("ActiveState", state.active.name().to_owned()),
        ("SubState", state.sub.clone()),
        ("FragmentPath", unit.fragment.clone().unwrap_or_default()),
        ("DropInPaths", unit.drop_ins.join(" ")),
        ("UnitFileState", systemd.file_state(&unit.name).map_or("", |file| file.name()).to_owned()),
        ("UnitFilePreset", if unit.can_install() { "enabled".to_owned() } else { String::new() }),
        ("StateChangeTimestamp", time(state.since)),
        ("ActiveEnterTimestamp", time(state.active_since)),
        ("ActiveExitTimestamp", time(state.active_until)),
        ("NeedDaemonReload", if systemd.needs_reload(unit) { "yes" } else { "no" }.to_owned()),
        ("StartLimitIntervalUSec", span(unit.start_limit_interval_ms)),
        ("StartLimitBurst", unit.start_limit_burst.to_string()),
    ]
}
