//! A study session as the learner goes through it: [`sitting`] leads through the plan, [`scenario`] is a hands-on task in the midst of it.

pub mod scenario;
pub mod sitting;

pub use sitting::{Sitting, document};
