//! Log lines in klog's text format.

use std::fmt::Write;

use component::Clock;

use crate::machine::{Output, Pid};

/// A value of a structured log line.
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

/// Writes to the standard error of a Go component.
#[derive(Clone)]
pub struct Klog {
    output: Output,
    pid: Pid,
    clock: Clock,
}

impl Klog {
    /// A log of process `pid` that goes to `output`.
    pub fn new(output: Output, pid: Pid, clock: Clock) -> Self {
        Self { output, pid, clock }
    }

    /// A line with only a message.
    pub fn plain(&self, severity: char, place: &str, message: &str) {
        let line = format!("{}{message}\n", self.header(severity, place));
        self.output.write_now(line.as_bytes());
    }

    /// `"message" key="value" …`
    pub fn line(&self, severity: char, place: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        let mut line = self.header(severity, place);
        line.push_str(&quote(message));
        for (key, value) in fields {
            // Writing to a String cannot fail.
            let _ = match value {
                Value::Text(text) => write!(line, " {key}={}", quote(text)),
                Value::Raw(text) => write!(line, " {key}={text}"),
            };
        }
        line.push('\n');
        self.output.write_now(line.as_bytes());
    }

    /// A line of severity I.
    pub fn info(&self, place: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        self.line('I', place, message, fields);
    }

    /// A line of severity E; the error comes first.
    pub fn error(&self, place: &str, error: &str, message: &str, fields: Vec<(&str, Value<'_>)>) {
        let mut all = vec![("err", Value::Text(error))];
        all.extend(fields);
        self.line('E', place, message, &all);
    }

    fn header(&self, severity: char, place: &str) -> String {
        let now = self.clock.now();
        let micros = now.subsec_microsecond();
        format!("{severity}{}.{micros:06} {:>7} {place}] ", now.strftime("%m%d %H:%M:%S"), self.pid)
    }
}

/// Go's `%q`.
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
    use component::Clock;

    use super::{Klog, Value};
    use crate::machine::Output;

    #[tokio::test(start_paused = true)]
    async fn lines_have_klogs_columns() {
        let (output, buffer) = Output::buffer();
        let clock = Clock::starting_at("2026-11-24T06:31:58.337549Z".parse().expect("a time"));
        let log = Klog::new(output, 173, clock);
        log.info("kubelet.go:2501", "Starting kubelet main sync loop", &[]);
        log.error("run.go:72", "open \"x\"", "command failed", vec![("n", Value::Raw("3".into()))]);
        let text = String::from_utf8(buffer.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert_eq!(
            text,
            "I1124 06:31:58.337549     173 kubelet.go:2501] \"Starting kubelet main sync loop\"\n\
             E1124 06:31:58.337549     173 run.go:72] \"command failed\" err=\"open \\\"x\\\"\" n=3\n"
        );
    }
}
