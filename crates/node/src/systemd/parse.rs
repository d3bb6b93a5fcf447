//! Unit files: sections, keys and values, later files adding to earlier ones; an empty value resets a list.

use super::exec::split;
use super::unit::{Exec, Restart, ServiceType, Unit};

impl Unit {
    /// Adds what a file says. What is not understood is noted and ignored, as systemd does.
    pub(super) fn read(&mut self, path: &str, text: &str) {
        let mut section = String::new();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let mut line = line.trim().to_owned();
            while let Some(start) = line.strip_suffix('\\') {
                let next = lines.next().map_or("", |(_, next)| next.trim());
                line = format!("{} {next}", start.trim_end());
            }
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let place = format!("{path}:{}", number + 1);
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                self.warnings.push(format!("{place}: Missing '=', ignoring line."));
                continue;
            };
            if section.is_empty() {
                self.warnings.push(format!("{place}: Assignment outside of section. Ignoring."));
                continue;
            }
            self.set(&place, &section, key.trim(), value.trim());
        }
    }

    fn set(&mut self, place: &str, section: &str, key: &str, value: &str) {
        let service = &mut self.service;
        match (section, key) {
            ("Unit", "Description") => value.clone_into(&mut self.description),
            ("Unit", "Documentation") => list(&mut self.documentation, value),
            ("Unit", "Wants") => list(&mut self.wants, value),
            ("Unit", "Requires" | "BindsTo" | "Requisite") => list(&mut self.requires, value),
            ("Unit", "After") => list(&mut self.after, value),
            ("Unit", "Before") => list(&mut self.before, value),
            ("Unit", "ConditionPathExists") => list(&mut self.condition_path_exists, value),
            ("Unit" | "Service", "StartLimitInterval" | "StartLimitIntervalSec") => {
                self.start_limit_interval_ms = self.time(place, key, value).unwrap_or(self.start_limit_interval_ms);
            }
            ("Unit" | "Service", "StartLimitBurst") => {
                self.start_limit_burst = value.parse().unwrap_or(self.start_limit_burst);
            }
            ("Service", "Type") => match value {
                "simple" | "idle" => service.kind = ServiceType::Simple,
                "exec" => service.kind = ServiceType::Exec,
                "notify" | "notify-reload" | "dbus" => service.kind = ServiceType::Notify,
                "oneshot" => {
                    service.kind = ServiceType::Oneshot;
                    service.timeout_start_ms = 0;
                }
                "forking" => service.kind = ServiceType::Forking,
                _ => self.warnings.push(format!("{place}: Failed to parse service type, ignoring: {value}")),
            },
            ("Service", "ExecStartPre") => command(&mut service.exec_start_pre, value),
            ("Service", "ExecStart") => command(&mut service.exec_start, value),
            ("Service", "ExecStartPost") => command(&mut service.exec_start_post, value),
            ("Service", "ExecReload") => command(&mut service.exec_reload, value),
            ("Service", "ExecStop") => command(&mut service.exec_stop, value),
            ("Service", "Restart") => match value {
                "no" => service.restart = Restart::No,
                "always" => service.restart = Restart::Always,
                "on-success" => service.restart = Restart::OnSuccess,
                "on-failure" => service.restart = Restart::OnFailure,
                "on-abnormal" => service.restart = Restart::OnAbnormal,
                "on-abort" => service.restart = Restart::OnAbort,
                _ => self.warnings.push(format!("{place}: Failed to parse service restart specifier, ignoring: {value}")),
            },
            ("Service", "RestartSec") => {
                self.service.restart_ms = self.time(place, key, value).unwrap_or(self.service.restart_ms);
            }
            ("Service", "TimeoutStartSec") => {
                self.service.timeout_start_ms = self.time(place, key, value).unwrap_or(self.service.timeout_start_ms);
            }
            ("Service", "TimeoutStopSec") => {
                self.service.timeout_stop_ms = self.time(place, key, value).unwrap_or(self.service.timeout_stop_ms);
            }
            ("Service", "TimeoutSec") => {
                if let Some(ms) = self.time(place, key, value) {
                    self.service.timeout_start_ms = ms;
                    self.service.timeout_stop_ms = ms;
                }
            }
            ("Service", "RemainAfterExit") => service.remain_after_exit = truth(value),
            ("Service", "Environment") if value.is_empty() => service.environment.clear(),
            ("Service", "Environment") => {
                for assignment in split(value) {
                    match assignment.split_once('=') {
                        Some((name, value)) => service.environment.push((name.to_owned(), value.to_owned())),
                        None => self.warnings.push(format!("{place}: Invalid environment assignment, ignoring: {assignment}")),
                    }
                }
            }
            ("Service", "EnvironmentFile") if value.is_empty() => service.environment_files.clear(),
            ("Service", "EnvironmentFile") => {
                let optional = value.strip_prefix('-');
                service.environment_files.push((optional.unwrap_or(value).to_owned(), optional.is_some()));
            }
            ("Service", "User") => service.user = Some(value.to_owned()).filter(|user| !user.is_empty()),
            ("Service", "WorkingDirectory") => service.working_directory = Some(value.trim_start_matches('-').to_owned()),
            ("Service", "KillMode") => service.kill_main_only = value == "process",
            ("Service", "Slice") => value.clone_into(&mut service.slice),
            ("Install", "WantedBy") => list(&mut self.install.wanted_by, value),
            ("Install", "RequiredBy") => list(&mut self.install.required_by, value),
            ("Install", "Also") => list(&mut self.install.also, value),
            ("Install", "Alias") => list(&mut self.install.alias, value),
            ("Unit" | "Service" | "Install" | "Socket" | "Timer" | "Mount", key) if known(key) => {}
            ("Unit" | "Service" | "Install", _) => {
                self.warnings.push(format!("{place}: Unknown key name '{key}' in section '{section}', ignoring."));
            }
            (section, _) if section.starts_with("X-") || matches!(section, "Socket" | "Timer" | "Mount") => {}
            _ => self.warnings.push(format!("{place}: Unknown section '{section}'. Ignoring.")),
        }
    }

    fn time(&mut self, place: &str, key: &str, value: &str) -> Option<u64> {
        let parsed = milliseconds(value);
        if parsed.is_none() {
            self.warnings.push(format!("{place}: Failed to parse {key}= parameter, ignoring: {value}"));
        }
        parsed
    }
}

