//! kubectl's commands over a [`kube::Client`], for shells inside a simulation and for machines without kubectl.
//!
//! [`run`] takes an [`Invocation`] and returns the exit code; [`complete`] serves Tab completion. Outputs, errors and exit codes
//! follow kubectl 1.35. Requests go out as plain JSON, so that no field is lost that this crate does not know.

mod command;
mod commands;
mod complete;
mod context;
mod describe;
mod error;
mod flags;
mod help;
mod invocation;
mod kubeconfig;
mod operation;
mod patch;
mod pods;
mod print;
mod raw_terminal;
mod resources;
mod run;
mod streams;
mod update;
mod watch;

pub use complete::complete;
pub use invocation::{Completion, Connect, DirEntry, Editor, FileKind, Files, Invocation, TerminalSize};
pub use raw_terminal::wants_raw_terminal;
pub use run::run;
