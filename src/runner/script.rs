//! Running script steps: in the candidate's shell, or on a node.

use crate::backend::{AccessError, Environment, Output};
use crate::content::step::{Place, ScriptStep};

/// Runs one filled-in step to its end.
pub async fn run(environment: &Environment, step: &ScriptStep) -> Result<Output, AccessError> {
    match step.on {
        Place::Shell => environment.shell.run(&step.run, "").await,
        Place::Node => {
            let node = step.node.as_deref().unwrap_or_default();
            environment.nodes.run(node, &step.run, "").await
        }
    }
}
