//! Documents as text, one file per kind. All functions are pure: document, style and width in, text out.

mod check;
mod clock;
mod content;
mod machine;
mod outcome;
mod proof;
mod quiz;
mod session;

pub use check::{check, report};
pub use clock::duration;
pub use content::{curricula, curriculum, list, show};
pub use machine::{doctor, history};
pub use outcome::outcome;
pub use proof::proof;
pub use quiz::{draw, quiz};
pub use session::{hint, sessions, shell_help, solution, started, task};
