//! Quizzes: what was drawn, and the result.

use super::clock::duration;
use crate::render::document::{DrawDocument, QuizDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// `ckaprep quiz --draw-only`.
pub fn draw(document: &DrawDocument, _style: Style, width: usize) -> String {
    let mut rows = vec![["#", "TYPE", "DOMAIN", "QUESTION"].map(str::to_owned).to_vec()];
    rows.extend(
        document.questions.iter().enumerate().map(|(n, q)| vec![(n + 1).to_string(), q.kind.clone(), q.domain.clone(), q.id.clone()]),
    );
    table(&rows, width)
}

/// The result of a quiz: score per domain beside its weight.
pub fn quiz(document: &QuizDocument, style: Style, width: usize) -> String {
    let mut rows = vec![["WEIGHT", "ASKED", "SCORE", "", "DOMAIN"].map(str::to_owned).to_vec()];
    rows.extend(document.domains.iter().map(|domain| {
        let percent = domain.score.percent();
        let score = if domain.asked == 0 { "-".to_owned() } else { format!("{percent:>3} %") };
        let bar = if domain.asked == 0 { String::new() } else { bar(percent) };
        vec![format!("{:>3} %", domain.weight), domain.asked.to_string(), score, bar, domain.title.clone()]
    }));
    let mut out = format!("{}\n\n{}", style.title(&format!("Result: {}", document.title)), table(&rows, width));
    let open = document.questions.iter().filter(|q| q.score.is_none()).count();
    if open > 0 {
        out.push_str(&format!("\n{open} not answered: no points for them.\n"));
    }
    let total = format!("{} % by the exam's weights", document.weighted_percent);
    let verdict = format!(
        "{}, {} % of the questions, in {}. The exam asks for {} %.",
        if document.passed { style.good(&total) } else { style.bad(&total) },
        document.percent,
        duration(document.seconds),
        document.pass_percent
    );
    out.push('\n');
    out.push_str(&wrap(&verdict, width, "", ""));
    if document.questions.iter().any(|q| !q.score.is_some_and(|s| s.is_full())) {
        out.push_str(&format!("Once more what was wrong: {}\n", style.code(&format!("ckaprep quiz --exam {} --wrong", document.exam))));
    }
    out
}

fn bar(percent: u32) -> String {
    let filled = (percent / 10) as usize;
    format!("{}{}", "#".repeat(filled), ".".repeat(10 - filled.min(10)))
}
