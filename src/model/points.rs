//! Points and what they add up to.

use std::iter::Sum;
use std::ops::Add;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Points of a check, or a sum of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Points(pub u32);

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self(0), Add::add)
    }
}

/// Points earned out of those that could be earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Earned.
    pub earned: Points,
    /// The most that can be earned.
    pub maximum: Points,
}

impl Score {
    /// Whether every point was earned. Nothing out of nothing is not full.
    pub fn is_full(self) -> bool {
        self.maximum.0 > 0 && self.earned >= self.maximum
    }

    /// Share earned in percent, rounded down: 99.6 % is not a hundred.
    pub fn percent(self) -> u32 {
        if self.maximum.0 == 0 { 0 } else { u32::try_from(u64::from(self.earned.0) * 100 / u64::from(self.maximum.0)).unwrap_or(100) }
    }
}

impl Add for Score {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { earned: self.earned + other.earned, maximum: self.maximum + other.maximum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_down_and_nothing_is_not_full() {
        let score = |earned, maximum| Score { earned: Points(earned), maximum: Points(maximum) };
        assert_eq!(score(2, 3).percent(), 66);
        assert_eq!(score(8, 8).percent(), 100);
        assert!(score(8, 8).is_full());
        assert!(!score(0, 0).is_full());
        assert_eq!(score(u32::MAX, u32::MAX).percent(), 100);
        assert_eq!(score(1, 2) + score(3, 4), score(4, 6));
    }
}
