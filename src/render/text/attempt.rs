//! Attempts: the list, one of them, what a merge did.

use super::check::report;
use super::clock::duration;
use crate::model::{ItemKind, Score};
use crate::render::document::HistoryDocument;
use crate::render::learning::{AttemptDocument, MergedDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;
use crate::store::Attempt;

/// Digits of an attempt's id that are shown: enough to tell a learner's attempts apart.
const SHOWN: usize = 6;

/// `ckaprep history`.
pub fn history(document: &HistoryDocument, _style: Style, width: usize) -> String {
    if document.attempts.is_empty() {
        return "Nothing yet. `ckaprep scenario unhealthy-node` or `ckaprep quiz --exam cka` begins.\n".to_owned();
    }
    let mut rows = vec![["ATTEMPT", "WHEN", "SCORE", "FIRST", "TIME", "HELP", "WHAT"].map(str::to_owned).to_vec()];
    rows.extend(document.attempts.iter().map(|attempt| {
        vec![
            attempt.id.chars().take(SHOWN).collect(),
            attempt.started.strftime("%Y-%m-%d %H:%M").to_string(),
            outcome(attempt),
            score(attempt.first),
            duration(attempt.seconds),
            help(attempt),
            format!("{} {}", attempt.kind.as_str(), attempt.item),
        ]
    }));
    table(&rows, width)
}

fn score(score: Score) -> String {
    if score.maximum.0 == 0 { "-".to_owned() } else { format!("{}/{}", score.earned.0, score.maximum.0) }
}

fn outcome(attempt: &Attempt) -> String {
    attempt.rating.map_or_else(|| score(attempt.last), |rating| rating.as_str().to_owned())
}

fn help(attempt: &Attempt) -> String {
    match (attempt.assisted, attempt.hints) {
        (true, _) => "solution".to_owned(),
        (false, 0) => "-".to_owned(),
        (false, 1) => "1 hint".to_owned(),
        (false, hints) => format!("{hints} hints"),
    }
}

/// `ckaprep history show`.
pub fn attempt(document: &AttemptDocument, style: Style, width: usize) -> String {
    let AttemptDocument { attempt, details, report: graded } = document;
    let mut rows = vec![
        vec!["attempt".to_owned(), attempt.id.clone()],
        vec!["started".to_owned(), attempt.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()],
        vec![
            "time".to_owned(),
            attempt
                .budget_seconds
                .map_or_else(|| duration(attempt.seconds), |budget| format!("{} of {}", duration(attempt.seconds), duration(budget))),
        ],
        vec!["score".to_owned(), outcome(attempt)],
        vec!["first".to_owned(), score(attempt.first)],
        vec!["help".to_owned(), help(attempt)],
    ];
    if let (Some(exam), Some(domain)) = (&attempt.exam, &attempt.domain) {
        rows.push(vec!["counts for".to_owned(), format!("{exam} / {domain}")]);
    }
    rows.extend(attempt.seed.map(|seed| vec!["seed".to_owned(), seed.to_string()]));
    rows.extend(attempt.content.iter().map(|version| vec!["content".to_owned(), version.clone()]));
    rows.extend(details.bindings.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        vec![printable(name), printable(&text)]
    }));
    let mut out = format!("{} {}\n\n{}", attempt.kind.as_str(), style.title(&attempt.item), table(&rows, width));
    if let Some(answer) = details.answer.as_ref().filter(|answer| !answer.trim().is_empty()) {
        out.push_str(&format!("\n{}\n", style.title("Answered")));
        for line in answer.lines() {
            out.push_str(&wrap(&printable(line), width, "  ", "  "));
        }
    }
    if let Some(graded) = graded {
        out.push_str(&format!("\n{}\n", style.title("Graded")));
        out.push_str(&report(graded, style, width, true));
    }
    if attempt.kind == ItemKind::Scenario || attempt.seed.is_some() {
        let again = format!("ckaprep replay {}", attempt.id.chars().take(SHOWN).collect::<String>());
        out.push_str(&format!("\nThe same again: {}\n", style.code(&again)));
    }
    out
}

/// Attempts may come from elsewhere: a terminal is shown nothing that it would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `ckaprep history import`.
pub fn merged(document: &MergedDocument) -> String {
    let attempts = |n: usize| if n == 1 { "1 attempt".to_owned() } else { format!("{n} attempts") };
    format!("{} new, {} known already.\n", attempts(document.new), attempts(document.known))
}
