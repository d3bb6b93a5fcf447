//! Running solutions, step by step, as a candidate would.

use super::error::RunError;
use super::event::{Event, Sink};
use super::script;
use crate::backend::{Environment, Output};
use crate::content::{Instance, ScriptStep};

/// Runs the reference solution; every step must end well.
pub async fn solve(environment: &Environment, instance: &Instance, events: Sink<'_>) -> Result<(), RunError> {
    let steps = instance.solution()?;
    for (step, output) in run_steps(environment, &steps, events).await? {
        if !output.success() {
            return Err(RunError::Script { script: step.run, status: output.status, stderr: output.stderr });
        }
    }
    Ok(())
}

/// Runs filled-in steps one after the other, whatever they end with.
pub async fn run_steps(environment: &Environment, steps: &[ScriptStep], events: Sink<'_>) -> Result<Vec<(ScriptStep, Output)>, RunError> {
    let mut outputs = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        events(Event::Step { number: index + 1, of: steps.len(), node: step.node.clone(), run: step.run.clone(), why: step.why.clone() });
        let output = script::run(environment, step).await?;
        events(Event::Output { stdout: output.stdout.clone(), stderr: output.stderr.clone(), status: output.status });
        outputs.push((step.clone(), output));
    }
    Ok(outputs)
}
