//! Documents as text, one file per kind. All functions are pure: document, style and width in, text out.

mod attempt;
mod check;
mod clock;
mod cluster;
mod comparison;
mod content;
mod machine;
mod outcome;
mod proof;
mod quiz;
mod session;
mod stats;
mod study;

pub use attempt::{attempt, history, merged};
pub use check::{check, report};
pub use clock::duration;
pub use cluster::{clusters, images};
pub use comparison::{comparison, comparisons};
pub use content::{curricula, curriculum, list, show};
pub use machine::doctor;
pub use outcome::outcome;
pub use proof::{never_failed, proof, proof_table};
pub use quiz::{draw, quiz};
pub use session::{hint, sessions, shell_help, solution, started, task};
pub use stats::stats;
pub use study::{again_in, plan, studied};
