//! The book that is kept of a quiz: its state, stored after every change, so that a killed run resumes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ask::Around;
use super::explain::Words;
use super::state::{Drawn, State};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::grade::Report;
use crate::store::{Attempt, Details, History, RunId, StoreError};

/// A run's book.
pub struct Book<'a> {
    /// The process's surroundings.
    pub context: &'a Context,
    /// The history.
    pub history: &'a mut dyn History,
    /// This run's number.
    pub run: RunId,
    /// Where the run stands.
    pub state: State,
    /// When this sitting began.
    pub began: Timestamp,
    /// The user knows that the history cannot be written.
    pub warned: bool,
    /// Gradings of this sitting, by key.
    pub reports: BTreeMap<String, Report>,
}

impl Book<'_> {
    /// Seconds of this sitting.
    pub fn sitting(&self) -> u64 {
        u64::try_from(self.context.now().duration_since(self.began).as_secs()).unwrap_or(0)
    }

    /// Seconds left, where there is a limit.
    pub fn left(&self) -> Option<u64> {
        self.state.left(self.sitting())
    }

    /// Whether the limit is reached.
    pub fn time_is_up(&self) -> bool {
        self.left() == Some(0)
    }

    /// Stores the state.
    pub fn store(&mut self) {
        let value = self.stored();
        let stored = self.history.update_run(self.run, &value);
        self.keep(stored);
    }

    /// Stores an answer.
    pub fn record(&mut self, attempt: &Attempt, details: &Details) {
        let value = self.stored();
        let stored = self.history.record_answer(attempt, details, self.run, &value);
        self.keep(stored);
    }

    /// Stores the end.
    pub fn finish(&mut self) {
        let value = self.stored();
        let stored = self.history.finish_run(self.run, self.context.now(), &value);
        self.keep(stored);
    }

    /// A full disk must not end a quiz: the user is told once, and it goes on.
    fn keep(&mut self, stored: Result<(), StoreError>) {
        if let Err(error) = stored
            && !self.warned
        {
            self.warned = true;
            let (message, next) = CliError::from(error).in_one_line();
            self.context.warn(&format!("{message}. The quiz goes on; what follows is not recorded. {}", next.unwrap_or_default()));
        }
    }

    /// The state with this sitting's time in it.
    fn stored(&self) -> serde_json::Value {
        let state = State { spent_seconds: self.state.spent_seconds + self.sitting(), ..self.state.clone() };
        // Only strings, numbers and maps with string keys: this always serialises.
        serde_json::to_value(state).unwrap_or_default()
    }
}

/// The book open at a question.
pub struct Page<'b, 'a> {
    /// The book.
    pub book: &'b mut Book<'a>,
    /// The question.
    pub drawn: &'b Drawn,
}

impl Around for Page<'_, '_> {
    fn words(&self) -> Words {
        Words::WithFlag
    }

    fn flag(&mut self) -> bool {
        let flagged = self.book.state.flag(&self.drawn.key);
        self.book.store();
        flagged
    }

    fn typed(&mut self, command: &str) {
        self.book.state.typed(command);
        self.book.store();
    }
}
