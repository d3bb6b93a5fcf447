//! The borders between the request path and the parts that judge, change and describe.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, request::Parts};
use serde_json::Value;

use super::core::Core;
use super::serve::Body;
use crate::registry::Resource;
use crate::request::{Peer, RequestContext, RequestInfo, UserInfo};
use crate::status::ApiError;

/// Finds out who asks; impersonation included.
pub trait Authenticator: Send + Sync {
    /// The user, or 401 (403 for a forbidden impersonation).
    fn authenticate<'a>(&'a self, core: &'a Arc<Core>, request: &'a Parts, peer: &'a Peer) -> BoxFuture<'a, Result<UserInfo, ApiError>>;
}

/// Decides whether a user may do something.
pub trait Authorizer: Send + Sync {
    /// `Ok` or a 403 with upstream's text.
    fn authorize<'a>(&'a self, core: &'a Arc<Core>, user: &'a UserInfo, info: &'a RequestInfo) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// What an admitted request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new object (or a create on a subresource).
    Create,
    /// A changed object.
    Update,
    /// A deletion.
    Delete,
    /// exec, attach, port-forward, proxy.
    Connect,
}

impl Operation {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// What an admission plugin sees (`admission.Attributes`), besides the object itself.
pub struct AdmissionCall<'a> {
    /// The server.
    pub core: &'a Arc<Core>,
    /// The request: user, warnings.
    pub context: &'a RequestContext,
    /// Row of the resource.
    pub resource: &'a Arc<Resource>,
    /// What is done.
    pub operation: Operation,
    /// Namespace, or empty.
    pub namespace: &'a str,
    /// Name, or empty while it is still to be generated.
    pub name: &'a str,
    /// Subresource, or empty.
    pub subresource: &'a str,
    /// The object as it is now (updates and deletions).
    pub old: Option<&'a Value>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// The chain of admission plugins.
pub trait Admission: Send + Sync {
    /// May change the object.
    fn mutate<'a>(&'a self, call: &'a AdmissionCall<'a>, object: &'a mut Value) -> BoxFuture<'a, Result<(), ApiError>>;
    /// Judges the final object (`None` for deletions).
    fn validate<'a>(&'a self, call: &'a AdmissionCall<'a>, object: Option<&'a Value>) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// Server-side apply and the bookkeeping of `metadata.managedFields`.
pub trait FieldManager: Send + Sync {
    /// Applies `patch` (as the client sent it; kind, name and namespace have been checked and filled in) on `live` (`None`: the
    /// object is created). Returns the object to write, with managed fields; the caller decodes and defaults it again.
    fn apply(&self, write: &FieldWrite<'_>, live: Option<&Value>, patch: &Value, force: bool) -> Result<Value, ApiError>;
    /// Records what any other write changed: updates `new.metadata.managedFields`. Never fails: what cannot be tracked is left as it was.
    fn track(&self, write: &FieldWrite<'_>, live: Option<&Value>, new: &mut Value);
}

/// Who writes what, for [`FieldManager`].
pub struct FieldWrite<'a> {
    /// Row of the resource; its `schema` has the types.
    pub resource: &'a Resource,
    /// Manager's name.
    pub manager: &'a str,
    /// Subresource, or empty.
    pub subresource: &'a str,
    /// Time for the entry, whole seconds in RFC 3339.
    pub now: &'a str,
}

/// Answers paths that name no resource: discovery, OpenAPI.
pub trait PathHandler: Send + Sync {
    /// The answer, or `None` when the path is not this handler's.
    fn handle<'a>(
        &'a self,
        core: &'a Arc<Core>,
        context: &'a RequestContext,
        request: &'a Request<Bytes>,
    ) -> BoxFuture<'a, Option<Result<Response<Body>, ApiError>>>;
}

/// Run once after the server's start, in order: writes the objects that must exist. `/readyz` waits for them.
pub type PostStartHook = fn(Arc<Core>) -> BoxFuture<'static, ()>;

/// Everything that can be exchanged.
#[derive(Clone)]
pub struct Plugins {
    /// Who asks.
    pub authenticator: Arc<dyn Authenticator>,
    /// May they.
    pub authorizer: Arc<dyn Authorizer>,
    /// Admission chain.
    pub admission: Arc<dyn Admission>,
    /// Apply and managed fields.
    pub fields: Arc<dyn FieldManager>,
    /// Handlers of other paths, asked in order.
    pub paths: Vec<Arc<dyn PathHandler>>,
    /// Post-start hooks.
    pub post_start: Vec<PostStartHook>,
}

impl Plugins {
    /// Everybody is an administrator, nothing is admitted or refused, no apply: for tests of the verbs alone.
    pub fn permissive() -> Self {
        Self {
            authenticator: Arc::new(AllowAll),
            authorizer: Arc::new(AllowAll),
            admission: Arc::new(NoAdmission),
            fields: Arc::new(NoFieldManager),
            paths: Vec::new(),
            post_start: Vec::new(),
        }
    }
}

/// Takes everybody for `system:admin` of `system:masters` and allows everything.
pub struct AllowAll;

impl Authenticator for AllowAll {
    fn authenticate<'a>(&'a self, _: &'a Arc<Core>, _: &'a Parts, _: &'a Peer) -> BoxFuture<'a, Result<UserInfo, ApiError>> {
        let groups = vec!["system:masters".to_owned(), "system:authenticated".to_owned()];
        Box::pin(std::future::ready(Ok(UserInfo { name: "system:admin".into(), groups, ..UserInfo::default() })))
    }
}

impl Authorizer for AllowAll {
    fn authorize<'a>(&'a self, _: &'a Arc<Core>, _: &'a UserInfo, _: &'a RequestInfo) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Admits everything unchanged.
pub struct NoAdmission;

impl Admission for NoAdmission {
    fn mutate<'a>(&'a self, _: &'a AdmissionCall<'a>, _: &'a mut Value) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn validate<'a>(&'a self, _: &'a AdmissionCall<'a>, _: Option<&'a Value>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Tracks nothing and refuses apply.
pub struct NoFieldManager;

impl FieldManager for NoFieldManager {
    fn apply(&self, _: &FieldWrite<'_>, _: Option<&Value>, _: &Value, _: bool) -> Result<Value, ApiError> {
        Err(ApiError::unsupported_patch())
    }

    fn track(&self, _: &FieldWrite<'_>, _: Option<&Value>, _: &mut Value) {}
}
