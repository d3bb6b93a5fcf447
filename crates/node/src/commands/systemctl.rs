//! `systemctl`

mod list;
pub(super) use list::glob;
mod show;
mod status;

use super::options::{Options, flag, value};
use crate::machine::{EditRequest, ExitStatus, ProcessContext, Signal};
use crate::systemd::{Active, JobError, LoadState, Systemd, UnitFileState};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('\0', "no-pager"),
        flag('\0', "now"),
        flag('\0', "full"),
        flag('l', ""),
        flag('q', "quiet"),
        flag('a', "all"),
        flag('f', "force"),
        flag('\0', "failed"),
        flag('\0', "no-legend"),
        flag('\0', "plain"),
        flag('\0', "no-block"),
        flag('\0', "value"),
        flag('\0', "system"),
        flag('\0', "no-ask-password"),
        flag('\0', "runtime"),
        flag('r', "recursive"),
        value('t', "type"),
        value('\0', "state"),
        value('n', "lines"),
        value('p', "property"),
        value('s', "signal"),
        value('\0', "kill-whom"),
        value('\0', "kill-who"),
        value('o', "output"),
        flag('h', "help"),
        flag('\0', "version"),
        flag('\0', "reverse"),
    ];
    let options = match Options::parse(context.argv.get(1..).unwrap_or_default(), &specs) {
        Ok(options) => options,
        Err(message) => return fail(&context, &format!("systemctl: {message}"), 1).await,
    };
    if options.has("version") {
        return say(&context, "systemd 252 (252.36-1~deb12u1)\n+PAM +AUDIT +SELINUX +APPARMOR +IMA +SMACK +SECCOMP +GCRYPT -GNUTLS +OPENSSL +ACL +BLKID +CURL").await;
    }
    let machine = context.machine.clone();
    let systemd = machine.systemd();
    let (verb, names) = match options.rest.split_first() {
        Some((verb, names)) => (verb.as_str(), names.to_vec()),
        None => ("list-units", Vec::new()),
    };
    let units: Vec<String> = names.iter().map(|name| Systemd::full_name(name)).collect();
    let changes = matches!(
        verb,
        "start"
            | "stop"
            | "restart"
            | "try-restart"
            | "reload"
            | "reload-or-restart"
            | "kill"
            | "enable"
            | "disable"
            | "reenable"
            | "mask"
            | "unmask"
            | "daemon-reload"
            | "daemon-reexec"
            | "reset-failed"
            | "edit"
            | "reboot"
            | "poweroff"
            | "halt"
    );
    if changes && context.files.credentials().uid != 0 {
        return fail(&context, &format!("Failed to {verb} {}: Access denied", units.first().map_or("", String::as_str)), 1).await;
    }
    if units.is_empty()
        && !matches!(
            verb,
            "daemon-reload"
                | "daemon-reexec"
                | "list-units"
                | "list-unit-files"
                | "reset-failed"
                | "status"
                | "is-system-running"
                | "get-default"
                | "show"
                | "list-dependencies"
                | "list-timers"
                | "list-sockets"
                | "reboot"
                | "poweroff"
                | "halt"
                | "list-jobs"
                | "is-failed"
                | "help"
        )
        && known(verb)
    {
        return fail(&context, "Too few arguments.", 1).await;
    }
    match verb {
        "start" | "stop" | "restart" | "try-restart" | "reload" | "reload-or-restart" => jobs(&context, verb, &units).await,
        "status" => status::run(&context, &options, &units).await,
        "is-active" | "is-failed" => is_state(&context, &options, verb, &units).await,
        "is-enabled" => is_enabled(&context, &options, &units).await,
        "enable" | "disable" | "reenable" | "mask" | "unmask" => install(&context, &options, verb, &units).await,
        "daemon-reload" | "daemon-reexec" => {
            systemd.daemon_reload();
            ExitStatus::SUCCESS
        }
        "reset-failed" => {
            let all = systemd.units().into_iter().map(|unit| unit.unit.name.clone()).collect();
            for unit in if units.is_empty() { all } else { units } {
                systemd.reset_failed(&unit);
            }
            ExitStatus::SUCCESS
        }
        "kill" => {
            let Some(signal) = Signal::parse(options.get("s").unwrap_or("TERM")) else {
                return fail(&context, &format!("Failed to parse signal string {}.", options.get("s").unwrap_or_default()), 1).await;
            };
            let main_only = options.get("kill-whom").or(options.get("kill-who")) == Some("main");
            for unit in &units {
                if let Err(error) = systemd.kill(unit, signal, main_only) {
                    return fail(&context, &format!("Failed to kill unit {unit}: {error}"), 1).await;
                }
            }
            ExitStatus::SUCCESS
        }
        "cat" => cat(&context, &units).await,
        "show" => show::run(&context, &options, &units).await,
        "edit" => edit(&context, &options, &units).await,
        "list-units" => list::units(&context, &options, &names).await,
        "list-unit-files" => list::files(&context, &options, &names).await,
        "list-dependencies" => list::dependencies(&context, units.first().map_or("multi-user.target", String::as_str)).await,
        "list-timers" | "list-sockets" | "list-jobs" => {
            say(&context, if verb == "list-jobs" { "No jobs running." } else { "0 listed." }).await
        }
        "get-default" => say(&context, "multi-user.target").await,
        "is-system-running" => {
            let degraded = systemd.units().iter().any(|unit| unit.active == Active::Failed);
            let _ = context.stdout.line(if degraded { "degraded" } else { "running" }).await;
            ExitStatus::Code(u8::from(degraded))
        }
        "reboot" => super::reboot::reboot(&context).await,
        "poweroff" | "halt" => fail(&context, "Failed to power off: this machine can be rebooted, not switched off.", 1).await,
        verb => fail(&context, &format!("Unknown command verb {verb}."), 1).await,
    }
}

