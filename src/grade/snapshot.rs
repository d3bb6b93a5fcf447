//! Snapshots: what has been read of a cluster, at one moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fact::Fact;

/// What reading a fact came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Observation {
    /// It is there; the shape stands at each [`Fact`].
    Value(Value),
    /// It is not there.
    Absent,
    /// It could not be read, and why.
    Unobservable(String),
}

/// Facts and what they came to. A later reading replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The cluster's moment when it was read.
    pub now: Timestamp,
    #[serde(with = "pairs")]
    observations: BTreeMap<Fact, Observation>,
}

impl Snapshot {
    /// Nothing known, at a moment.
    pub fn at(now: Timestamp) -> Self {
        Self { now, observations: BTreeMap::new() }
    }

    /// Adds what was read.
    pub fn insert(&mut self, fact: Fact, observation: Observation) {
        self.observations.insert(fact, observation);
    }

    /// What is known of a fact; `None` when it has not been read.
    pub fn get(&self, fact: &Fact) -> Option<&Observation> {
        self.observations.get(fact)
    }

    /// Everything that is known.
    pub fn iter(&self) -> impl Iterator<Item = (&Fact, &Observation)> {
        self.observations.iter()
    }

    /// The value of a fact, or why there is none.
    pub fn value(&self, fact: &Fact) -> Known<'_> {
        match self.get(fact) {
            Some(Observation::Value(value)) => Known::Value(value),
            Some(Observation::Absent) => Known::Absent,
            Some(Observation::Unobservable(reason)) => Known::Unknown(reason),
            None => Known::Unknown("it was not read"),
        }
    }
}

/// A fact as a judge sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known<'a> {
    /// There.
    Value(&'a Value),
    /// Not there.
    Absent,
    /// Not known, and why.
    Unknown(&'a str),
}

/// Maps with structured keys are written as lists of pairs: JSON's keys are strings.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Fact, Observation};

    pub fn serialize<S: Serializer>(map: &BTreeMap<Fact, Observation>, serializer: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Fact, Observation>, D::Error> {
        Ok(Vec::<(Fact, Observation)>::deserialize(deserializer)?.into_iter().collect())
    }
}
