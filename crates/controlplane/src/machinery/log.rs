//! A component's log in klog's format.

use std::sync::Arc;

use component::Clock;

/// Writes klog lines to a sink: a container's standard error.
#[derive(Clone)]
pub struct Log {
    clock: Clock,
    sink: Arc<dyn Fn(String) + Send + Sync>,
}

impl Log {
    /// A log that gives each line, without its end, to `sink`.
    pub fn new(clock: Clock, sink: Arc<dyn Fn(String) + Send + Sync>) -> Self {
        Self { clock, sink }
    }

    /// An `I` line; `source` is the Go file that upstream's line names.
    pub fn info(&self, source: &str, message: &str) {
        self.line('I', source, message);
    }

    /// A `W` line.
    pub fn warn(&self, source: &str, message: &str) {
        self.line('W', source, message);
    }

    /// An `E` line.
    pub fn error(&self, source: &str, message: &str) {
        self.line('E', source, message);
    }

    /// An `E` line as `utilruntime.HandleError` writes it.
    pub fn unhandled(&self, source: &str, error: &str) {
        self.line('E', source, &format!("\"Unhandled Error\" err={error:?} logger=\"UnhandledError\""));
    }

    fn line(&self, level: char, source: &str, message: &str) {
        // klog: Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg; the process in a container is number 1.
        let stamp = self.clock.now().strftime("%m%d %H:%M:%S.%6f");
        (self.sink)(format!("{level}{stamp}       1 {source}] {message}"));
    }
}