/// Keys that are valid and have no effect on a simulated machine.
fn known(key: &str) -> bool {
    const KEYS: &[&str] = &[
        "ConditionPathIsDirectory",
        "ConditionFileIsExecutable",
        "ConditionVirtualization",
        "DefaultDependencies",
        "Conflicts",
        "PartOf",
        "SourcePath",
        "OnFailure",
        "CPUAccounting",
        "MemoryAccounting",
        "TasksAccounting",
        "IOAccounting",
        "Delegate",
        "LimitNOFILE",
        "LimitNPROC",
        "LimitCORE",
        "LimitMEMLOCK",
        "TasksMax",
        "OOMScoreAdjust",
        "OOMPolicy",
        "StandardOutput",
        "StandardError",
        "StandardInput",
        "SyslogIdentifier",
        "Group",
        "UMask",
        "PIDFile",
        "NotifyAccess",
        "RuntimeDirectory",
        "RuntimeDirectoryMode",
        "StateDirectory",
        "WatchdogSec",
        "KillSignal",
        "SendSIGKILL",
        "SuccessExitStatus",
        "RestartPreventExitStatus",
        "BusName",
        "CapabilityBoundingSet",
        "AmbientCapabilities",
        "NoNewPrivileges",
        "PrivateTmp",
        "ProtectSystem",
        "ProtectHome",
        "Nice",
        "MemoryMax",
        "CPUQuota",
        "IPAddressDeny",
        "MountFlags",
        "ExecStopPost",
        "ExecCondition",
        "Sockets",
        "FileDescriptorStoreMax",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "RestrictRealtime",
        "RestrictNamespaces",
        "RestrictSUIDSGID",
        "RestrictAddressFamilies",
        "SystemCallArchitectures",
        "SystemCallFilter",
        "SystemCallErrorNumber",
        "DeviceAllow",
        "ProtectClock",
        "ProtectHostname",
        "ProtectKernelLogs",
        "DefaultInstance",
    ];
    KEYS.contains(&key)
}

