//! Zones: how fast nodes may be tainted for eviction, so that a failure of the control plane's network does not empty the cluster.

use imbl::OrdMap;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use serde::{Deserialize, Serialize};

use crate::machinery::Meta;
use crate::options::ControllerManagerOptions;

/// How much of a zone is down (`Controller.ComputeZoneState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZoneState {
    /// Not looked at yet.
    #[default]
    Initial,
    /// Most nodes are ready.
    Normal,
    /// More than two nodes and more than the threshold are not ready.
    PartialDisruption,
    /// No node is ready.
    FullDisruption,
}

/// A zone and its rate limiter: a bucket that holds one token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// State at the last look.
    pub state: ZoneState,
    /// Tokens a second.
    pub rate: f64,
    /// Tokens at `at`.
    pub tokens: f64,
    /// When the bucket was last used.
    pub at: Timestamp,
    /// Nodes that wait for their taint, by the time they came.
    pub waiting: OrdMap<String, Timestamp>,
}

impl Zone {
    /// A zone just discovered.
    pub fn new(rate: f64, now: Timestamp) -> Self {
        Self { state: ZoneState::Initial, rate, tokens: 1.0, at: now, waiting: OrdMap::new() }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }

    fn refill(&mut self, now: Timestamp) {
        let elapsed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * self.rate).min(1.0);
        self.at = now;
    }

    /// Changes the rate (`RateLimitedTimedQueue.SwapLimiter`): zero stops, and a new limiter starts with a full bucket
    /// unless the old one was empty.
    pub fn set_rate(&mut self, rate: f64, now: Timestamp) {
        if (self.rate - rate).abs() < f64::EPSILON {
            return;
        }
        self.refill(now);
        self.tokens = if rate > 0.0 && self.tokens >= 1.0 { 1.0 } else { 0.0 };
        self.rate = rate;
    }

    /// The node that waits longest.
    pub fn first(&self) -> Option<String> {
        self.waiting.iter().min_by_key(|(name, at)| (**at, (*name).clone())).map(|(name, _)| name.clone())
    }
}

/// `nodetopology.GetZoneKey`.
pub fn zone_of(node: &Node) -> String {
    let label = |stable: &str, beta: &str| node.label(stable).or_else(|| node.label(beta)).unwrap_or_default().to_owned();
    let region = label("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region");
    let zone = label("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
    if region.is_empty() && zone.is_empty() { String::new() } else { format!("{region}:\u{0}:{zone}") }
}

/// The state of a zone with so many nodes ready and not.
pub fn state_of(ready: usize, not_ready: usize, threshold: f64) -> ZoneState {
    #[allow(clippy::cast_precision_loss)] // numbers of nodes
    let share = not_ready as f64 / (ready + not_ready).max(1) as f64;
    match (ready, not_ready) {
        (0, 1..) => ZoneState::FullDisruption,
        (_, 3..) if share >= threshold => ZoneState::PartialDisruption,
        _ => ZoneState::Normal,
    }
}

/// Tokens a second in a state (`setLimiterInZone`).
pub fn rate_of(state: ZoneState, size: usize, options: &ControllerManagerOptions) -> f64 {
    match state {
        ZoneState::PartialDisruption if size > options.large_cluster_size_threshold => options.secondary_node_eviction_rate,
        ZoneState::PartialDisruption => 0.0,
        _ => options.node_eviction_rate,
    }
}

#[cfg(test)]
mod tests {
    use super::{Zone, ZoneState, state_of};
    use jiff::{Timestamp, ToSpan};

    #[test]
    fn states_follow_the_number_of_nodes_that_are_ready() {
        let cases = [
            (0, 0, ZoneState::Normal),
            (0, 1, ZoneState::FullDisruption),
            (1, 2, ZoneState::Normal),
            (2, 3, ZoneState::PartialDisruption),
            (4, 3, ZoneState::Normal),
        ];
        for (ready, not_ready, expected) in cases {
            assert_eq!(state_of(ready, not_ready, 0.55), expected, "{ready} {not_ready}");
        }
    }

    #[test]
    fn one_node_every_ten_seconds() {
        let start = Timestamp::UNIX_EPOCH;
        let mut zone = Zone::new(0.1, start);
        assert!(zone.take(start));
        assert!(!zone.take(start + 5.seconds()));
        assert!(zone.take(start + 10.seconds()));
        zone.set_rate(0.0, start + 20.seconds());
        assert!(!zone.take(start + 90.seconds()));
    }
}
