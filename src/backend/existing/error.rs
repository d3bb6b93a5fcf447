//! What can be wrong with a cluster that somebody else runs.

use super::guard::LooksLikeProduction;
use super::kubeconfig::ContextError;
use super::plan::{PREFIX, PlanError};

/// A cluster that cannot be practised on.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    /// Its kubeconfig.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// It looks like production.
    #[error(transparent)]
    Production(#[from] LooksLikeProduction),
    /// The pattern of what looks like production.
    #[error("--production-pattern is not a regular expression: {0}")]
    Pattern(#[from] regex::Error),
    /// It does not answer.
    #[error("the cluster of the context {context:?} cannot be asked: {source}")]
    Api {
        /// The context.
        context: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// The user lacks rights.
    #[error("the user of the context {context:?} may not: {}", .missing.join(", "))]
    Rights {
        /// The context.
        context: String,
        /// `verb resource.group`.
        missing: Vec<String>,
    },
    /// The scenario does not belong there.
    #[error("this scenario cannot be run on an existing cluster: {0}")]
    Plan(#[from] PlanError),
    /// Its namespaces are there already.
    #[error("the namespaces {} are there already", .0.join(", "))]
    Taken(Vec<String>),
}

impl ExistingError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Context(ContextError::NoContext { known, .. }) => Some(format!("contexts: {}", known.join(", "))),
            Self::Context(ContextError::Way { .. }) => {
                Some("use a context with a certificate or a token; `ckaprep backend permissions` prints what it needs".into())
            }
            Self::Production(_) => Some("use a cluster for practice; --production-pattern says what counts as production".into()),
            Self::Rights { .. } => {
                Some("`ckaprep backend permissions | kubectl apply -f -` gives them, once your user's name is in it".into())
            }
            Self::Plan(_) => Some("leave out --backend: the embedded cluster can run every scenario".into()),
            Self::Taken(_) => Some(format!(
                "another session uses them, or one that crashed left them: `kubectl get ns -l ckaprep.dev/session` shows whose; names begin with {PREFIX:?}"
            )),
            Self::Context(_) | Self::Pattern(_) | Self::Api { .. } => None,
        }
    }

    /// Whether the command line is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Context(ContextError::NoContext { .. }) | Self::Pattern(_) | Self::Production(_) | Self::Plan(_))
    }
}
