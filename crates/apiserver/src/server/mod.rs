//! The server: its configuration, what its parts share, and serving of connections.

mod config;
mod core;
mod expiry;
mod plugins;
mod serve;
mod standard;

pub use self::config::ServerConfig;
pub use self::core::Core;
pub use self::expiry::EVENTS;
pub use self::plugins::{
    Admission, AdmissionCall, AllowAll, Authenticator, Authorizer, FieldManager, FieldWrite, NoAdmission, NoFieldManager, Operation,
    PathHandler, Plugins, PostStartHook,
};
pub use self::serve::{Body, Server, full, streamed};