fn list(into: &mut Vec<String>, value: &str) {
    if value.is_empty() {
        into.clear();
    }
    into.extend(value.split_whitespace().map(str::to_owned));
}

fn command(into: &mut Vec<Exec>, value: &str) {
    if value.is_empty() {
        into.clear();
        return;
    }
    let bare = value.trim_start_matches(['-', '@', ':', '+', '!']);
    let prefix = &value[..value.len() - bare.len()];
    let words = split(bare);
    if !words.is_empty() {
        into.push(Exec { shown: words.join(" "), words, ignore_failure: prefix.contains('-') });
    }
}

fn truth(value: &str) -> bool {
    matches!(value, "1" | "yes" | "true" | "on" | "y" | "t")
}

/// Reads a time span (systemd.time(7)); a bare number is seconds.
fn milliseconds(value: &str) -> Option<u64> {
    if value == "infinity" {
        return Some(0);
    }
    let mut total = 0f64;
    for word in value.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number: f64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            total += number
                * match &rest[..unit] {
                    "ms" | "msec" => 1.0,
                    "" | "s" | "sec" | "second" | "seconds" => 1_000.0,
                    "m" | "min" | "minute" | "minutes" => 60_000.0,
                    "h" | "hr" | "hour" | "hours" => 3_600_000.0,
                    "d" | "day" | "days" => 86_400_000.0,
                    _ => return None,
                };
            rest = &rest[unit..];
        }
    }
    Some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::{super::unit::Unit, Restart, milliseconds};

    #[test]
    fn a_drop_in_replaces_the_command_and_adds_to_the_environment() {
        let mut unit = Unit::default();
        unit.read("/lib/a.service", "[Unit]\nDescription=Agent\nAfter=a.target \\\n  b.target\n[Service]\nExecStart=/usr/bin/a\nRestart=always\nRestartSec=10\nStartLimitInterval=0\n[Install]\nWantedBy=multi-user.target\n");
        unit.read("/etc/a.service.d/x.conf", "[Service]\nEnvironment=\"A=1 2\" B=3\nEnvironmentFile=-/etc/default/a\nExecStart=\nExecStart=-/usr/bin/a $A\nBogus=1\nnonsense\n");
        assert_eq!(unit.after, ["a.target", "b.target"]);
        assert_eq!((unit.service.restart, unit.service.restart_ms, unit.start_limit_interval_ms), (Restart::Always, 10_000, 0));
        assert_eq!(unit.service.exec_start.len(), 1);
        assert!(unit.service.exec_start[0].ignore_failure);
        assert_eq!(unit.service.environment, [("A".to_owned(), "1 2".to_owned()), ("B".to_owned(), "3".to_owned())]);
        assert_eq!(unit.service.environment_files, [("/etc/default/a".to_owned(), true)]);
        assert_eq!(
            unit.warnings,
            [
                "/etc/a.service.d/x.conf:6: Unknown key name 'Bogus' in section 'Service', ignoring.",
                "/etc/a.service.d/x.conf:7: Missing '=', ignoring line."
            ]
        );
    }

    #[test]
    fn time_spans() {
        for (text, want) in
            [("10", Some(10_000)), ("1min 30s", Some(90_000)), ("100ms", Some(100)), ("1.5h", Some(5_400_000)), ("soon", None)]
        {
            assert_eq!(milliseconds(text), want, "{text}");
        }
    }
}
