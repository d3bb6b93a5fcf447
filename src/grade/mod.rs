//! Checks, and what they come to. Pure: a check names the facts it needs, judges a snapshot of them, and never talks to a cluster.
//!
//! [`spec`] is what authors write; `checks/` has one file per check; [`fact`] and [`snapshot`] are what is known about a cluster;
//! [`evaluate`](evaluate::evaluate) turns a snapshot into a [`Report`].

pub mod checks;
pub mod compare;
pub mod evaluate;
pub mod expression;
pub mod fact;
pub mod judge;
pub mod mutate;
pub mod number;
pub mod report;
pub mod resource;
pub mod snapshot;
pub mod spec;
pub mod target;
#[cfg(test)]
mod testing;
pub mod text;

pub use evaluate::evaluate;
pub use fact::{Access, Fact, PodRef};
pub use judge::{Judge, Judgement, Scope};
pub use number::Number;
pub use report::{CheckResult, GateResult, Outcome, Report};
pub use resource::ResourceRef;
pub use snapshot::{Observation, Snapshot};
pub use spec::{Check, Expect, Gate};
