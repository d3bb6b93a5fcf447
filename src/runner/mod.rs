//! Running exercises on an environment: set up, break, grade, solve, prove. Says what it does by [`Event`]s and knows no terminal.

mod actions;
mod apply;
mod error;
mod event;
mod grade;
pub mod proof;
mod script;
mod setup;
mod solve;

#[cfg(test)]
pub(crate) mod testing;

pub use error::RunError;
pub use event::{Event, Sink};
pub use grade::{check, finish};
pub use proof::{Proof, ProofRow, ProofRun, prove};
pub use setup::set_up;
pub use solve::{run_steps, solve};
