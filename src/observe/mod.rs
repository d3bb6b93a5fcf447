//! Reading facts: the only place where checks meet a cluster. Reads in parallel, one request per kind and namespace, at most four rounds.

mod access;
mod api;
mod containers;
mod nodes;
pub mod rest;
mod rounds;
#[cfg(test)]
pub mod testing;

pub use rounds::{observe, read};
