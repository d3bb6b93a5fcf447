//! OpenAPI v3, made from the schema table when it is first asked for.

mod document;
mod handler;
mod paths;
mod schema;

pub use document::document;
pub use handler::OpenApi;
