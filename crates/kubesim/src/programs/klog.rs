//! Lines of Kubernetes' logs: `E1124 06:37:33.550830       1 run.go:72] …` (klog's header, pid padded to seven).

use jiff::Timestamp;
use node::machine::ProcessContext;

/// Severity letters.
#[derive(Clone, Copy)]
pub enum Severity {
    /// `I`
    Info,
    /// `W`
    Warning,
    /// `E`
    Error,
    /// `F`: the program exits.
    Fatal,
}

/// One line, without its end.
pub fn line(severity: Severity, now: Timestamp, place: &str, message: &str) -> String {
    let letter = match severity {
        Severity::Info => 'I',
        Severity::Warning => 'W',
        Severity::Error => 'E',
        Severity::Fatal => 'F',
    };
    // The process is number 1 of its container.
    format!("{letter}{} {:>7} {place}] {message}", now.strftime("%m%d %H:%M:%S%.6f"), 1)
}

/// Writes one line to a program's standard error.
pub fn log(context: &ProcessContext, severity: Severity, place: &str, message: &str) {
    let text = line(severity, context.machine.clock().now(), place, message);
    context.stderr.write_now(format!("{text}\n").as_bytes());
}
