//! `sleep`

use std::time::Duration;

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

/// Reads `10`, `0.5`, `2m`, `1h`, `infinity`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if matches!(text, "infinity" | "inf") {
        return Some(Duration::from_secs(u64::from(u32::MAX) * 20));
    }
    let (number, factor) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86_400.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * factor;
    (seconds >= 0.0 && seconds.is_finite()).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut total = Duration::ZERO;
    let args = context.argv.get(1..).unwrap_or_default();
    if args.is_empty() {
        let _ = context.stderr.line("sleep: missing operand\nTry 'sleep --help' for more information.").await;
        return ExitStatus::FAILURE;
    }
    for arg in args {
        match duration(arg) {
            Some(span) => total = total.saturating_add(span),
            None => {
                let _ = context
                    .stderr
                    .line(format!("{}: invalid time interval ‘{arg}’\nTry 'sleep --help' for more information.", name(&context)))
                    .await;
                return ExitStatus::FAILURE;
            }
        }
    }
    // A resumed sleep has slept for a while already.
    let started = context.machine.read(|state| state.processes.get(&context.pid).map(|process| process.started));
    let slept = started.map_or(Duration::ZERO, |started| context.machine.clock().since(started));
    tokio::time::sleep(total.saturating_sub(slept)).await;
    ExitStatus::SUCCESS
}
