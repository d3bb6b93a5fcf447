//! garbage-collector-controller: what has lost its owners goes.

mod collector;
mod graph;

pub use collector::run;
