//! What our kubectl is given when it runs on the user's own machine: the host's files, network, editor and streams.

pub mod editor;
pub mod files;
pub mod kubectl;
