//! The functions that a row may have. All are plain function pointers: what they need comes in the call.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;

use super::resource::Resource;
use crate::request::RequestContext;
use crate::server::{Body, Core};
use crate::status::{ApiError, FieldError};

/// What a strategy function sees.
pub struct StrategyCall<'a> {
    /// The server.
    pub core: &'a Arc<Core>,
    /// Row of the resource.
    pub resource: &'a Resource,
    /// The request.
    pub context: &'a RequestContext,
    /// Subresource that is written, or empty.
    pub subresource: &'a str,
    /// The stored object, on updates.
    pub old: Option<&'a Value>,
    /// Whether nothing will be stored (allocations must not be kept).
    pub dry_run: bool,
}

/// Prepares an object before it is validated (`rest.RESTCreateStrategy.PrepareForCreate`, `…PrepareForUpdate`);
/// `call.old` tells which.
pub type Strategy = fn(&StrategyCall<'_>, &mut Value) -> Result<(), ApiError>;

/// What a validation function sees.
pub struct Validation<'a> {
    /// Row of the resource.
    pub resource: &'a Resource,
    /// The object, defaulted.
    pub object: &'a Value,
    /// The stored object, on updates.
    pub old: Option<&'a Value>,
    /// Subresource that is written, or empty.
    pub subresource: &'a str,
}

/// Judges an object (`Validate`, `ValidateUpdate`); `input.old` tells which. Metadata has been judged already.
pub type Validate = fn(&Validation<'_>) -> Vec<FieldError>;

/// A column of a table (`metav1.TableColumnDefinition`).
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Heading, in its usual capitals (`Name`, `Ready`).
    pub name: String,
    /// `string`, `integer`, `date`, …
    pub kind: String,
    /// `name` for the name column, else empty.
    pub format: String,
    /// Description.
    pub description: String,
    /// 0 is always shown, 1 with `-o wide`.
    pub priority: i32,
}

/// A row of a table: its cells, and conditions of pods that are over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// One cell for each column.
    pub cells: Vec<Value>,
    /// `metav1.TableRowCondition`s.
    pub conditions: Vec<Value>,
}

/// Prints objects of a kind as a table (`printers/internalversion`).
#[derive(Clone, Copy)]
pub struct TablePrinter {
    /// The columns, the name column included.
    pub columns: fn(&Resource) -> Vec<Column>,
    /// Cells of one object.
    pub row: fn(&Resource, &Value, Timestamp) -> Row,
}

/// A field that field selectors may name, and where its value stands.
#[derive(Clone, Copy)]
pub struct Selectable {
    /// `spec.nodeName`.
    pub label: &'static str,
    /// Its value in an object.
    pub value: fn(&Value) -> String,
}

/// A create on a kind that is answered without being stored.
pub struct CreateCall {
    /// The server.
    pub core: Arc<Core>,
    /// Row of the resource.
    pub resource: Arc<Resource>,
    /// The request.
    pub context: Arc<RequestContext>,
    /// The decoded and defaulted object.
    pub object: Value,
}

/// Answers a create without storing (reviews); returns the object to send.
pub type CreateHandler = fn(CreateCall) -> BoxFuture<'static, Result<Value, ApiError>>;

/// Finds out the objects of a kind that is not stored, in order of their names.
pub type ComputeHandler = fn(Arc<Core>) -> BoxFuture<'static, Vec<Value>>;

/// A request on a subresource with behaviour of its own.
pub struct SubresourceCall {
    /// The server.
    pub core: Arc<Core>,
    /// Row of the parent resource.
    pub resource: Arc<Resource>,
    /// The request.
    pub context: Arc<RequestContext>,
    /// The HTTP request; upgrades are in its extensions (`hyper::upgrade::on`).
    pub request: Request<Bytes>,
}

/// Answers a subresource (exec, log, eviction, token, …).
pub type SubresourceHandler = fn(SubresourceCall) -> BoxFuture<'static, Result<Response<Body>, ApiError>>;

/// The functions of a row.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Defaults that are not constants; runs after the schema's defaults.
    pub default: Option<fn(&mut Value)>,
    /// Strategy.
    pub prepare: Option<Strategy>,
    /// Validation.
    pub validate: Option<Validate>,
    /// Warnings for what was written (`WarningsOnCreate`, `WarningsOnUpdate`).
    pub warn: Option<fn(&Validation<'_>) -> Vec<String>>,
    /// Table printer; without one, name and age are printed.
    pub printer: Option<TablePrinter>,
    /// Fields for selectors besides `metadata.name` and `metadata.namespace`.
    pub selectable: &'static [Selectable],
    /// Whether an update of a missing object creates it.
    pub allow_create_on_update: bool,
    /// Whether an update without a resource version is refused.
    pub require_resource_version: bool,
    /// Whether `status` can only be written through the subresource.
    pub has_status: bool,
    /// Whether a creation may bring a status all the same (nodes).
    pub keep_status_on_create: bool,
    /// Whether a change outside of metadata and status counts up `metadata.generation`.
    pub has_generation: bool,
    /// Grace period in seconds of a deletion that names none; a row without the function deletes at once.
    pub grace: Option<fn(object: &Value, asked: Option<i64>) -> i64>,
    /// What a deletion does besides finalizers (namespaces).
    pub delete: Option<Deletion>,
    /// Whether a deletion answers with the object instead of a `Status`.
    pub return_deleted: bool,
    /// Warning on every request for the resource, when it is deprecated.
    pub deprecated: Option<&'static str>,
}

/// A kind's own part in its deletion.
#[derive(Clone, Copy)]
pub struct Deletion {
    /// Marks the object when its deletion is asked for; `metadata.deletionTimestamp` has been set.
    pub begin: fn(&mut Value),
    /// Whether something other than `metadata.finalizers` still keeps it.
    pub pending: fn(&Value) -> bool,
}
