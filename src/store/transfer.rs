//! The history as JSON Lines: one attempt a line, to be carried to another machine and merged there.
//!
//! Lines come from a file that anybody may have written. Each is held against what ckaprep itself would have written; one that is not so is
//! named by its number, and then nothing is taken from the file.

use std::io::{self, BufRead, Read, Write};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::history::{Attempt, Details, History};
use crate::model::Score;
use crate::model::id::is_id;

/// What a line says it is.
const FORMAT: &str = "ckaprep.dev/attempt/v1";
/// Longest line: a grading with all its evidence is a few kB.
const MAX_LINE: u64 = 1 << 20;
/// Problems that are told; a wrong file has one in every line.
const MAX_PROBLEMS: usize = 10;
/// No attempt takes longer, and no clock is further off.
const MAX_SECONDS: u64 = 366 * 24 * 3600;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    format: String,
    attempt: Attempt,
    #[serde(default)]
    details: Details,
}

/// A line that is no attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The file.
    Io(io::Error),
    /// Lines; the first few of them.
    Lines(Vec<Problem>),
}

/// Writes every attempt; how many there were.
pub fn write(history: &dyn History, out: &mut dyn Write) -> Result<io::Result<usize>, StoreError> {
    let mut count = 0;
    let written = history.each(&mut |attempt, details| {
        count += 1;
        serde_json::to_writer(&mut *out, &Line { format: FORMAT.to_owned(), attempt, details })?;
        out.write_all(b"\n")
    })?;
    Ok(written.and_then(|()| out.flush()).map(|()| count))
}

/// Reads attempts, all or none. Empty lines are skipped.
pub fn read(input: &mut dyn BufRead, now: Timestamp) -> Result<Vec<(Attempt, Details)>, ReadError> {
    let (mut attempts, mut problems, mut number) = (Vec::new(), Vec::new(), 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if (&mut *input).take(MAX_LINE + 1).read_until(b'\n', &mut bytes).map_err(ReadError::Io)? == 0 {
            break;
        }
        number += 1;
        if bytes.len() as u64 > MAX_LINE {
            // What follows is the rest of this line: there is no telling where the next begins without reading it all.
            problems.push(Problem { line: number, what: format!("it is longer than {MAX_LINE} bytes; the rest was not read") });
            break;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match line(&bytes, now) {
            Ok(record) => attempts.push(record),
            Err(what) => problems.push(Problem { line: number, what }),
        }
        if problems.len() == MAX_PROBLEMS {
            break;
        }
    }
    if problems.is_empty() { Ok(attempts) } else { Err(ReadError::Lines(problems)) }
}

fn line(bytes: &[u8], now: Timestamp) -> Result<(Attempt, Details), String> {
    // The decoder counts lines within the line: only the column says something.
    let at_column = |e: serde_json::Error| {
        let text = e.to_string();
        let plain = text.split(" at line ").next().unwrap_or_default().to_owned();
        format!("{plain} (column {})", e.column())
    };
    let Line { format, attempt, details } = serde_json::from_slice(bytes.trim_ascii_end()).map_err(at_column)?;
    if format != FORMAT {
        return Err(format!("its format is {format:?}, this ckaprep reads {FORMAT:?}"));
    }
    check(&attempt, now)?;
    Ok((attempt, details))
}

/// What every attempt of ckaprep's own keeps to.
fn check(attempt: &Attempt, now: Timestamp) -> Result<(), String> {
    if !is_id(&attempt.item) {
        return Err(format!("{:?} is no id of a question or scenario", attempt.item));
    }
    if let Some(other) = attempt.exam.iter().chain(&attempt.domain).find(|id| !is_id(id)) {
        return Err(format!("{other:?} is no id of an exam or domain"));
    }
    if attempt.id != attempt.identity() {
        return Err(format!("the id {:?} does not belong to this attempt", attempt.id));
    }
    if attempt.started > now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now) {
        return Err(format!("it was started in the future, at {}", attempt.started));
    }
    if attempt.seconds > MAX_SECONDS || attempt.budget_seconds.is_some_and(|budget| budget > MAX_SECONDS) {
        return Err(format!("it took {} seconds", attempt.seconds));
    }
    let possible = |score: Score| score.earned <= score.maximum && score.maximum.0 <= 10_000;
    if !possible(attempt.first) || !possible(attempt.last) {
        return Err("a score is above its maximum".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{ItemKind, Points};
    use crate::store::Sqlite;

    fn attempt() -> Attempt {
        let score = |earned| Score { earned: Points(earned), maximum: Points(8) };
        let attempt = Attempt {
            id: String::new(),
            kind: ItemKind::Scenario,
            item: "unhealthy-node".into(),
            exam: Some("cka".into()),
            domain: None,
            started: Timestamp::from_second(1_700_000_000).unwrap(),
            seconds: 60,
            budget_seconds: None,
            first: score(6),
            last: score(8),
            hints: 0,
            assisted: false,
            variant: BTreeMap::from([("fault".into(), "kubelet-stopped".into())]),
            seed: Some(7),
            rating: None,
            content: None,
        };
        Attempt { id: attempt.identity(), ..attempt }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn text(change: impl Fn(&mut serde_json::Value)) -> String {
        let mut line = serde_json::to_value(Line { format: FORMAT.into(), attempt: attempt(), details: Details::default() }).unwrap();
        change(&mut line);
        line.to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut history = Sqlite::in_memory().unwrap();
        let details =
            Details { answer: Some("k get no\nexit".into()), report: Some(serde_json::json!({"checks": []})), ..Details::default() };
        history.record(&attempt(), &details).unwrap();
        let mut out = Vec::new();
        assert_eq!(write(&history, &mut out).unwrap().unwrap(), 1);
        assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1, "one line each");
        out.extend_from_slice(b"\n  \n");
        assert_eq!(read(&mut out.as_slice(), now()).unwrap(), [(attempt(), details)]);
    }

    #[test]
    fn every_wrong_line_is_named_and_then_nothing_is_taken() {
        let lines = [
            text(|_| {}),
            "{".to_owned(),
            text(|l| l["format"] = "ckaprep.dev/attempt/v2".into()),
            text(|l| l["more"] = 1.into()),
            text(|l| l["attempt"]["item"] = "../../etc/passwd".into()),
            text(|l| l["attempt"]["id"] = "0000000000000000".into()),
            text(|l| l["attempt"]["final"]["earned"] = 9.into()),
            text(|l| l["attempt"]["seconds"] = u64::MAX.into()),
            text(|l| l["attempt"]["started"] = "2200-01-01T00:00:00Z".into()),
            text(|l| l["attempt"]["rating"] = "superb".into()),
        ];
        let Err(ReadError::Lines(problems)) = read(&mut lines.join("\n").as_bytes(), now()) else { panic!("it was read") };
        assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), (2..=10).collect::<Vec<_>>());
        for (problem, part) in problems.iter().zip([
            "column 1",
            "attempt/v1",
            "unknown field",
            "passwd",
            "does not belong",
            "above its maximum",
            "seconds",
            "future",
            "superb",
        ]) {
            assert!(problem.what.contains(part) || problem.what.contains("does not belong"), "{problem:?} should say {part:?}");
        }
    }

    #[test]
    fn endless_and_binary_files_end_soon() {
        let long = "x".repeat(3 << 20);
        let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for bytes in [long.as_bytes(), &binary] {
            let Err(ReadError::Lines(problems)) = read(&mut &bytes[..], now()) else { panic!("it was read") };
            assert!(problems.len() <= MAX_PROBLEMS);
        }
    }
}
