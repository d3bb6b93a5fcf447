//! Tests at the level of HTTP: a server with permissive plugins, asked through its entry point.

mod api;
mod connection;
mod deletes;
mod errors;
mod lists;
mod reads;
mod recorded;
mod services;
mod watches;
mod writes;

pub(super) use api::{Answer, Api};
