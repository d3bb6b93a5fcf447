//! ckaprep: a practice engine for the CKA and CKAD exams.
//!
//! This file is the map; ARCHITECTURE.md says which module may use which, and `tests/architecture.rs` holds them to it.
//!
//! * [`model`], [`draw`], [`grade`], [`study`] are pure: no input or output, no clock, no client.
//! * [`content`] reads curricula, questions, scenarios and faults.
//! * [`backend`] is where a cluster comes from, [`observe`] reads it, [`runner`] runs a scenario on it.
//! * [`session`] keeps one practice run alive in a process of its own; [`store`] keeps the history.
//! * [`render`] turns reports into text and JSON; [`tui`] owns the terminal; [`cli`] is the commands.

pub mod backend;
pub mod cli;
pub mod content;
pub mod draw;
pub mod grade;
pub mod model;
pub mod observe;
pub mod pack;
pub mod render;
pub mod runner;
pub mod session;
pub mod store;
pub mod study;
pub mod tui;
