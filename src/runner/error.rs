//! Why a run could not go on.

use crate::backend::{AccessError, ForkError};
use crate::content::InstanceError;
use crate::content::template::TemplateError;
use crate::observe::rest::RestError;

/// Why a run could not go on. A wrong answer is none of these: that is a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The content cannot be filled in.
    #[error(transparent)]
    Content(#[from] InstanceError),
    /// A manifest is not YAML.
    #[error("the manifest {file} is wrong in line {line}: {message}")]
    Manifest {
        /// File, or `setup`.
        file: String,
        /// Line, 0 when unknown.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The API server refused an object of the setup.
    #[error("cannot apply {object}")]
    Apply {
        /// `Deployment shop/web`.
        object: String,
        /// Why.
        source: RestError,
    },
    /// A value could not be captured.
    #[error("cannot capture `{name}`: {reason}")]
    Capture {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A fault never showed, or what a setup waits for never came.
    #[error("{what} did not show within {seconds} s: {actual}")]
    NotVisible {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u32,
        /// What was there instead.
        actual: String,
    },
    /// A node action does not fit.
    #[error("{action} on {node}: {reason}")]
    Action {
        /// What was to be done.
        action: String,
        /// Where.
        node: String,
        /// Why not.
        reason: String,
    },
    /// A script that must end well did not.
    #[error("the script failed with status {status}: {stderr}\n{script}")]
    Script {
        /// The script.
        script: String,
        /// Exit status.
        status: i32,
        /// What it said.
        stderr: String,
    },
    /// A node or shell could not be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A fork could not be used.
    #[error(transparent)]
    Fork(#[from] ForkError),
}

impl RunError {
    /// Whether the content is to blame rather than the environment.
    pub fn is_content(&self) -> bool {
        match self {
            Self::Content(_) | Self::Manifest { .. } | Self::NotVisible { .. } | Self::Action { .. } | Self::Script { .. } => true,
            Self::Capture { .. } => true,
            Self::Apply { source, .. } => matches!(source, RestError::Refused { code: 400 | 422, .. }),
            Self::Access(_) | Self::Fork(_) => false,
        }
    }
}

impl From<TemplateError> for RunError {
    fn from(error: TemplateError) -> Self {
        Self::Content(error.into())
    }
}
