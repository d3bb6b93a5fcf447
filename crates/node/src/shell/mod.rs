//! The shell: bashkit interprets the language, everything it touches is ours. Files are a [`View`](crate::fs::View), commands are
//! processes of the machine, time is the simulation's.

mod complete;
mod context;
mod external;
mod files;
mod idle;
mod input;
mod interactive;
mod job;
mod program;
mod replace;
mod session;
#[cfg(test)]
mod tests;
mod utility;

pub use complete::Completion;
pub use interactive::{Io, Shell};
pub use session::Session;

pub(crate) use program::{run_shell, shell_names};
pub(crate) use utility::{UTILITIES, run_utility};
