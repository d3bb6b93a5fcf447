//! Progress of long work, on standard error, only where a person sees it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Terminal;

/// A line that says what is going on and is gone afterwards.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing where standard error is no terminal.
    pub fn new(terminal: Terminal) -> Self {
        let bar = if terminal.stderr { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let template = if terminal.error_colour() { "{spinner:.cyan} {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Says what is going on.
    pub fn say(&self, message: &str, remaining: Option<u64>) {
        // Only ticking from the first message on: what is done at once needs no spinner.
        self.bar.enable_steady_tick(Duration::from_millis(100));
        match remaining {
            Some(seconds) => self.bar.set_message(format!("{message} ({seconds} s)")),
            None => self.bar.set_message(message.to_owned()),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
