//! Output formats.

pub mod columns;
pub mod json;
pub mod jsonpath;
pub mod printer;
pub mod sort;
pub mod table;
pub mod tabwriter;
pub mod template;
pub mod yaml;

pub use printer::{OUTPUT, Printer};
