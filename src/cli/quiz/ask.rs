//! Asking one question: what is shown, what is typed, what it is worth. Quizzes and study sessions ask alike.

use std::sync::Arc;

use jiff::Timestamp;

use super::explain::{self, Explained, Words};
use super::judge::{choices_are_right, chosen, own_score, short_is_right};
use super::lab::{Choice, Lab, LabOutcome};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::serve::convert;
use crate::content::version::version;
use crate::content::{Catalog, Instance, Question, QuestionBody};
use crate::grade::Report;
use crate::model::{ItemKind, Points, Rating, Score};
use crate::render::markdown;
use crate::render::wrap::wrap;
use crate::store::{self, Details};
use crate::tui::console::Console;
use crate::tui::line::{Completion, Line};

/// What goes on around a question.
pub trait Around {
    /// Which words are understood.
    fn words(&self) -> Words;
    /// The learner wants the question flagged, or no longer. Whether it is flagged now.
    fn flag(&mut self) -> bool;
    /// A command was run on the question's cluster.
    fn typed(&mut self, command: &str);
}

/// Nothing goes on around a question that is asked for itself: its answer is recorded when it is given.
pub struct Alone;

impl Around for Alone {
    fn words(&self) -> Words {
        Words::Plain
    }

    fn flag(&mut self) -> bool {
        false
    }

    fn typed(&mut self, _: &str) {}
}

/// A question to ask.
pub struct Asking<'q> {
    /// The question.
    pub question: &'q Arc<Question>,
    /// The line above it.
    pub head: &'q str,
    /// What chooses its variables.
    pub choice: &'q Choice,
    /// Commands that were run on an earlier cluster of it, where there was one.
    pub before: Option<&'q [String]>,
}

/// An answer that was given.
pub struct Given {
    /// What it is worth.
    pub score: Score,
    /// The learner's own rating, where ckaprep could not grade.
    pub rating: Option<Rating>,
    /// As typed.
    pub typed: String,
    /// Grading of commands.
    pub report: Option<Report>,
    /// The variant, where there are any.
    pub instance: Option<Instance>,
    /// When the question was there to be read.
    pub shown: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
}

/// What asking came to.
pub enum Answer {
    /// An answer.
    Given(Box<Given>),
    /// Not now.
    Skip,
    /// Leave; come back later.
    Pause,
    /// The input ended: there will be no more answers.
    Over,
}

/// Who asks.
pub struct Asker<'a> {
    /// The process's surroundings.
    pub context: &'a Context,
    /// All content.
    pub catalog: &'a Arc<Catalog>,
    /// Where lines come from.
    pub console: Console,
    /// How it prints; with JSON only the result goes to standard output.
    pub format: Format,
}

