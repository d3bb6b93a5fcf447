//! Failures of a reconciliation, and the texts that upstream gives them.

use component::RequestError;

/// Why a key could not be brought into its wanted state this time.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The API server refused, or could not be reached.
    #[error("{}", text(.0))]
    Api(#[from] kube::Error),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Result of one reconciliation.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What client-go would print for this error.
pub fn text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => RequestError::of(other).map_or_else(|| other.to_string(), ToString::to_string),
    }
}

/// HTTP status code of an answer; zero when there was none.
pub fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

/// The `reason` of the status in an answer.
pub fn reason(error: &kube::Error) -> &str {
    match error {
        kube::Error::Api(status) => &status.reason,
        _ => "",
    }
}

/// 404.
pub fn not_found(error: &kube::Error) -> bool {
    code(error) == 404
}

/// 409 because the object changed.
pub fn conflict(error: &kube::Error) -> bool {
    code(error) == 409 && reason(error) != "AlreadyExists"
}

/// 409 because the name is taken.
pub fn already_exists(error: &kube::Error) -> bool {
    code(error) == 409 && reason(error) == "AlreadyExists"
}

/// 403 because the namespace is going away (`NamespaceTerminating` cause).
pub fn namespace_terminating(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            status.code == 403 && status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == "NamespaceTerminating"))
        }
        _ => false,
    }
}

impl Failure {
    /// Whether the object changed under our hands: try again with the newer one.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(error) if conflict(error))
    }
}

/// Turns "it is not there" into `None`.
pub fn optional<T>(result: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
