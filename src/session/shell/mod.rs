//! The practice shell: the host's bash or zsh with a start-up file of ours, and shims in front of the PATH.
//!
//! Nothing in the user's own start-up files can point this shell at another cluster: they are not read, unless
//! `--my-shell` asks for it, and then KUBECONFIG and PATH are set afterwards and the context is verified.

pub mod commands;
pub mod find;
pub mod run;
pub mod shims;
pub mod startup;

pub use find::{Kind, Program};
pub use run::{Practice, Script};
