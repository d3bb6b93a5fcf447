//! Rules for questions.

use super::report::At;
use super::templates::{lint_document, lint_shown};
use super::{checks, exercise, sense};
use crate::content::catalog::Catalog;
use crate::content::exercise::Exercise;
use crate::content::question::{Question, QuestionType};

pub fn lint(question: &Question, catalog: &Catalog, at: &mut At<'_>) {
    if !question.id.is_valid() {
        at.error("id/format", &["id"], format!("`{}` is not an id", question.id));
    }
    exercise::placements(&question.placements, catalog, at);
    exercise::link(Some(&question.link), &["link"], at);
    for (key, text) in [("prompt", &question.prompt), ("explanation", &question.explanation)] {
        if text.trim().is_empty() {
            at.error("question/empty", &[key], format!("the {key} is empty"));
        }
    }
    fields(question, at);
    match question.answer_type {
        QuestionType::Single | QuestionType::Multiple => options(question, at),
        QuestionType::Short => short(question, at),
        QuestionType::Open => {
            if question.model_answer.as_deref().is_none_or(|m| m.trim().is_empty()) {
                at.error("question/answer", &["type"], "an open question needs `modelAnswer`");
            }
        }
        QuestionType::Command => command(question, catalog, at),
    }
}

/// Keys that belong to another type.
fn fields(question: &Question, at: &mut At<'_>) {
    use QuestionType::{Command, Multiple, Open, Short, Single};
    let of: [(&str, bool, &[QuestionType]); 9] = [
        ("options", !question.options.is_empty(), &[Single, Multiple]),
        ("answer", question.answer.is_some(), &[Short]),
        ("modelAnswer", question.model_answer.is_some(), &[Open]),
        ("variables", !question.variables.is_empty(), &[Command]),
        ("setup", !question.setup.is_empty(), &[Command]),
        ("checks", !question.checks.is_empty(), &[Command]),
        ("gates", !question.gates.is_empty(), &[Command]),
        ("answers", !question.answers.is_empty(), &[Command]),
        ("wrong", !question.wrong.is_empty(), &[Command]),
    ];
    for (key, given, types) in of {
        if given && !types.contains(&question.answer_type) {
            at.error("question/field", &[key], format!("`{key}` does not belong to a question of type {}", question.answer_type.as_str()));
        }
    }
}

fn options(question: &Question, at: &mut At<'_>) {
    let correct = question.options.iter().filter(|o| o.correct).count();
    let single = question.answer_type == QuestionType::Single;
    if question.options.len() < 2 {
        at.error("question/options", &["options"], "at least two options");
    } else if single && correct != 1 {
        at.error("question/options", &["options"], format!("exactly one option of a single choice is right, here {correct}"));
    } else if !single && (correct == 0 || correct == question.options.len()) {
        at.error("question/options", &["options"], "of a multiple choice at least one option is right and at least one is wrong");
    }
    for (i, option) in question.options.iter().enumerate() {
        let i = i.to_string();
        if option.why.trim().is_empty() {
            at.error("question/why", &["options", &i, "why"], "an option without a reason");
        }
        if question.options.iter().filter(|o| o.text.trim() == option.text.trim()).count() > 1 {
            at.error("question/options", &["options", &i, "text"], "two options say the same");
        }
    }
}

fn short(question: &Question, at: &mut At<'_>) {
    let Some(answer) = &question.answer else {
        at.error("question/answer", &["type"], "a short question needs `answer`");
        return;
    };
    if answer.accept.iter().all(|a| a.trim().is_empty()) {
        at.error("question/answer", &["answer", "accept"], "no answer is accepted");
    }
    if let Some(Err(error)) = answer.pattern.as_deref().map(regex::Regex::new) {
        at.error("check/pattern", &["answer", "pattern"], format!("the pattern is wrong: {error}"));
    }
}

fn command(question: &Question, catalog: &Catalog, at: &mut At<'_>) {
    let content = Exercise::of_question(question, None);
    exercise::lint(&content, catalog, at);
    checks::lint(&question.checks, &question.gates, at);
    for (key, empty) in [("checks", question.checks.is_empty()), ("answers", question.answers.is_empty())] {
        if empty {
            at.error("question/answer", &["type"], format!("a command question needs `{key}`"));
        }
    }
    for (i, answer) in question.answers.iter().enumerate() {
        exercise::steps(&answer.steps, &["answers", &i.to_string(), "steps"], at);
    }
    let names = exercise::names(&content);
    lint_document(&names, &["apiVersion", "kind", "id", "placements", "type", "difficulty", "variables", "explanation", "link"], at);
    lint_shown(&names, "prompt", &question.prompt, &["prompt"], at);
    sense::lint(&content, "prompt", at);
}
