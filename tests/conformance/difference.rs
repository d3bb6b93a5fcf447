//! A readable difference between recorded and given lines.

use std::fmt::Write as _;

/// Lines around a difference that are shown.
const CONTEXT: usize = 2;

/// `-` recorded, `+` given; nothing when they are the same.
pub fn difference(recorded: &[String], given: &[String]) -> Option<String> {
    if recorded == given {
        return None;
    }
    let marked = marked(recorded, given);
    let near = |n: usize| marked[n.saturating_sub(CONTEXT)..(n + CONTEXT + 1).min(marked.len())].iter().any(|(mark, _)| *mark != ' ');
    let mut out = String::new();
    let mut left_out = false;
    for (n, (mark, line)) in marked.iter().enumerate() {
        if near(n) {
            let _ = writeln!(out, "  {mark} {line}");
        } else if !left_out {
            let _ = writeln!(out, "    …");
        }
        left_out = !near(n);
    }
    Some(out)
}

/// The longest common subsequence, with what is on one side only.
fn marked<'a>(recorded: &'a [String], given: &'a [String]) -> Vec<(char, &'a str)> {
    let mut longest = vec![vec![0usize; given.len() + 1]; recorded.len() + 1];
    for (i, left) in recorded.iter().enumerate().rev() {
        for (j, right) in given.iter().enumerate().rev() {
            longest[i][j] = if left == right { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < recorded.len() || j < given.len() {
        if i < recorded.len() && j < given.len() && recorded[i] == given[j] {
            out.push((' ', given[j].as_str()));
            i += 1;
            j += 1;
        } else if j == given.len() || (i < recorded.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            out.push(('-', recorded[i].as_str()));
            i += 1;
        } else {
            out.push(('+', given[j].as_str()));
            j += 1;
        }
    }
    out
}

#[test]
fn a_difference_shows_both_sides_with_what_is_around() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(difference(&lines("a b"), &lines("a b")), None);
    let said = difference(&lines("a b c d e f"), &lines("a b c d x f")).expect("they differ");
    assert_eq!(said, "    …\n    c\n    d\n  - e\n  + x\n    f\n");
}
