//! The one time of a simulation: tokio's time, shifted to a calendar.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Calendar time inside a simulation.
///
/// It reads tokio's clock, so it runs, pauses and jumps with the runtime that the simulation lives on: sleeping with
/// `tokio::time::sleep` and reading `now()` always agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    start: Timestamp,
}

impl Clock {
    /// A clock that shows `start` at this moment. Must be called on the simulation's runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { origin: Instant::now(), start }
    }

    /// The present simulated moment.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Whole seconds only, as `metadata.creationTimestamp` and most Kubernetes times have them.
    pub fn now_seconds(&self) -> Timestamp {
        Timestamp::from_second(self.now().as_second()).unwrap_or(Timestamp::MAX)
    }

    /// How long ago `moment` was; zero when it lies in the future.
    pub fn since(&self, moment: Timestamp) -> Duration {
        Duration::try_from(self.now().duration_since(moment)).unwrap_or(Duration::ZERO)
    }

    /// The instant, for tokio's timers, at which this clock will show `moment` (now, if it has passed).
    pub fn instant_at(&self, moment: Timestamp) -> Instant {
        Instant::now() + Duration::try_from(moment.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}
