//! Recorded answers: `cases/TOPIC.answers`, a transcript that reads like a terminal.
//!
//! `## case`, then for each step `$ what was asked`, `| standard output`, `! standard error`, and `? status` when it is not the
//! usual one (0, or 200 for a request).

use std::collections::BTreeMap;
use std::path::Path;

/// What came back for one step, normalised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub asked: String,
    /// Lines of standard output and standard error, each with its mark.
    pub lines: Vec<String>,
    /// Exit code, or HTTP status; 200 counts as 0.
    pub status: i32,
}

/// Answers by case, in the order of the steps.
pub type Answers = BTreeMap<String, Vec<Answer>>;

impl Answer {
    /// Its lines with the status.
    pub fn text(&self) -> Vec<String> {
        let status = (self.status != 0).then(|| format!("? {}", self.status));
        self.lines.iter().cloned().chain(status).collect()
    }
}

/// Reads the answers of a topic; none when it was not recorded yet.
pub fn load(root: &Path, topic: &str) -> Result<Answers, String> {
    match std::fs::read_to_string(path(root, topic)) {
        Ok(text) => parse(&text).map_err(|e| format!("{topic}.answers: {e}")),
        Err(_) => Ok(Answers::new()),
    }
}

/// Writes them in the given order of cases.
pub fn store<'a>(root: &Path, topic: &str, order: impl Iterator<Item = &'a str>, answers: &Answers) -> Result<(), String> {
    let mut text = String::new();
    for case in order {
        let Some(steps) = answers.get(case) else { continue };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("## {case}\n"));
        for answer in steps {
            for (n, line) in answer.asked.lines().enumerate() {
                text.push_str(&format!("{} {line}\n", if n == 0 { '$' } else { '>' }));
            }
            for line in answer.text() {
                text.push_str(&line);
                text.push('\n');
            }
        }
    }
    let path = path(root, topic);
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
}

fn path(root: &Path, topic: &str) -> std::path::PathBuf {
    root.join("tests/conformance/cases").join(format!("{topic}.answers"))
}

fn parse(text: &str) -> Result<Answers, String> {
    let mut answers = Answers::new();
    let mut steps: Option<&mut Vec<Answer>> = None;
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let wrong = || format!("line {}: {line}", n + 1);
        if let Some(case) = line.strip_prefix("## ") {
            steps = Some(answers.entry(case.to_owned()).or_default());
            continue;
        }
        let steps = steps.as_deref_mut().ok_or_else(wrong)?;
        if let Some(asked) = line.strip_prefix("$ ") {
            steps.push(Answer { asked: asked.to_owned(), ..Answer::default() });
            continue;
        }
        let answer = steps.last_mut().ok_or_else(wrong)?;
        match line.split_at(1) {
            (">", more) => {
                answer.asked.push('\n');
                answer.asked.push_str(more.strip_prefix(' ').unwrap_or(more));
            }
            ("|" | "!", _) => answer.lines.push(line.to_owned()),
            ("?", status) => answer.status = status.trim().parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        }
    }
    Ok(answers)
}
