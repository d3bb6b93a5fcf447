//! Server-side tables: the columns and cell texts of `kubectl get`, as upstream's `pkg/printers/internalversion`.

mod autoscaling;
mod batch;
mod cell;
mod custom;
mod event;
mod lookup;
mod misc;
mod networking;
mod node;
mod pod;
mod rbac;
mod storage;
mod table;
mod workloads;

pub use custom::{custom_columns, custom_table};
pub use lookup::printer;
pub use table::{Printer, TABLE_PRINTER};
