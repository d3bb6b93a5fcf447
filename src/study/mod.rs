//! What to practise next: pure, from the history alone; the present moment is passed in.
//!
//! Everything that can be learnt is a [`material`]: a question, or one variant of a scenario. Each try at it gets a [`rating`], and from its
//! ratings [`memory`] follows: when it is due again. [`plan`] fills a session with it, [`progress`] says how ready the learner is,
//! [`suggest`] names the next command. Nothing of this is stored: it follows from the attempts, so merging two histories is all that two
//! machines need.

pub mod material;
pub mod memory;
pub mod plan;
pub mod progress;
pub mod rating;
pub mod suggest;

pub use material::{Form, Material, Standing, standings};
pub use memory::{Memory, Scheduler};
pub use plan::{Plan, Planned, Why, plan};
pub use progress::{Progress, Readiness, progress};
pub use rating::rate;
pub use suggest::{Activity, Past, Suggestion, suggest};
