//! Server-side apply and the bookkeeping of `metadata.managedFields`, after `structured-merge-diff` and apimachinery's
//! `util/managedfields`.

mod codec;
mod compare;
mod element;
mod managers;
mod merge;
mod remove;
mod set;
mod tracker;
mod typed;

pub use tracker::Tracker;