fn known(verb: &str) -> bool {
    const VERBS: &[&str] = &[
        "start",
        "stop",
        "restart",
        "try-restart",
        "reload",
        "reload-or-restart",
        "is-active",
        "is-enabled",
        "enable",
        "disable",
        "reenable",
        "mask",
        "unmask",
        "kill",
        "cat",
        "edit",
    ];
    VERBS.contains(&verb)
}

async fn say(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stdout.line(text).await;
    ExitStatus::SUCCESS
}

async fn fail(context: &ProcessContext, text: &str, code: u8) -> ExitStatus {
    let _ = context.stderr.line(text).await;
    ExitStatus::Code(code)
}

/// The warning that systemctl gives about a unit whose files were changed.
async fn warn_changed(context: &ProcessContext, name: &str) {
    let systemd = context.machine.systemd();
    if systemd.needs_reload(&systemd.unit(name).unit) {
        let _ = context
            .stderr
            .line(format!(
                "Warning: The unit file, source configuration file or drop-ins of {name} changed on disk. Run 'systemctl daemon-reload' to reload units."
            ))
            .await;
    }
}

async fn jobs(context: &ProcessContext, verb: &str, units: &[String]) -> ExitStatus {
    let machine = context.machine.clone();
    let systemd = machine.systemd();
    let mut status = ExitStatus::SUCCESS;
    for name in units {
        warn_changed(context, name).await;
        let active = systemd.unit(name).active == Active::Active;
        let done = match verb {
            "start" => systemd.start(name).await,
            "stop" => systemd.stop(name).await,
            "reload" => systemd.reload(name).await,
            "try-restart" if !active => Ok(()),
            "reload-or-restart" if active && !systemd.unit(name).unit.service.exec_reload.is_empty() => systemd.reload(name).await,
            _ => systemd.restart(name).await,
        };
        if let Err(error) = done {
            let word = if verb == "try-restart" || verb == "reload-or-restart" { "restart" } else { verb };
            let text = match &error {
                JobError::NotFound(_) | JobError::Masked(_) | JobError::BadSetting(_) => format!("Failed to {word} {name}: {error}"),
                error => error.to_string(),
            };
            let _ = context.stderr.line(text).await;
            if matches!(error, JobError::BadSetting(_)) {
                let _ = context.stderr.line(format!("See system logs and 'systemctl status {name}' for details.")).await;
            }
            status = ExitStatus::Code(if matches!(error, JobError::NotFound(_)) { 5 } else { 1 });
        }
    }
    status
}

async fn is_state(context: &ProcessContext, options: &Options, verb: &str, units: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let mut good = false;
    for name in units {
        let active = systemd.unit(name).active;
        if !options.has("q") {
            let _ = context.stdout.line(active.name()).await;
        }
        good |= if verb == "is-active" { matches!(active, Active::Active | Active::Reloading) } else { active == Active::Failed };
    }
    match (good, verb) {
        (true, _) => ExitStatus::SUCCESS,
        (false, "is-active") => ExitStatus::Code(3),
        (false, _) => ExitStatus::FAILURE,
    }
}

