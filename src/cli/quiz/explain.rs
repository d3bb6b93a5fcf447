//! Explaining an answer: options one by one, the right answer, why, a link.

use crate::content::step::ScriptStep;
use crate::content::{Question, QuestionBody};
use crate::grade::Report;
use crate::model::Score;
use crate::render::style::Style;
use crate::render::wrap::wrap;
use crate::render::{markdown, text};

use super::judge::{chosen, letter};

/// Words that mean something at a question's prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// In a quiz.
    WithFlag,
    /// Elsewhere.
    Plain,
    /// Nothing is asked: it is only shown again.
    None,
}

impl Words {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WithFlag => "skip, flag, quit",
            Self::Plain => "skip, quit",
            Self::None => "",
        }
    }

    /// What ends a command question's shell, alone on a line.
    pub fn commands(self) -> &'static [&'static str] {
        match self {
            Self::WithFlag => &["submit", "skip", "flag", "quit"],
            Self::Plain | Self::None => &["submit", "skip", "quit"],
        }
    }
}

/// A question as it is asked.
pub fn ask(question: &Question, prompt: &str, head: &str, words: Words, style: Style, width: usize) -> String {
    let mut out = "\n".to_owned();
    for line in wrap(head, width, "", "").lines() {
        out.push_str(&format!("{}\n", style.title(line)));
    }
    out.push('\n');
    out.push_str(&markdown::render(prompt, style, width));
    if let QuestionBody::Single(options) | QuestionBody::Multiple(options) = question.body() {
        out.push('\n');
        for (at, option) in options.iter().enumerate() {
            let text = markdown::inline(&option.text, style);
            out.push_str(&wrap(&text, width, &format!("  {}) ", letter(at)), "     "));
        }
    }
    out.push('\n');
    if words != Words::None {
        let text = wrap(&format!("{} ({})", how(question), words.as_str()), width, "", "");
        for line in text.lines() {
            out.push_str(&format!("{}\n", style.dim(line)));
        }
    }
    out
}

/// How to answer, in a line.
fn how(question: &Question) -> &'static str {
    match question.body() {
        QuestionBody::Single(_) => "One is right: type its letter.",
        QuestionBody::Multiple(_) => "Type the letters of all that are right, such as `a c`.",
        QuestionBody::Short(_) => "Type the answer.",
        QuestionBody::Open(_) => "Answer in a sentence or two, in one line; then you see a good answer and rate your own.",
        QuestionBody::Command => "Type commands; `submit` grades what they leave behind.",
    }
}

/// Right or wrong, in a word.
pub fn verdict(score: Score, style: Style) -> String {
    if score.is_full() {
        style.good("Right.")
    } else if score.earned.0 > 0 {
        style.unsure(&format!("Partly right: {} of {} points.", score.earned.0, score.maximum.0))
    } else {
        style.bad("Wrong.")
    }
}

/// What a full explanation is made of.
pub struct Explained<'a> {
    /// The question.
    pub question: &'a Question,
    /// The answer that was given, if any.
    pub typed: Option<&'a str>,
    /// Grading of a command question.
    pub report: Option<&'a Report>,
    /// Steps of the reference answer of a command question, filled in.
    pub solution: &'a [ScriptStep],
    /// Explanation, filled in.
    pub explanation: &'a str,
}

/// The explanation after an answer.
pub fn explain(explained: &Explained<'_>, style: Style, width: usize) -> String {
    let Explained { question, typed, report, solution, explanation } = explained;
    let mut out = String::new();
    match question.body() {
        QuestionBody::Single(options) | QuestionBody::Multiple(options) => {
            let picked = typed.and_then(|typed| chosen(typed, options.len())).unwrap_or_default();
            for (at, option) in options.iter().enumerate() {
                let mark = if option.correct { style.good("right") } else { style.bad("wrong") };
                let yours = if picked.contains(&at) { ", your choice" } else { "" };
                out.push_str(&format!("  {}) {mark}{yours}\n", letter(at)));
                out.push_str(&wrap(&markdown::inline(&option.why, style), width, "     ", "     "));
            }
        }
        QuestionBody::Short(answer) => {
            let accepted = answer.and_then(|answer| answer.accept.first()).map(String::as_str).unwrap_or_default();
            out.push_str(&format!("  Answer: {}\n", style.code(accepted)));
        }
        // Who answered has seen it already.
        QuestionBody::Open(_) if typed.is_some() => {}
        QuestionBody::Open(model) => out.push_str(&markdown::render(model, style, width)),
        QuestionBody::Command => {
            if let Some(report) = report {
                out.push_str(&text::report(report, style, width, true));
            }
            if !solution.is_empty() {
                out.push_str("\nOne way:\n");
                for line in solution.iter().flat_map(|step| step.run.trim_end().lines()) {
                    out.push_str(&format!("  {}\n", style.code(line)));
                }
            }
        }
    }
    out.push('\n');
    out.push_str(&markdown::render(explanation, style, width));
    out.push_str(&format!("{}\n", style.dim(&question.link)));
    out
}
