//! What a run tells while it goes on. Learners may see all of it, so nothing here names a fault.

use serde::Serialize;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A setup step begins.
    SetupStep {
        /// Number, from 1.
        number: usize,
        /// Of how many.
        of: usize,
    },
    /// An object was applied.
    Applied {
        /// `Deployment shop/web`.
        object: String,
    },
    /// Workloads did not become available in time; the exercise may mean it so.
    Unsettled {
        /// Which.
        objects: Vec<String>,
    },
    /// The setup is done: the cluster can be handed over.
    Ready,
    /// Time must pass in the cluster that the learner uses.
    Waiting {
        /// At most so many seconds.
        seconds: u32,
    },
    /// A step of a solution begins.
    Step {
        /// Number, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// Where: a node, or none for the candidate's shell.
        node: Option<String>,
        /// The commands.
        run: String,
        /// Why.
        why: Option<String>,
    },
    /// What the step said.
    Output {
        /// Standard output.
        stdout: String,
        /// Standard error.
        stderr: String,
        /// Exit status.
        status: i32,
    },
}

/// Where events go.
pub type Sink<'a> = &'a mut (dyn FnMut(Event) + Send);
