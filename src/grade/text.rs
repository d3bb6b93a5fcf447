//! Matching of texts: files, logs, what commands print.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Evidence, Verdict};

/// What a text must be like. Everything that is given must hold; something must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextMatch {
    /// The whole text, white space at both ends aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// A part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// A regular expression that matches somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
}

/// Longest part of a text that evidence shows.
const SHOWN: usize = 200;

impl TextMatch {
    /// Judges `text`, which is called `subject` in the evidence.
    pub fn judge(&self, subject: &str, text: &str) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        if let Some(wanted) = &self.equals {
            let holds = text.trim() == wanted.trim();
            evidence.push(Evidence::compared(subject, format!("`{}`", excerpt(wanted)), format!("`{}`", excerpt(text)), holds));
        }
        if let Some(part) = &self.contains {
            evidence.push(Evidence::compared(subject, format!("contains `{part}`"), format!("`{}`", excerpt(text)), text.contains(part)));
        }
        if let Some(pattern) = &self.matches {
            let expected = format!("matches `{pattern}`");
            evidence.push(match regex::Regex::new(pattern) {
                Ok(regex) => Evidence::compared(subject, expected, format!("`{}`", excerpt(text)), regex.is_match(text)),
                Err(error) => Evidence::unknown(subject, expected, format!("the pattern is wrong: {error}")),
            });
        }
        if evidence.is_empty() {
            evidence.push(Evidence::unknown(subject, "a text match", "none of equals, contains and matches is given"));
        }
        evidence
    }
}

/// The beginning of a text, for people: trimmed, at most [`SHOWN`] characters.
pub fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What all pieces of evidence come to together. No evidence at all proves nothing.
pub fn sum(evidence: &[Evidence]) -> Verdict {
    if evidence.is_empty() {
        return Verdict::Indeterminate;
    }
    evidence.iter().fold(Verdict::Pass, |sum, e| sum.and(e.verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: serde_json::Value, text: &str) -> Verdict {
        let matcher: TextMatch = serde_json::from_value(json).expect("a text match");
        sum(&matcher.judge("text", text))
    }

    #[test]
    fn texts_are_matched_whole_in_part_or_by_pattern() {
        use serde_json::json;
        assert_eq!(verdict(json!({"equals": "a b"}), " a b\n"), Verdict::Pass);
        assert_eq!(verdict(json!({"equals": "a b"}), "a  b"), Verdict::Fail);
        assert_eq!(verdict(json!({"contains": "err"}), "no error"), Verdict::Pass);
        assert_eq!(verdict(json!({"contains": "err", "matches": "^x"}), "no error"), Verdict::Fail);
        assert_eq!(verdict(json!({"matches": "(?m)^b$"}), "a\nb\n"), Verdict::Pass);
        assert_eq!(verdict(json!({"matches": "("}), "a"), Verdict::Indeterminate);
        assert_eq!(verdict(json!({}), "a"), Verdict::Indeterminate);
    }

    #[test]
    fn excerpts_end_at_a_character() {
        assert_eq!(excerpt(&"ü".repeat(SHOWN + 1)), format!("{}…", "ü".repeat(SHOWN)));
        assert_eq!(excerpt(" a "), "a");
    }
}
