//! What happens when the shell is left.

use std::io::{stderr, stdin};

use crate::cli::error::CliError;
use crate::tui::ask::{Choice, choose};

/// What leaving the shell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The user is asked.
    Ask,
    /// The session may belong to another terminal, or was started without one: it goes on unless the user says otherwise.
    GoesOn,
}

/// The user's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Back into the shell.
    Continue,
    /// The session goes on without this shell.
    Leave,
    /// Grade, record, show the debrief, stop.
    Grade,
    /// Stop; nothing is recorded.
    Stop,
}

/// Asks.
pub fn ask(leaving: Leaving) -> Result<Decision, CliError> {
    let first = match leaving {
        Leaving::Ask => Choice { key: 'c', text: "continue", value: Decision::Continue },
        Leaving::GoesOn => Choice { key: 'l', text: "leave it running", value: Decision::Leave },
    };
    let choices = [
        first,
        Choice { key: 'g', text: "grade and stop", value: Decision::Grade },
        Choice { key: 's', text: "stop without grading", value: Decision::Stop },
    ];
    choose("Leave?", &choices, &mut stdin().lock(), &mut stderr()).map_err(|e| CliError::environment("cannot ask how to go on").because(e))
}
