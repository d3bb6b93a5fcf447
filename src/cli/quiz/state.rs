//! What a quiz run is. Pure values and transitions; the flow stores them after every change, so a killed run resumes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::Score;

/// When answers are explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Feedback {
    /// After each answer.
    #[default]
    Each,
    /// All at the end, as in the exam.
    End,
}

/// A drawn question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// Unique in the run: the id, with a number when the question comes again.
    pub key: String,
    /// Its id.
    pub id: String,
    /// Domain that it counts for.
    pub domain: String,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// As typed: letters, a line, or the commands.
    pub answer: String,
    /// Score of the first answer.
    pub first: Score,
    /// Score of the latest.
    pub score: Score,
    /// When the question was first shown.
    pub shown: Timestamp,
    /// Time spent on it.
    pub seconds: u64,
}

/// A command question that was begun and not finished. Its cluster lives only as long as the process that asks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// The question's key.
    pub key: String,
    /// Commands that were run on its cluster.
    pub typed: Vec<String>,
}

/// A quiz run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The exam.
    pub exam: String,
    /// Seed that was given.
    pub seed: Option<u64>,
    /// When answers are explained.
    pub feedback: Feedback,
    /// Limit.
    pub minutes: Option<u32>,
    /// Time that earlier sittings took.
    pub spent_seconds: u64,
    /// What was drawn, in order.
    pub drawn: Vec<Drawn>,
    /// Answers by key.
    pub given: BTreeMap<String, Given>,
    /// Keys of flagged questions.
    pub flagged: BTreeSet<String>,
    /// Keys of skipped questions, in the order in which they come again.
    pub skipped: Vec<String>,
    /// Seed of the clusters where none was given.
    #[serde(default)]
    pub own_seed: u64,
    /// The command question that is under way.
    #[serde(default)]
    pub begun: Option<Begun>,
}

impl State {
    /// The next question: first those not seen yet, then the skipped ones. With its number, from 1.
    pub fn next(&self) -> Option<(usize, &Drawn)> {
        let open = |drawn: &&Drawn| !self.given.contains_key(&drawn.key);
        let fresh = self.drawn.iter().find(|d| open(d) && !self.skipped.contains(&d.key));
        let again = || self.skipped.iter().find_map(|key| self.drawn.iter().find(|d| d.key == *key && open(d)));
        fresh.or_else(again).map(|drawn| (self.number(&drawn.key), drawn))
    }

    /// Number of a question in the draw, from 1.
    pub fn number(&self, key: &str) -> usize {
        self.drawn.iter().position(|d| d.key == key).map_or(0, |at| at + 1)
    }

    /// Seed of the clusters of command questions.
    pub fn lab_seed(&self) -> u64 {
        self.seed.unwrap_or(self.own_seed)
    }

    /// A command question begins. What was run on an earlier cluster of it, if it was begun before.
    pub fn begin(&mut self, key: &str) -> Option<Vec<String>> {
        let before = self.begun.take().filter(|begun| begun.key == key).map(|begun| begun.typed);
        self.begun = Some(Begun { key: key.to_owned(), typed: Vec::new() });
        before
    }

    /// A command was run for the question that is under way.
    pub fn typed(&mut self, command: &str) {
        if let Some(begun) = &mut self.begun {
            begun.typed.push(command.to_owned());
        }
    }

    /// How many are answered.
    pub fn answered(&self) -> usize {
        self.given.len()
    }

    /// Puts a question behind all others.
    pub fn skip(&mut self, key: &str) {
        self.skipped.retain(|s| s != key);
        self.begun = None;
        self.skipped.push(key.to_owned());
    }

    /// Flags a question, or takes the flag away. Whether it is flagged now.
    pub fn flag(&mut self, key: &str) -> bool {
        if !self.flagged.remove(key) {
            self.flagged.insert(key.to_owned());
        }
        self.flagged.contains(key)
    }

