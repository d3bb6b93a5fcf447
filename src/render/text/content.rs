//! What there is: lists, single items, curricula.

use crate::model::{Difficulty, Placement};
use crate::render::document::{
    CurriculaDocument, CurriculumDocument, DomainDocument, ListDocument, QuestionDetails, ScenarioDetails, ShowDocument,
};
use crate::render::markdown;
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

fn difficulty(difficulty: Difficulty) -> &'static str {
    match difficulty {
        Difficulty::Easy => "easy",
        Difficulty::Medium => "medium",
        Difficulty::Hard => "hard",
    }
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn exams(placements: &[Placement]) -> String {
    let mut exams: Vec<&str> = placements.iter().map(|p| p.exam.as_str()).collect();
    exams.sort_unstable();
    exams.dedup();
    exams.join(" ")
}

/// `ckaprep list`.
pub fn list(document: &ListDocument, style: Style, width: usize) -> String {
    let mut parts = Vec::new();
    if !document.exams.is_empty() {
        let mut rows = vec![head(&["EXAM", "QUESTIONS", "SCENARIOS", "TITLE"])];
        rows.extend(document.exams.iter().map(|exam| {
            let title = if exam.historical { format!("{} (no longer held)", exam.title) } else { exam.title.clone() };
            vec![exam.id.clone(), exam.questions.to_string(), exam.scenarios.to_string(), title]
        }));
        parts.push(table(&rows, width));
    }
    if !document.scenarios.is_empty() {
        let mut rows = vec![head(&["SCENARIO", "LEVEL", "MINUTES", "DONE", "EXAMS", "TITLE"])];
        rows.extend(document.scenarios.iter().map(|s| {
            vec![
                s.id.clone(),
                difficulty(s.difficulty).to_owned(),
                s.minutes.to_string(),
                s.attempts.to_string(),
                exams(&s.placements),
                s.title.clone(),
            ]
        }));
        parts.push(table(&rows, width));
    }
    if !document.questions.is_empty() {
        let mut rows = vec![head(&["QUESTION", "TYPE", "LEVEL", "DONE", "DOMAIN"])];
        rows.extend(document.questions.iter().map(|q| {
            let domain = q.placements.first().map(|p| format!("{}/{}", p.exam, p.domain)).unwrap_or_default();
            vec![q.id.clone(), q.kind.clone(), difficulty(q.difficulty).to_owned(), q.attempts.to_string(), domain]
        }));
        parts.push(table(&rows, width));
    }
    if parts.is_empty() {
        return "Nothing of that kind.\n".to_owned();
    }
    let mut out = parts.join("\n");
    if !document.scenarios.is_empty() {
        out.push_str(&format!("\n{}\n", style.dim("`ckaprep show ID` says more; `ckaprep scenario ID` starts.")));
    }
    out
}

/// `ckaprep show`.
pub fn show(document: &ShowDocument, style: Style, width: usize) -> String {
    let mut out = String::new();
    if let Some(details) = &document.scenario {
        out.push_str(&scenario(details, style, width));
    }
    if let Some(details) = &document.question {
        out.push_str(&question(details, style, width));
    }
    if let Some(details) = &document.exam {
        out.push_str(&curriculum(details, style, width));
    }
    out
}

fn placements(placements: &[Placement], width: usize) -> String {
    placements.iter().map(|p| wrap(&format!("{} / {} / {}", p.exam, p.domain, p.competency), width, "  ", "      ")).collect()
}

fn scenario(details: &ScenarioDetails, style: Style, width: usize) -> String {
    let entry = &details.entry;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    // A variant's fault has hints of its own; how many would tell the variants apart.
    let at_least = if details.variants > 1 { "at least " } else { "" };
    let mut out = format!(
        "{}\n\n{}, {} minutes, {} points, {} variant{}, {at_least}{} hint{}, {} worker{}\n\n{}\n{}\n",
        style.title(&entry.title),
        difficulty(entry.difficulty),
        entry.minutes,
        details.points,
        details.variants,
        plural(details.variants),
        details.hints,
        plural(details.hints),
        details.workers,
        plural(details.workers as usize),
        placements(&entry.placements, width),
        style.code(&format!("ckaprep scenario {}", entry.id)),
    );
    if details.variants > 1 {
        let text = "Each start takes a variant that you have not seen yet; `--seed N` brings the same one again.";
        out.push_str(&wrap(text, width, "", ""));
    }
    out
}

fn question(details: &QuestionDetails, style: Style, width: usize) -> String {
    let entry = &details.entry;
    let mut out = format!("{} ({}, {})\n\n", style.title(&entry.id), entry.kind, difficulty(entry.difficulty));
    out.push_str(&markdown::render(&details.prompt, style, width));
    for (n, option) in details.options.iter().enumerate() {
        out.push_str(&wrap(option, width, &format!("  {}) ", letter(n)), "     "));
    }
    out.push('\n');
    out.push_str(&placements(&entry.placements, width));
    out
}

fn letter(n: usize) -> char {
    u8::try_from(n).ok().and_then(|n| b'a'.checked_add(n)).map_or('?', char::from)
}

/// `ckaprep curriculum --exam`.
pub fn curriculum(document: &CurriculumDocument, style: Style, width: usize) -> String {
    let mut out = format!("{} ({})\n", style.title(&document.title), document.exam);
    let held = if document.historical { ", no longer held" } else { "" };
    let facts = format!("Version {}{held}; {} minutes, {} % to pass.", document.version, document.minutes, document.pass_percent);
    out.push_str(&wrap(&facts, width, "", ""));
    for domain in &document.domains {
        out.push_str(&format!("\n{:>3} %  {}\n       {}\n", domain.weight, style.title(&domain.title), style.dim(&covering(domain))));
        for competency in &domain.competencies {
            let covering = competency.questions.len() + competency.scenarios.len();
            let mark = if covering == 0 { " (nothing yet)".to_owned() } else { format!(" ({covering})") };
            out.push_str(&wrap(&format!("{}{mark}", competency.summary), width, "       - ", "         "));
        }
    }
    out.push('\n');
    out.push_str(&style.dim(&document.attribution));
    out.push('\n');
    out
}

/// `14 questions, 1 scenario`.
fn covering(domain: &DomainDocument) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!("{}, {}", count(domain.questions, "question"), count(domain.scenarios, "scenario"))
}

/// `ckaprep curriculum`.
pub fn curricula(document: &CurriculaDocument, style: Style, width: usize) -> String {
    let mut out = String::new();
    for exam in &document.exams {
        let held = if exam.historical { " (no longer held)" } else { "" };
        out.push_str(&format!("{} {}{held}\n", style.title(&exam.exam), exam.title));
        for domain in &exam.domains {
            out.push_str(&wrap(
                &format!("{}: {}", domain.title, covering(domain)),
                width,
                &format!("  {:>3} %  ", domain.weight),
                "         ",
            ));
        }
        out.push('\n');
    }
    out.push_str("`ckaprep curriculum --exam ID` shows the competencies and what covers each.\n");
    out
}
