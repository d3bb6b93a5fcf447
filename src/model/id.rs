//! Identifiers: lower-case words joined by dashes, the same in files, on the command line and in the history.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: use lower-case letters, digits and single dashes, for example `rollout-undo`")]
pub struct IdError(pub String);

/// Whether `text` is an id: `[a-z0-9]` words joined by single dashes, at most 63 characters.
/// Content of a pack carries the pack's name before a slash: `team/no-answer`.
pub fn is_id(text: &str) -> bool {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let part = |p: &str| p.len() <= 63 && p.split('-').all(word);
    match text.split_once('/') {
        Some((pack, id)) => part(pack) && part(id),
        None => part(text),
    }
}

/// Four letters and digits that a number gives, for names that people read and type: `k7f2`. No vowels, so no words, and none that look alike.
pub fn readable_suffix(number: u64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rest = number;
    (0..4)
        .map(|_| {
            let letter = ALPHABET[(rest % ALPHABET.len() as u64) as usize];
            rest /= ALPHABET.len() as u64;
            char::from(letter)
        })
        .collect()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a text without looking at it; the linter reports what is not an id.
            pub fn unchecked(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Whether this is a well-formed id.
            pub fn is_valid(&self) -> bool {
                is_id(&self.0)
            }

            /// Whether this is what `word` means: the id itself, or within its pack the part after the pack's name.
            pub fn is_named(&self, word: &Self) -> bool {
                self == word || self.0.split_once('/').is_some_and(|(_, own)| own == word.0)
            }

            /// The id inside a pack: `pack/id`. An id that has a pack already keeps it.
            pub fn in_pack(&self, pack: &str) -> Self {
                if self.0.contains('/') { self.clone() } else { Self(format!("{pack}/{}", self.0)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_id(text) { Ok(Self(text.to_owned())) } else { Err(IdError(text.to_owned())) }
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// An exam, which is also the id of its curriculum: `cka`, `ckad`, `cka-2018`.
    ExamId,
    /// A domain of a curriculum.
    DomainId,
    /// A competency of a curriculum, unique within the exam.
    CompetencyId,
    /// A question.
    QuestionId,
    /// A scenario.
    ScenarioId,
    /// A fault.
    FaultId,
    /// A check or gate, unique within its scenario or question.
    CheckId,
    /// A named wrong fix, unique within its scenario or question.
    WrongId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_words_joined_by_dashes() {
        for good in ["cka", "cka-2018", "kubelet-ca-path", "team/no-answer"] {
            assert!(good.parse::<ScenarioId>().is_ok(), "{good}");
        }
        for bad in ["", "Cka", "a--b", "-a", "a_b", "a/b/c", "a b", "ü", &"x".repeat(64)] {
            assert_eq!(bad.parse::<ScenarioId>(), Err(IdError(bad.to_owned())));
        }
    }

    #[test]
    fn a_pack_is_named_once() {
        let id: FaultId = "disk-full".parse().expect("an id");
        assert_eq!(id.in_pack("team").as_str(), "team/disk-full");
        assert_eq!(id.in_pack("team").in_pack("other").as_str(), "team/disk-full");
    }
}
