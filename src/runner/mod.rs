//! Running exercises on an environment: set up, break, grade, solve, prove. Says what it does by [`Event`]s and knows no terminal.

mod actions;
mod apply;
mod error;
mod event;
mod grade;
mod images;
mod planned;
pub mod proof;
mod proof_live;
mod script;
mod setup;
mod solve;

#[cfg(test)]
pub(crate) mod testing;

pub use error::RunError;
pub use event::{Event, Sink};
pub use grade::{check, check_telling, finish};
pub use images::images;
pub use planned::{SetupPlan, planned};
pub use proof::{Proof, ProofRow, ProofRun, prove};
pub use proof_live::{HandOver, LiveRow, prove_live};
pub use setup::set_up;
pub use solve::{run_steps, solve};
