//! The verbs: from an authorized request to an answer.

mod body;
mod call;
mod collection;
mod computed;
mod continuation;
mod convert;
mod create;
mod delete;
mod dispatch;
mod duplicates;
mod health;
mod list;
mod metadata;
mod negotiate;
mod options;
mod patch;
mod read;
mod respond;
mod route;
mod scale;
mod selector;
mod subresource;
mod table;
mod update;
mod watch;
mod watch_events;

#[cfg(test)]
mod tests;

pub use body::{decode_object, read_value};
pub use call::Call;
pub use create::{Created, create};
pub use delete::{Deleted, delete};
pub use dispatch::{MAX_BODY, handle};
pub use options::{DeleteOptions, Propagation};
pub use read::get;
pub use respond::{error_response, json_response, object_response};
pub use update::{Target, update_with};
