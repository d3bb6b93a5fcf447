//! Pods and pod templates (`pkg/apis/core/validation`).

mod container;
mod environment;
mod probe;
mod resources;
mod scheduling;
mod security;
mod spec;
mod update;
mod volume;

pub use probe::port;
pub use resources::{canonical, check_quantity, quantity, resource_name};
pub use scheduling::node_selector_term;
pub use spec::template;
pub use update::{spec_warnings, validate, warnings};
