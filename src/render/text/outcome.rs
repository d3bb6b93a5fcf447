//! The end of an attempt.

use super::check::report;
use super::clock::duration;
use crate::render::document::{DebriefDocument, OutcomeDocument, TypedDocument};
use crate::render::markdown;
use crate::render::style::Style;
use crate::render::wrap::wrap;

/// Most commands that are shown; the rest is in the JSON form.
const MOST_COMMANDS: usize = 25;

/// Grade, debrief, the learner's own commands, what next.
pub fn outcome(document: &OutcomeDocument, style: Style, width: usize) -> String {
    let check = &document.check;
    let mut out = format!("{}\n\n", style.title("Result"));
    out.push_str(&report(&check.report, style, width, true));
    out.push_str(&format!("time   {} of {}\n", duration(check.elapsed_seconds), duration(check.budget_seconds)));
    if document.assisted {
        out.push_str("help   the solution was looked at: the attempt counts as assisted\n");
    } else if document.hints > 0 {
        out.push_str(&format!("help   {} {}\n", document.hints, if document.hints == 1 { "hint" } else { "hints" }));
    }
    out.push_str(&debrief(&document.debrief, style, width));
    out.push_str(&commands(&document.commands, style, width));
    if let Some(reason) = &document.not_recorded {
        out.push_str(&wrap(&format!("The attempt is not in the history: {reason}"), width, "\n", ""));
    }
    let again = format!("ckaprep scenario {}", check.scenario);
    out.push_str(&format!("\nAnother variant: {}\n", style.code(&again)));
    out.push_str(&format!("The same again:  {}\n", style.code(&format!("{again} --seed {}", document.seed))));
    out
}

fn debrief(debrief: &DebriefDocument, style: Style, width: usize) -> String {
    let mut out = String::new();
    if !debrief.text.trim().is_empty() {
        out.push_str(&format!("\n{}\n\n{}", style.title("What it was"), markdown::render(&debrief.text, style, width)));
    }
    if !debrief.fastest.is_empty() {
        out.push_str(&format!("\n{}\n\n", style.title("The fastest way to see it")));
        for step in &debrief.fastest {
            out.push_str(&format!("  {}\n", style.code(&step.run)));
            out.push_str(&wrap(&step.shows, width, "      ", "      "));
        }
    }
    if let Some(link) = &debrief.link {
        out.push_str(&format!("\nRead on: {link}\n"));
    }
    out
}

fn commands(commands: &[TypedDocument], style: Style, width: usize) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n\n", style.title("What you did"));
    let left_out = commands.len().saturating_sub(MOST_COMMANDS);
    if left_out > 0 {
        out.push_str(&format!("  … {left_out} earlier commands\n"));
    }
    for command in &commands[left_out..] {
        let first = command.line.lines().next().unwrap_or_default();
        let head = format!("  {:>6}  {:<13} ", duration(command.after_seconds), command.host);
        // One line per command, however long it was.
        let room = width.saturating_sub(head.len()).max(20);
        let cut: String =
            if first.chars().count() > room { first.chars().take(room - 1).chain(['…']).collect() } else { first.to_owned() };
        out.push_str(&format!("{head}{cut}\n"));
    }
    out
}
