//! The resources that are served: one row each, and no kind-specific code anywhere else.

mod builtin;
mod component_status;
mod convert;
mod hooks;
mod resource;
mod selectable;
mod strategy;
mod table;

pub use hooks::{
    Column, ComputeHandler, CreateCall, CreateHandler, Deletion, Hooks, Row, Selectable, Strategy, StrategyCall, SubresourceCall,
    SubresourceHandler, TablePrinter, Validate, Validation,
};
pub use resource::{Conversion, Gvk, Resource, ScalePaths, Storage, Subresource, SubresourceKind};
pub use table::Registry;
