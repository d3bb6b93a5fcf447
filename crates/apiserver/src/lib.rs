//! A Kubernetes API server over a revisioned in-memory store. It knows no controller, node or exam.
//!
//! A request passes `server` (connection, authentication, authorization), `handlers` (the verbs), which ask
//! `registry` (one row per resource), `schema` (decoding, defaulting, merging), `admission`, `validation` and `apply`,
//! and end in `store`.

pub mod admission;
pub mod apply;
pub mod authn;
pub mod authz;
pub mod bootstrap;
pub mod discovery;
pub mod handlers;
mod json;
mod lookup;
pub mod openapi;
pub mod patch;
pub mod printers;
pub mod protobuf;
pub mod registry;
pub mod request;
pub mod schema;
pub mod server;
pub mod status;
pub mod store;
pub mod subresources;
pub mod validation;

pub use request::{Peer, RequestContext, RequestInfo, UserInfo};
pub use server::{Core, Server, ServerConfig};
pub use status::ApiError;
pub use store::{Change, ChangeKind, Object, Store, StoreState};
