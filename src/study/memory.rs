//! What is still known, and when to ask again: FSRS, by the crate of its authors.

use fsrs::{FSRS, FSRSItem, FSRSReview, MemoryState};

use super::rating::rate;
use crate::model::{Rating, Try};

/// Share of what is due that should still be known: higher means more reviews.
const RETENTION: f32 = 0.9;
const DAY: i64 = 24 * 3600;
/// Nothing is put off for longer: who prepares for an exam will have taken it.
const LONGEST: f32 = 180.0;

/// How well something is remembered after its tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// When it was tried last, in seconds since 1970.
    pub last: i64,
    /// When it is due again.
    pub due: i64,
    /// The last rating.
    pub rating: Rating,
    /// Days after which nine of ten are still remembered.
    pub stability: f32,
    /// How often it was tried.
    pub tries: usize,
}

impl Memory {
    /// Whether it is due.
    pub fn is_due(&self, now: i64) -> bool {
        self.due <= now
    }

    /// The chance that it is still known, from 0 to 1.
    pub fn recall(&self, now: i64) -> f32 {
        // The forgetting curve asks for the stability only.
        let state = MemoryState { stability: self.stability, difficulty: 5.0 };
        let days = (now - self.last).max(0) as f32 / DAY as f32;
        fsrs::current_retrievability(state, days, fsrs::FSRS6_DEFAULT_DECAY)
    }
}

/// Turns tries into memories, with the published parameters, which fit the average learner: fitting them to one needs hundreds of reviews
/// over months.
#[derive(Default)]
pub struct Scheduler {
    fsrs: FSRS,
}

impl Scheduler {
    /// What is remembered after `tries`, the earliest first; nothing if none of them says anything.
    pub fn memory(&self, tries: &[Try]) -> Option<Memory> {
        let mut reviews = Vec::with_capacity(tries.len());
        let mut latest: Option<(i64, Rating)> = None;
        for (at, rating) in tries.iter().filter_map(|one| Some((one.at, rate(one)?))) {
            // Whole days, to the nearest: an evening and the next morning are a day apart.
            let days = latest.map_or(0, |(before, _)| ((at - before).max(0) + DAY / 2) / DAY);
            reviews.push(FSRSReview { rating: rating.number().into(), delta_t: u32::try_from(days).unwrap_or(u32::MAX) });
            latest = Some((at, rating));
        }
        let (last, rating) = latest?;
        let count = reviews.len();
        let state = self.fsrs.memory_state(FSRSItem { reviews }, None).ok()?;
        let days = self.fsrs.next_interval(Some(state.stability), RETENTION, rating.number().into()).clamp(0.0, LONGEST);
        Some(Memory { last, due: last + (days * DAY as f32) as i64, rating, stability: state.stability, tries: count })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rating::tests::a_try;
    use super::*;

    fn days(memory: Memory) -> i64 {
        (memory.due - memory.last) / DAY
    }

    #[test]
    fn what_is_known_comes_back_later_each_time_and_what_is_not_within_the_day() {
        let scheduler = Scheduler::default();
        let mut tries = vec![a_try(0, 100)];
        let mut before = 0;
        for _ in 0..3 {
            let memory = scheduler.memory(&tries).unwrap();
            assert!(days(memory) > before, "{memory:?} after {before} days");
            assert!((memory.recall(memory.due) - RETENTION).abs() < 0.01);
            assert!(!memory.is_due(memory.due - 1) && memory.is_due(memory.due));
            before = days(memory);
            tries.push(a_try(memory.due, 100));
        }
        assert!(before > 30, "{before}");
        tries.push(a_try(tries[tries.len() - 1].at + DAY, 0));
        let forgotten = scheduler.memory(&tries).unwrap();
        assert!(days(forgotten) < before / 2, "{forgotten:?}");
        assert_eq!(days(scheduler.memory(&[a_try(0, 0)]).unwrap()), 0);
        assert!(days(scheduler.memory(&[a_try(0, 80)]).unwrap()) < days(scheduler.memory(&[a_try(0, 100)]).unwrap()));
    }

    #[test]
    fn tries_that_say_nothing_leave_no_memory_and_wrong_clocks_do_no_harm() {
        let scheduler = Scheduler::default();
        assert_eq!(scheduler.memory(&[]), None);
        let unrated = Try { last: Default::default(), ..a_try(5, 0) };
        assert_eq!(scheduler.memory(&[unrated]), None);
        assert_eq!(scheduler.memory(&[a_try(5, 100), unrated]).unwrap().tries, 1);
        let odd = scheduler.memory(&[a_try(DAY * 9, 100), a_try(0, 100), a_try(i64::MAX / 4, 100)]).unwrap();
        assert!(odd.stability.is_finite() && odd.recall(0) <= 1.0);
    }
}
