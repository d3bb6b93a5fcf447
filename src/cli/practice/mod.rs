//! A practice run as the user goes through it: task, shell, leaving, grading.

pub mod demo;
pub mod leave;
pub mod run;

pub use leave::Leaving;
pub use run::{Options, exit_code, finish, run};
