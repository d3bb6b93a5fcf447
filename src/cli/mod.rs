//! The command line: what the user may say ([`args`]), one file per command ([`commands`]), errors with a kind, a hint
//! and an exit code ([`error`]).

pub mod args;
pub mod catalog;
pub mod commands;
pub mod complete;
pub mod context;
pub mod describe;
pub mod error;
pub mod existing_args;
pub mod host;
pub mod kind_args;
pub mod material;
pub mod practice;
pub mod prove;
pub mod prove_kind;
pub mod quiz;
pub mod serve;
pub mod start;
pub mod study;
pub mod suggest;

pub use error::{CliError, Kind};
pub use start::main;
