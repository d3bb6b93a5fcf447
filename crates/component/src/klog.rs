//! Log lines in klog's text format: `E1124 06:37:33.550830       1 run.go:72] "command failed" err="…"`.
//!
//! Upstream: `k8s.io/klog/v2`, `internal/buffer` (the header) and `internal/serialize` (keys and values).

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;

use crate::Clock;

/// How bad a line is; its letter comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Severity {
    fn letter(self) -> char {
        match self {
            Self::Info => 'I',
            Self::Warning => 'W',
            Self::Error => 'E',
            Self::Fatal => 'F',
        }
    }
}

/// A value of a structured log line.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// Printed in quotes (`%q`).
    Text(&'a str),
    /// Printed as it is: numbers, booleans.
    Raw(String),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

/// The log of one process of a Go component.
#[derive(Clone)]
pub struct Klog {
    clock: Clock,
    pid: u32,
    sink: Arc<dyn Fn(String) + Send + Sync>,
}

impl Klog {
    /// A log of process `pid` that gives each line, without its end, to `sink`.
    pub fn new(clock: Clock, pid: u32, sink: Arc<dyn Fn(String) + Send + Sync>) -> Self {
        Self { clock, pid, sink }
    }

    /// A line with only a message (`klog.Infof` and its kin); `place` is the Go file and line that upstream names.
    pub fn plain(&self, severity: Severity, place: &str, message: &str) {
        (self.sink)(header(severity, self.clock.now(), self.pid, place) + message);
    }

    /// `"message" key="value" …` (`klog.InfoS` and its kin).
    pub fn line(&self, severity: Severity, place: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        let mut line = header(severity, self.clock.now(), self.pid, place);
        line.push_str(&quote(message));
        for (key, value) in fields {
            // Writing to a String cannot fail.
            let _ = match value {
                Value::Text(text) => write!(line, " {key}={}", quote(text)),
                Value::Raw(text) => write!(line, " {key}={text}"),
            };
        }
        (self.sink)(line);
    }

    /// A structured line of severity I.
    pub fn info(&self, place: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        self.line(Severity::Info, place, message, fields);
    }

    /// A structured line of severity E; the error comes before the other fields (`klog.ErrorS`).
    pub fn error(&self, place: &str, error: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        let mut all = vec![("err", Value::Text(error))];
        all.extend_from_slice(fields);
        self.line(Severity::Error, place, message, &all);
    }

    /// An error that nobody handles (`utilruntime.HandleError`).
    pub fn unhandled(&self, place: &str, error: &str) {
        self.error(place, error, "Unhandled Error", &[("logger", Value::Text("UnhandledError"))]);
    }
}

/// `Lmmdd hh:mm:ss.uuuuuu threadid file:line] `; what klog calls the thread is the process, padded to seven columns.
fn header(severity: Severity, time: Timestamp, pid: u32, place: &str) -> String {
    format!("{}{} {pid:>7} {place}] ", severity.letter(), time.strftime("%m%d %H:%M:%S.%6f"))
}

/// Go's `%q`, for texts that are printable but for tabs and line ends.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Klog, Severity, Value};
    use crate::Clock;

    #[tokio::test(start_paused = true)]
    async fn lines_have_klogs_columns() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let clock = Clock::starting_at("2026-11-24T06:31:58.03754Z".parse().expect("a time"));
        let log = Klog::new(clock, 173, Arc::new(move |line| sink.lock().expect("not poisoned").push(line)));
        log.info("kubelet.go:2501", "Starting kubelet main sync loop", &[]);
        log.error("run.go:72", "open \"x\"", "command failed", &[("n", Value::Raw("3".into()))]);
        log.unhandled("file.go:104", "gone");
        log.plain(Severity::Warning, "logging.go:55", "[core] refused");
        log.plain(Severity::Fatal, "instance.go:233", "Error creating leases");
        assert_eq!(
            *lines.lock().expect("not poisoned"),
            [
                "I1124 06:31:58.037540     173 kubelet.go:2501] \"Starting kubelet main sync loop\"",
                "E1124 06:31:58.037540     173 run.go:72] \"command failed\" err=\"open \\\"x\\\"\" n=3",
                "E1124 06:31:58.037540     173 file.go:104] \"Unhandled Error\" err=\"gone\" logger=\"UnhandledError\"",
                "W1124 06:31:58.037540     173 logging.go:55] [core] refused",
                "F1124 06:31:58.037540     173 instance.go:233] Error creating leases",
            ]
        );
    }
}
