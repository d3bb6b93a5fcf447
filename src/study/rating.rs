//! How well a try went, as far as a machine can tell.

use crate::model::{PASS_PERCENT, Rating, Try};

/// Full, unaided and in budget is good; anything else from the pass mark up is hard; below it, or with the solution seen, again. What no
/// machine graded has the learner's own rating, or none: then it says nothing.
pub fn rate(one: &Try) -> Option<Rating> {
    if one.own.is_some() {
        return one.own;
    }
    if one.last.maximum.0 == 0 {
        return None;
    }
    let unaided = one.hints == 0 && !one.assisted;
    let in_budget = one.budget.is_none_or(|budget| one.seconds <= budget);
    Some(if one.assisted || one.last.percent() < PASS_PERCENT {
        Rating::Again
    } else if one.last.is_full() && unaided && in_budget {
        Rating::Good
    } else {
        Rating::Hard
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Points, Score};

    /// A try at a second, with its percentage, in budget and unaided.
    pub fn a_try(at: i64, percent: u32) -> Try {
        let score = Score { earned: Points(percent), maximum: Points(100) };
        Try { at, seconds: 60, budget: Some(60), first: score, last: score, hints: 0, assisted: false, own: None }
    }

    #[test]
    fn ratings_are_what_a_machine_can_tell() {
        for (one, want) in [
            (a_try(0, 100), Some(Rating::Good)),
            (a_try(0, 99), Some(Rating::Hard)),
            (a_try(0, 66), Some(Rating::Hard)),
            (a_try(0, 65), Some(Rating::Again)),
            (Try { hints: 1, ..a_try(0, 100) }, Some(Rating::Hard)),
            (Try { seconds: 61, ..a_try(0, 100) }, Some(Rating::Hard)),
            (Try { seconds: 61, budget: None, ..a_try(0, 100) }, Some(Rating::Good)),
            (Try { assisted: true, ..a_try(0, 100) }, Some(Rating::Again)),
            (Try { own: Some(Rating::Easy), last: Score::default(), ..a_try(0, 0) }, Some(Rating::Easy)),
            (Try { last: Score::default(), ..a_try(0, 0) }, None),
        ] {
            assert_eq!(rate(&one), want, "{one:?}");
        }
    }
}