impl Asker<'_> {
    /// Prints text for people.
    pub fn say(&self, text: &str) {
        if self.format == Format::Text {
            self.context.print(text);
        }
    }

    /// A remark in a paragraph of its own.
    pub fn remark(&self, text: &str) {
        self.say(&wrap(text, self.context.width(), "", ""));
    }

    /// Reads a line.
    pub async fn line(&mut self, prompt: &str) -> Result<Line, CliError> {
        let nothing = async |asked: Completion| drop(asked);
        self.console.read(prompt, nothing).await.map_err(|e| CliError::environment("cannot read your answer").because(e))
    }

    /// Asks.
    pub async fn ask(&mut self, asking: &Asking<'_>, around: &mut dyn Around) -> Result<Answer, CliError> {
        if asking.question.body() == QuestionBody::Command { self.commands(asking, around).await } else { self.text(asking, around).await }
    }

    fn show(&self, asking: &Asking<'_>, prompt: &str, words: Words) {
        self.say(&explain::ask(asking.question, prompt, asking.head, words, self.context.style(), self.context.width()));
    }

    async fn text(&mut self, asking: &Asking<'_>, around: &mut dyn Around) -> Result<Answer, CliError> {
        let question = asking.question;
        self.show(asking, &question.prompt, around.words());
        let shown = self.context.now();
        loop {
            let line = self.line("> ").await?;
            let Line::Text(typed) = line else {
                return Ok(match line {
                    Line::End if !self.console.is_person() => Answer::Over,
                    _ => Answer::Pause,
                });
            };
            let typed = typed.trim();
            match typed {
                "" => continue,
                "skip" => return Ok(Answer::Skip),
                "quit" => return Ok(Answer::Pause),
                "flag" if around.words() == Words::WithFlag => {
                    self.flagged(around);
                    continue;
                }
                _ => {}
            }
            let answered = self.context.now();
            let right = match question.body() {
                QuestionBody::Single(options) | QuestionBody::Multiple(options) => match chosen(typed, options.len()) {
                    Some(picked) if picked.len() > 1 && self.console.is_person() && matches!(question.body(), QuestionBody::Single(_)) => {
                        self.remark("One is right here: please type one letter.");
                        continue;
                    }
                    Some(picked) => choices_are_right(options, &picked),
                    None if self.console.is_person() => {
                        self.remark(&format!("Please type letters of the options, or {}.", around.words().as_str()));
                        continue;
                    }
                    // A script has no second try: what it cannot mean is a wrong answer.
                    None => false,
                },
                QuestionBody::Short(answer) => answer.is_some_and(|answer| short_is_right(answer, typed)),
                QuestionBody::Open(model) => {
                    let text = markdown::render(model, self.context.style(), self.context.width());
                    self.say(&format!("\n{}\n\n{text}\n", self.context.style().title("A good answer")));
                    let Some(rating) = self.rating("How well did you know it?").await? else { return Ok(Answer::Pause) };
                    let (score, typed) = (own_score(rating), typed.to_owned());
                    return Ok(given(Given { score, rating: Some(rating), typed, report: None, instance: None, shown, answered }));
                }
                QuestionBody::Command => false,
            };
            let score = Score { earned: Points(u32::from(right)), maximum: Points(1) };
            return Ok(given(Given { score, rating: None, typed: typed.to_owned(), report: None, instance: None, shown, answered }));
        }
    }

    fn flagged(&self, around: &mut dyn Around) {
        self.say(if around.flag() { "Flagged.\n" } else { "The flag is gone.\n" });
    }

    /// Asks for the learner's own rating; nothing when the learner leaves.
    pub async fn rating(&mut self, ask: &str) -> Result<Option<Rating>, CliError> {
        loop {
            match self.line(&format!("{ask} [again/hard/good/easy] ")).await? {
                Line::Text(typed) => match Rating::typed(&typed) {
                    Some(rating) => return Ok(Some(rating)),
                    None if self.console.is_person() => self.remark("again: not known; hard: with trouble; good: known; easy: at once."),
                    None => return Ok(Some(Rating::Again)),
                },
                Line::End | Line::Interrupted => return Ok(None),
            }
        }
    }

    /// A command question: its own cluster, a shell, and a grading of what is left behind.
    async fn commands(&mut self, asking: &Asking<'_>, around: &mut dyn Around) -> Result<Answer, CliError> {
        let mut lab = Lab::start(self.catalog, asking.question, asking.choice, self.context).await?;
        self.show(asking, &lab.prompt()?, around.words());
        if let Some(typed) = asking.before {
            self.begun_anew(typed);
        }
        let shown = self.context.now();
        let words = around.words();
        loop {
            let outcome = lab
                .take(&mut self.console, self.context.terminal, self.format, words.commands(), &mut |command| around.typed(command))
                .await?;
            match outcome {
                LabOutcome::Word(word) if word == "flag" => self.flagged(around),
                LabOutcome::Word(word) if word == "skip" => {
                    if !lab.typed().is_empty() {
                        self.remark("Its cluster is gone with what you did there; when the question comes again, it begins anew.");
                    }
                    return Ok(Answer::Skip);
                }
                LabOutcome::Word(word) if word == "quit" => return Ok(Answer::Pause),
                LabOutcome::Over if !self.console.is_person() && lab.typed().is_empty() => return Ok(Answer::Over),
                LabOutcome::Over if self.console.is_person() => return Ok(Answer::Pause),
                // `submit`, or a script whose input ended: what is there is graded.
                LabOutcome::Word(_) | LabOutcome::Over => {
                    let answered = self.context.now();
                    let report = lab.grade().await?;
                    let (score, typed) = (report.score, lab.typed().join("\n"));
                    let instance = Some(lab.instance().clone());
                    return Ok(given(Given { score, rating: None, typed, report: Some(report), instance, shown, answered }));
                }
            }
        }
    }

    /// A question's cluster does not outlive the process that asks it; the learner must know that the work is gone.
    fn begun_anew(&mut self, typed: &[String]) {
        let mut text = "You had begun this question before. The cluster of then is gone, and this is a fresh one.".to_owned();
        if !typed.is_empty() {
            text.push_str(" What you had run there was not run again:");
        }
        self.remark(&text);
        for command in typed {
            self.console.remember(command);
            for line in command.lines() {
                self.say(&format!("  {}\n", self.context.style().code(&printable(line))));
            }
        }
        if !typed.is_empty() && self.console.is_person() {
            self.remark("The up arrow brings these lines back.");
        }
        self.say("\n");
    }

    /// Explains an answer.
    pub fn explain(&self, question: &Arc<Question>, typed: Option<&str>, report: Option<&Report>, choice: &Choice) -> Result<(), CliError> {
        let texts = Lab::texts(self.catalog, question, choice)?;
        let explained = Explained { question, typed, report, solution: &texts.solution, explanation: &texts.explanation };
        self.say(&explain::explain(&explained, self.context.style(), self.context.width()));
        Ok(())
    }

    /// The attempt that an answer is, for the history. `place` is the exam and the domain that it counts for.
    pub fn attempt(&self, question: &Question, place: (&str, &str), choice: &Choice, given: &Given) -> (store::Attempt, Details) {
        // Rated by the learner: no machine's score.
        let score = if given.rating.is_some() { Score::default() } else { given.score };
        let attempt = store::Attempt {
            id: String::new(),
            kind: ItemKind::Question,
            item: question.id.to_string(),
            exam: Some(place.0.to_owned()),
            domain: Some(place.1.to_owned()),
            started: given.shown,
            seconds: given.seconds(),
            budget_seconds: Some(question.answer_type.budget_seconds()),
            first: score,
            last: score,
            hints: 0,
            assisted: false,
            variant: given.instance.as_ref().map(convert::variant).unwrap_or_default(),
            seed: given.instance.as_ref().map(|_| choice.seed),
            rating: given.rating,
            content: version(self.catalog, ItemKind::Question, question.id.as_str()),
        };
        let details = Details {
            bindings: given.instance.as_ref().map(|instance| instance.bindings.clone()).unwrap_or_default(),
            answer: Some(given.typed.clone()),
            report: given.report.as_ref().and_then(|report| serde_json::to_value(report).ok()),
        };
        (store::Attempt { id: attempt.identity(), ..attempt }, details)
    }
}

impl Given {
    /// How long it took.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.answered.duration_since(self.shown).as_secs()).unwrap_or(0)
    }
}

fn given(given: Given) -> Answer {
    Answer::Given(Box::new(given))
}

/// What was typed may hold anything; a terminal is shown none of it that it would obey.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
