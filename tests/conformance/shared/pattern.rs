//! Recorded lines with wildcards for what differs from run to run.

use regex::Regex;

/// The node that is broken.
pub const NODE: &str = "worker-2";

/// Go's durations as kubectl and systemd print them: 4s, 6m15.4s, 26d, 1min 3s.
pub const AGE: &str = r"[\d.]+(?:ms|s|min|m|h|d|y)(?:[\d.]+(?:ms|s|m|h|d))*(?: [\d.]+(?:ms|s|min|h))*";

/// Columns are as wide as their contents; one space stands for any number.
pub fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What may stand in place of what: `…` anything, the words in angle brackets what they name.
pub fn pattern(line: &str) -> Regex {
    const WILDCARDS: &[(&str, &str)] = &[
        ("…", ".*"),
        ("<n>", r"\d+"),
        ("<name>", r"[a-z0-9-]+"),
        ("<age>", AGE),
        ("<journal>", r"[A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2}"),
        ("<klog>", r"\d{4} \d{2}:\d{2}:\d{2}\.\d{6} \d+"),
        ("<date>", r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000"),
        ("<stamp>", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"),
    ];
    let mut expression = regex::escape(&squeeze(&line.replace("{node}", NODE)));
    for (wildcard, meaning) in WILDCARDS {
        expression = expression.replace(&regex::escape(wildcard), meaning);
    }
    Regex::new(&format!("^{expression}$")).unwrap_or_else(|e| panic!("{line}: {e}"))
}
