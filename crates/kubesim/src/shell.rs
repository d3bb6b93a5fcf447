//! What an owner of a shell on a machine needs to name: the machines' own types, for callers that see only this crate.

pub use bytes::Bytes;
pub use node::machine::{EditRequest, Editor, Input, InputWriter, Machine, Output, Pager, Terminal};
pub use node::shell::{Completion, Io, Shell};
