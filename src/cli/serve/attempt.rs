//! What a session remembers of the learner, beside the cluster. Written after every change, so that a killed session
//! comes back with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::content::InstanceRecord;
use crate::model::Score;
use crate::session::shell::commands::Typed;
use crate::session::{Folder, SessionError};

/// One attempt at the session's scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attempt {
    /// The variant, by value.
    pub instance: InstanceRecord,
    /// When the learner got the cluster.
    pub started: Timestamp,
    /// Seconds spent before this process; time asleep does not count.
    pub before_seconds: u64,
    /// Since when the clock runs in this process.
    pub running_since: Timestamp,
    /// Score of the first check.
    pub first: Option<Score>,
    /// Hints shown.
    pub hints: u32,
    /// Checks with evidence; each counts as a hint.
    pub whys: u32,
    /// The solution was looked at.
    pub assisted: bool,
    /// The attempt is in the history.
    pub recorded: bool,
    /// What was typed on nodes.
    pub commands: Vec<Typed>,
}

impl Attempt {
    /// A new attempt.
    pub fn new(instance: InstanceRecord, now: Timestamp) -> Self {
        Self {
            instance,
            started: now,
            before_seconds: 0,
            running_since: now,
            first: None,
            hints: 0,
            whys: 0,
            assisted: false,
            recorded: false,
            commands: Vec::new(),
        }
    }

    /// The same variant from its beginning. The clock starts again; what the learner has seen of it stays seen.
    pub fn anew(&self, instance: InstanceRecord, now: Timestamp) -> Self {
        let first = if self.recorded { None } else { self.first };
        Self { first, hints: self.hints, whys: self.whys, assisted: self.assisted, ..Self::new(instance, now) }
    }

    /// Seconds spent.
    pub fn elapsed(&self, now: Timestamp) -> u64 {
        let running = now.duration_since(self.running_since).as_secs();
        self.before_seconds + u64::try_from(running).unwrap_or(0)
    }

    /// Hints in the sense of the history.
    pub fn all_hints(&self) -> u32 {
        self.hints + self.whys
    }

    /// Takes a score; the first is remembered.
    pub fn scored(&mut self, score: Score) {
        self.first.get_or_insert(score);
    }

    /// Brings an attempt back in a new process.
    pub fn resume(folder: &Folder, now: Timestamp) -> Result<Self, SessionError> {
        let path = folder.attempt();
        let bytes = std::fs::read(&path).map_err(SessionError::file("read", &path))?;
        let mut attempt: Self = serde_json::from_slice(&bytes).map_err(|source| SessionError::Damaged { path, source })?;
        attempt.running_since = now;
        Ok(attempt)
    }

    /// Writes it. What was spent so far is part of it, so that a resumed clock goes on from here.
    pub fn save(&self, folder: &Folder, now: Timestamp) -> Result<(), SessionError> {
        let saved = Self { before_seconds: self.elapsed(now), running_since: now, ..self.clone() };
        folder.write("attempt.json", &serde_json::to_vec(&saved).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{ExerciseKind, InstanceRecord};
    use crate::model::Points;
    use crate::session::Directories;

    #[test]
    fn time_asleep_does_not_count_and_the_first_score_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(&Directories::rooted(root.path()), "a").unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let record = InstanceRecord {
            kind: ExerciseKind::Scenario,
            id: "s".into(),
            seed: 1,
            bindings: Default::default(),
            captured: Default::default(),
        };
        let mut attempt = Attempt::new(record, at(100));
        attempt.scored(Score { earned: Points(1), maximum: Points(2) });
        attempt.scored(Score { earned: Points(2), maximum: Points(2) });
        attempt.save(&folder, at(160)).unwrap();
        let back = Attempt::resume(&folder, at(5000)).unwrap();
        assert_eq!((back.elapsed(at(5000)), back.elapsed(at(5010))), (60, 70));
        assert_eq!(back.first.map(|s| s.earned.0), Some(1));
        // A reset makes nobody forget what was seen.
        let seen = Attempt { assisted: true, hints: 2, whys: 1, ..back };
        let anew = seen.anew(seen.instance.clone(), at(6000));
        assert_eq!((anew.assisted, anew.all_hints(), anew.first, anew.elapsed(at(6001))), (true, 3, seen.first, 1));
    }
}
