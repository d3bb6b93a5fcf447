//! `uptime`, and the line above `top`

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::machine::{ExitStatus, ProcessContext, load};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    if context.argv.get(1).is_some_and(|arg| arg == "-p") {
        let up = Duration::try_from(context.machine.read(|state| context.machine.clock().now().duration_since(state.booted)))
            .unwrap_or_default();
        let (hours, minutes) = (up.as_secs() / 3600, up.as_secs() / 60 % 60);
        let text = if hours > 0 { format!("up {hours} hours, {minutes} minutes") } else { format!("up {minutes} minutes") };
        let _ = context.stdout.line(text).await;
        return ExitStatus::SUCCESS;
    }
    let _ = context.stdout.line(format!(" {}", line(&context))).await;
    ExitStatus::SUCCESS
}

/// `06:33:06 up 1 min,  1 user,  load average: 0.12, 0.10, 0.09`.
pub(super) fn line(context: &ProcessContext) -> String {
    let now = context.machine.clock().now();
    let (booted, loads, users) = context.machine.read(|state| {
        let terminals = state.processes.values().filter(|process| process.argv.first().is_some_and(|name| name.starts_with('-'))).count();
        (state.booted, load(state), terminals.max(1))
    });
    let up = Duration::try_from(now.duration_since(booted)).unwrap_or_default().as_secs();
    let (days, hours, minutes) = (up / 86_400, up / 3600 % 24, up / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let clock = if hours > 0 { format!("{hours:2}:{minutes:02}") } else { format!("{minutes} min") };
    format!(
        "{} up {days}{clock},  {users} user{},  load average: {:.2}, {:.2}, {:.2}",
        now.to_zoned(TimeZone::UTC).strftime("%H:%M:%S"),
        if users == 1 { "" } else { "s" },
        loads[0],
        loads[1],
        loads[2]
    )
}