async fn is_enabled(context: &ProcessContext, options: &Options, units: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let mut good = false;
    for name in units {
        match systemd.file_state(name) {
            Some(state) => {
                if !options.has("q") {
                    let _ = context.stdout.line(state.name()).await;
                }
                good |= matches!(state, UnitFileState::Enabled | UnitFileState::Static | UnitFileState::Alias);
            }
            None => {
                let _ = context.stderr.line(format!("Failed to get unit file state for {name}: No such file or directory")).await;
            }
        }
    }
    if good { ExitStatus::SUCCESS } else { ExitStatus::FAILURE }
}

async fn install(context: &ProcessContext, options: &Options, verb: &str, units: &[String]) -> ExitStatus {
    let machine = context.machine.clone();
    let systemd = machine.systemd();
    for name in units {
        let changes = match verb {
            "enable" => systemd.enable(name),
            "reenable" => systemd.disable(name).and_then(|removed| systemd.enable(name).map(|created| [removed, created].concat())),
            "disable" => systemd.disable(name),
            "mask" => systemd.mask(name),
            _ => systemd.unmask(name),
        };
        match changes {
            Ok(changes) => {
                let nothing =
                    changes.is_empty() && matches!(verb, "enable" | "disable") && systemd.file_state(name) == Some(UnitFileState::Static);
                if nothing {
                    let _ = context.stderr.line(
                        "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\nAlias= settings in the [Install] section, and DefaultInstance= for template\nunits). This means they are not meant to be enabled or disabled using systemctl.",
                    ).await;
                }
                for change in changes {
                    // systemctl reports what it did on standard error.
                    let _ = context.stderr.line(change.to_string()).await;
                }
            }
            Err(error) => {
                let word = if verb == "reenable" { "enable" } else { verb };
                return fail(context, &format!("Failed to {word} unit: {error}"), 1).await;
            }
        }
    }
    // Links are read again by a reload that comes with the change (systemctl, verb_enable).
    systemd.daemon_reload();
    if options.has("now") {
        return match verb {
            "enable" | "reenable" => jobs(context, "start", units).await,
            "disable" | "mask" => {
                let status = jobs(context, "stop", units).await;
                systemd.daemon_reload();
                status
            }
            _ => ExitStatus::SUCCESS,
        };
    }
    ExitStatus::SUCCESS
}

async fn cat(context: &ProcessContext, units: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let mut first = true;
    for name in units {
        let unit = systemd.unit(name).unit.clone();
        let Some(fragment) = unit.fragment.clone().filter(|_| unit.load != LoadState::NotFound) else {
            return fail(context, &format!("No files found for {name}."), 1).await;
        };
        warn_changed(context, name).await;
        for path in std::iter::once(&fragment).chain(&unit.drop_ins) {
            let text = context.machine.host_files().read_text(path).unwrap_or_default();
            let blank = if std::mem::take(&mut first) { "" } else { "\n" };
            let _ = context.stdout.write(format!("{blank}# {path}\n{text}")).await;
        }
    }
    ExitStatus::SUCCESS
}

/// A drop-in, or with `--full` a copy of the file under `/etc`, in the person's editor.
async fn edit(context: &ProcessContext, options: &Options, units: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let files = context.machine.host_files();
    for name in units {
        let unit = systemd.unit(name).unit.clone();
        let Some(fragment) = unit.fragment.clone() else {
            return fail(
                context,
                &format!("No files found for {name}.\nRun 'systemctl edit --force --full {name}' to create a new unit."),
                1,
            )
            .await;
        };
        let path =
            if options.has("full") { format!("/etc/systemd/system/{name}") } else { format!("/etc/systemd/system/{name}.d/override.conf") };
        let before = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(_) if options.has("full") => files.read(&fragment).unwrap_or_default(),
            Err(_) => bytes::Bytes::new(),
        };
        let dir = path.rsplit_once('/').map_or("/", |(dir, _)| dir);
        if let Err(errno) = files.make_dirs(dir, 0o755) {
            return fail(context, &format!("Failed to create directories for '{path}': {errno}"), 1).await;
        }
        let code = super::edit::edit_file(context, &path, Some(before), EditRequest::default()).await;
        if code != ExitStatus::SUCCESS {
            return code;
        }
    }
    systemd.daemon_reload();
    ExitStatus::SUCCESS
}
