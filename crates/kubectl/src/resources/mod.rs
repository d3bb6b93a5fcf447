//! From words and files to objects: discovery, arguments, manifests.

pub mod args;
pub mod discovery;
pub mod manifest;
