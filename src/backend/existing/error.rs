//! What can be wrong with a cluster that somebody else runs.

use super::credentials::CarryError;
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
    #[error("the cluster of the context {context:?} cannot be asked: {}", with_cause(.source))]
    Api {
        /// The context.
        context: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// The user lacks rights.
    #[error("the user of the context {context:?} may not: {}", shortened(.missing))]
    Rights {
        /// The context.
        context: String,
        /// `resource.group (verb, verb)`.
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
            Self::Context(ContextError::Carry { source: CarryError::Way(_), .. }) => Some(
                "give practice a user of its own: `ckaprep backend permissions --service-account NAMESPACE/NAME` prints one with its rights, \
                 and how to make a kubeconfig of it"
                    .into(),
            ),
            Self::Context(ContextError::Carry { source: CarryError::Connection(_), .. }) => Some(
                "use a context that reaches the server itself and has its certificate authority; none is needed where a public one signed".into(),
            ),
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

/// An error of the client with what caused it in the end: `client error (Connect)` alone tells nobody anything.
fn with_cause(error: &kube::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(deeper) = last.source() {
        last = deeper;
    }
    let (outer, inner) = (error.to_string(), last.to_string());
    if outer.contains(&inner) { outer } else { format!("{outer}: {inner}") }
}

/// The first of a list that may be long, and how many more there are.
fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = list.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if list.len() > SHOWN {
        text.push_str(&format!(" and {} more", list.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_rights_are_shortened() {
        let missing = |count: usize| (0..count).map(|n| format!("r{n} (get)")).collect::<Vec<_>>();
        assert_eq!(shortened(&missing(2)), "r0 (get), r1 (get)");
        assert!(shortened(&missing(8)).ends_with("r5 (get) and 2 more"), "{}", shortened(&missing(8)));
    }
}
