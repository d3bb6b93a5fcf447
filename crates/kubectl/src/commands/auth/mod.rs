//! `kubectl auth`.

use crate::command::{Command, Completes};

pub mod can_i;
pub mod whoami;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["auth"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Inspect authorization",
    long: "",
    examples: "kubectl auth can-i create pods --as=jane",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};
