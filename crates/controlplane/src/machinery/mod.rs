//! What every controller stands on: informers, work queues, an event recorder, leader election.

pub mod claim;
pub mod discovery;
pub mod election;
pub mod errors;
pub mod events;
pub mod hash;
pub mod history;
pub mod informer;
pub mod informers;
pub mod kit;
pub mod object;
pub mod placement;
pub mod pods;
pub mod queue;
pub mod rest;
pub mod series;
pub mod volume_match;

pub use errors::{Failure, Outcome};
pub use events::Recorder;
pub use informer::{Change, Informer};
pub use informers::Informers;
pub use kit::{Kit, Spawner};
pub use object::{Meta, Object, split_key};
pub use queue::Queue;
pub use rest::Rest;
