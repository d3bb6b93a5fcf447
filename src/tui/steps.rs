//! Long work in steps: a spinner where a person sees it, a line with the time for each step otherwise.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::Terminal;
use super::progress::Progress;

/// Work that goes on.
pub struct Steps {
    progress: Option<Progress>,
    started: Instant,
    last: Mutex<String>,
}

impl Steps {
    /// Begins. Must be called on a runtime.
    pub fn new(terminal: Terminal) -> Self {
        let progress = terminal.stderr.then(|| Progress::new(terminal));
        Self { progress, started: Instant::now(), last: Mutex::default() }
    }

    /// Says what is going on now.
    pub fn say(&self, step: &str) {
        let elapsed = self.started.elapsed().as_secs_f64();
        match &self.progress {
            Some(progress) => progress.say(&format!("{elapsed:.0} s: {step}"), None),
            None => {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                if *last != step {
                    // Whoever closed our error output does not want the rest.
                    let _ = writeln!(std::io::stderr().lock(), "{elapsed:6.1} s  {step}");
                    *last = step.to_owned();
                }
            }
        }
    }
}
