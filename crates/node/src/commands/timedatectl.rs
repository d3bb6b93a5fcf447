//! `timedatectl`

use jiff::tz::TimeZone;

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    if let Some(verb) = context.argv.get(1).filter(|verb| *verb != "status") {
        let _ = context.stderr.line(format!("timedatectl: {verb} is refused: the clock is the simulation's")).await;
        return ExitStatus::FAILURE;
    }
    let now = context.machine.clock().now().to_zoned(TimeZone::UTC);
    let _ = context
        .stdout
        .write(format!(
            "               Local time: {0}\n           Universal time: {0}\n                 RTC time: {1}\n                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: yes\n              NTP service: active\n          RTC in local TZ: no\n",
            now.strftime("%a %Y-%m-%d %H:%M:%S UTC"),
            now.strftime("%a %Y-%m-%d %H:%M:%S")
        ))
        .await;
    ExitStatus::SUCCESS
}
