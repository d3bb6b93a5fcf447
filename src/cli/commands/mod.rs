//! One file per command: its options (`Args`) and what it does (`run`, which gives the exit code).

pub mod attach;
pub mod author;
pub mod check;
pub mod completions;
pub mod curriculum;
pub mod doctor;
pub mod hint;
pub mod history;
pub mod kubectl;
pub mod list;
pub mod next;
pub mod nodes;
pub mod quiz;
pub mod reset;
pub mod scenario;
pub mod serve;
pub mod show;
pub mod solution;
pub mod ssh;
pub mod ssh_shim;
pub mod status;
pub mod stop;
pub mod target;
pub mod task;