    /// Takes an answer. A second answer to a question changes its score and keeps the first one's.
    pub fn answer(&mut self, key: &str, answer: String, score: Score, shown: Timestamp, seconds: u64) -> &Given {
        self.skipped.retain(|s| s != key);
        self.begun = None;
        let before = self.given.get(key).cloned();
        let given = Given {
            answer,
            first: before.as_ref().map_or(score, |b| b.first),
            score,
            shown: before.as_ref().map_or(shown, |b| b.shown),
            seconds: before.as_ref().map_or(0, |b| b.seconds) + seconds,
        };
        self.given.entry(key.to_owned()).insert_entry(given).into_mut()
    }

    /// Seconds left of the limit after `sitting` seconds of this sitting.
    pub fn left(&self, sitting: u64) -> Option<u64> {
        self.minutes.map(|minutes| (u64::from(minutes) * 60).saturating_sub(self.spent_seconds + sitting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Points;

    fn state(ids: &[&str]) -> State {
        State {
            exam: "cka".into(),
            seed: None,
            feedback: Feedback::Each,
            minutes: Some(1),
            spent_seconds: 0,
            drawn: ids.iter().map(|id| Drawn { key: (*id).into(), id: (*id).into(), domain: "d".into() }).collect(),
            given: BTreeMap::new(),
            flagged: BTreeSet::new(),
            skipped: Vec::new(),
            own_seed: 5,
            begun: None,
        }
    }

    fn score(earned: u32) -> Score {
        Score { earned: Points(earned), maximum: Points(1) }
    }

    #[test]
    fn skipped_questions_come_again_after_the_others() {
        let mut state = state(&["a", "b", "c"]);
        let next = |s: &State| s.next().map(|(n, d)| (n, d.id.clone()));
        state.skip("a");
        assert_eq!(next(&state), Some((2, "b".into())));
        state.answer("b", "x".into(), score(1), Timestamp::UNIX_EPOCH, 3);
        state.skip("c");
        assert_eq!(next(&state), Some((1, "a".into())));
        state.skip("a");
        assert_eq!(next(&state), Some((3, "c".into())));
        for id in ["a", "c"] {
            state.answer(id, "x".into(), score(1), Timestamp::UNIX_EPOCH, 3);
        }
        assert_eq!(next(&state), None);
    }

    #[test]
    fn a_second_answer_counts_and_the_first_is_remembered() {
        let mut state = state(&["a"]);
        state.answer("a", "x".into(), score(0), Timestamp::UNIX_EPOCH, 3);
        let given = state.answer("a", "y".into(), score(1), Timestamp::UNIX_EPOCH, 4).clone();
        assert_eq!((given.first, given.score, given.seconds), (score(0), score(1), 7));
    }

    #[test]
    fn time_runs_over_all_sittings() {
        let mut state = state(&["a"]);
        state.spent_seconds = 50;
        assert_eq!((state.left(0), state.left(5), state.left(20)), (Some(10), Some(5), Some(0)));
    }

    #[test]
    fn a_command_question_that_was_cut_short_is_known_until_it_is_answered_or_skipped() {
        let mut state = state(&["a", "b"]);
        assert_eq!(state.begin("a"), None);
        state.typed("k get no");
        assert_eq!(state.begin("b"), None, "another question's commands are not its own");
        state.typed("k get po");
        assert_eq!(state.begin("b"), Some(vec!["k get po".to_owned()]));
        state.skip("b");
        assert_eq!(state.begin("b"), None);
        state.answer("b", "x".into(), score(1), Timestamp::UNIX_EPOCH, 1);
        assert_eq!(state.begun, None);
        assert_eq!((state.lab_seed(), State { seed: Some(0), ..state }.lab_seed()), (5, 0));
    }

    #[test]
    fn a_state_of_an_older_version_resumes() {
        let mut value = serde_json::to_value(state(&["a"])).unwrap();
        value.as_object_mut().unwrap().retain(|key, _| key != "ownSeed" && key != "begun");
        assert!(serde_json::from_value::<State>(value).unwrap().begun.is_none());
    }

    #[test]
    fn a_state_survives_its_json() {
        let mut state = state(&["a"]);
        state.flag("a");
        state.answer("a", "x".into(), score(0), Timestamp::UNIX_EPOCH, 3);
        let back: State = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        assert_eq!(back, state);
    }
}
