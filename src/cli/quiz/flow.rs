//! Leading through a quiz.

use std::sync::Arc;

use jiff::Timestamp;

use super::explain::{self, Explained};
use super::judge::{choices_are_right, chosen, short_is_right};
use super::lab::{Lab, LabOutcome};
use super::result::result;
use super::state::{Drawn, Feedback, State};
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::content::{Catalog, Curriculum, Question, QuestionBody};
use crate::grade::Report;
use crate::model::{Points, Score};
use crate::render::document::QuizDocument;
use crate::render::text;
use crate::store::{Attempt, History, ItemKind, RunId, StoreError};
use crate::tui::console::Console;
use crate::tui::line::{Completion, Line};

/// Words that mean something at every prompt.
const WORDS: &[&str] = &["submit", "skip", "flag", "quit"];

/// A quiz that is being taken.
pub struct Quiz<'a> {
    /// The process's surroundings.
    pub context: &'a Context,
    /// All content.
    pub catalog: &'a Arc<Catalog>,
    /// The exam.
    pub exam: &'a Curriculum,
    /// The history.
    pub history: &'a mut dyn History,
    /// This run's number.
    pub run: RunId,
    /// Where the run stands.
    pub state: State,
    /// Where lines come from.
    pub console: Console,
    /// When this sitting began.
    pub began: Timestamp,
    /// How it prints; with JSON only the result goes to standard output.
    pub format: Format,
    /// The user knows that the history cannot be written.
    pub warned: bool,
}

/// What a prompt came to.
enum Answer {
    /// A score, the answer as typed, and the grading of commands.
    Scored(Score, String, Option<Box<Report>>),
    Skip,
    Flag,
    /// Leave; the run is resumed later.
    Pause,
    /// The input ended: there will be no more answers.
    Over,
}

/// How a sitting ended.
pub enum Ended {
    /// All is answered, or there will be no more answers.
    Finished(QuizDocument),
    /// To be resumed.
    Paused,
}

impl Quiz<'_> {
    /// Asks until everything is answered, time is up, or the user leaves.
    pub async fn take(&mut self) -> Result<Ended, CliError> {
        let mut over = false;
        while let Some((number, drawn)) = self.state.next().map(|(n, d)| (n, d.clone())) {
            if self.time_is_up() {
                self.say("\nTime is up.\n");
                over = true;
                break;
            }
            let question = self.question(&drawn)?;
            let shown = self.context.now();
            match self.prompt(&question, &drawn, number).await? {
                Answer::Scored(score, typed, report) => self.answered(&question, &drawn, score, typed, report, shown)?,
                Answer::Skip => {
                    let last = self.state.next().is_some_and(|(_, d)| d.key == drawn.key) && self.state.skipped.contains(&drawn.key);
                    self.state.skip(&drawn.key);
                    // Skipping the only question that is left must not ask it for ever.
                    if last && self.state.drawn.len() - self.state.answered() == 1 {
                        over = true;
                        break;
                    }
                    self.store();
                }
                Answer::Flag => {
                    let flagged = self.state.flag(&drawn.key);
                    self.say(if flagged { "Flagged.\n" } else { "The flag is gone.\n" });
                    self.store();
                }
                Answer::Pause => {
                    self.pause();
                    return Ok(Ended::Paused);
                }
                Answer::Over => {
                    over = true;
                    break;
                }
            }
        }
        if !over && self.console.is_person() && self.state.feedback == Feedback::End {
            self.review().await?;
        }
        self.finish().map(Ended::Finished)
    }

    fn say(&self, text: &str) {
        if self.format == Format::Text {
            self.context.print(text);
        }
    }

    fn sitting(&self) -> u64 {
        u64::try_from(self.context.now().duration_since(self.began).as_secs()).unwrap_or(0)
    }

    fn time_is_up(&self) -> bool {
        self.state.left(self.sitting()) == Some(0)
    }

    fn question(&self, drawn: &Drawn) -> Result<Arc<Question>, CliError> {
        self.catalog.question(&drawn.id).cloned().ok_or_else(|| {
            CliError::content(format!("question {:?} of this quiz is gone", drawn.id)).hint("begin a new quiz: `ckaprep quiz --exam …`")
        })
    }

    fn store(&mut self) {
        let value = self.stored();
        let stored = self.history.update_run(self.run, &value);
        self.keep(stored);
    }

    /// A full disk must not end a quiz: the user is told once, and it goes on.
    fn keep(&mut self, stored: Result<(), StoreError>) {
        if let Err(error) = stored
            && !self.warned
        {
            self.warned = true;
            let (message, next) = CliError::from(error).in_one_line();
            self.context.warn(&format!("{message}. The quiz goes on; what follows is not recorded. {}", next.unwrap_or_default()));
        }
    }

    /// The state with this sitting's time in it.
    fn stored(&self) -> serde_json::Value {
        let state = State { spent_seconds: self.state.spent_seconds + self.sitting(), ..self.state.clone() };
        // Only strings, numbers and maps with string keys: this always serialises.
        serde_json::to_value(state).unwrap_or_default()
    }

    fn pause(&mut self) {
        self.store();
        self.say(&format!(
            "\n{} of {} answered. `ckaprep quiz resume` goes on from here.\n",
            self.state.answered(),
            self.state.drawn.len()
        ));
    }

    async fn prompt(&mut self, question: &Arc<Question>, drawn: &Drawn, number: usize) -> Result<Answer, CliError> {
        let domain = self.exam.domain(&drawn.domain).map_or(drawn.domain.as_str(), |d| d.title.as_str());
        let left = self.state.left(self.sitting()).map(|s| format!(", {} left", text::duration(s))).unwrap_or_default();
        let head = format!("{number}/{}  {domain}{left}", self.state.drawn.len());
        if question.body() == QuestionBody::Command {
            return self.commands(question, &head).await;
        }
        self.say(&explain::ask(question, &question.prompt, &head, self.context.style(), self.context.width()));
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
                "flag" => return Ok(Answer::Flag),
                "quit" => return Ok(Answer::Pause),
                _ => {}
            }
            let right = match question.body() {
                QuestionBody::Single(options) | QuestionBody::Multiple(options) => match chosen(typed, options.len()) {
                    Some(picked) => choices_are_right(options, &picked),
                    None if self.console.is_person() => {
                        self.say("Please type letters of the options, or skip, flag, quit.\n");
                        continue;
                    }
                    // A script has no second try: what it cannot mean is a wrong answer.
                    None => false,
                },
                QuestionBody::Short(answer) => answer.is_some_and(|answer| short_is_right(answer, typed)),
                QuestionBody::Open(model) => {
                    let style = self.context.style();
                    self.say(&format!("\n{}\n", crate::render::markdown::render(model, style, self.context.width())));
                    matches!(self.line("Was your answer right? [y/n] ").await?, Line::Text(yes) if yes.trim().eq_ignore_ascii_case("y"))
                }
                QuestionBody::Command => false,
            };
            let score = Score { earned: Points(u32::from(right)), maximum: Points(1) };
            return Ok(Answer::Scored(score, typed.to_owned(), None));
        }
    }

    async fn line(&mut self, prompt: &str) -> Result<Line, CliError> {
        let nothing = async |asked: Completion| drop(asked);
        self.console.read(prompt, nothing).await.map_err(|e| CliError::environment("cannot read your answer").because(e))
    }

    /// A command question: its own cluster, a shell, and a grading of what is left behind.
    async fn commands(&mut self, question: &Arc<Question>, head: &str) -> Result<Answer, CliError> {
        let mut lab = Lab::start(self.catalog, question, self.state.seed.unwrap_or(0), self.context).await?;
        let style = self.context.style();
        self.say(&explain::ask(question, &lab.prompt()?, head, style, self.context.width()));
        match lab.take(&mut self.console, self.context.terminal, WORDS).await? {
            LabOutcome::Word(word) if word == "skip" => Ok(Answer::Skip),
            LabOutcome::Word(word) if word == "flag" => Ok(Answer::Flag),
            LabOutcome::Word(word) if word == "quit" => Ok(Answer::Pause),
            LabOutcome::Over if !self.console.is_person() && lab.typed().is_empty() => Ok(Answer::Over),
            LabOutcome::Over if self.console.is_person() => Ok(Answer::Pause),
            // `submit`, `exit`, or a script whose input ended: what is there is graded.
            LabOutcome::Word(_) | LabOutcome::Over => {
                let report = lab.grade().await?;
                Ok(Answer::Scored(report.score, lab.typed().join("\n"), Some(Box::new(report))))
            }
        }
    }

    fn answered(
        &mut self,
        question: &Arc<Question>,
        drawn: &Drawn,
        score: Score,
        typed: String,
        report: Option<Box<Report>>,
        shown: Timestamp,
    ) -> Result<(), CliError> {
        let now = self.context.now();
        let seconds = u64::try_from(now.duration_since(shown).as_secs()).unwrap_or(0);
        // An answer that came too late is none.
        if self.time_is_up() {
            return Ok(());
        }
        let first_time = !self.state.given.contains_key(&drawn.key);
        let given = self.state.answer(&drawn.key, typed, score, shown, seconds).clone();
        let attempt = Attempt {
            kind: ItemKind::Question,
            item: drawn.id.clone(),
            exam: Some(self.state.exam.clone()),
            domain: Some(drawn.domain.clone()),
            started: given.shown,
            seconds: given.seconds,
            first: given.first,
            last: given.score,
            hints: 0,
            assisted: false,
            variant: Default::default(),
            seed: self.state.seed,
        };
        let value = self.stored();
        let stored =
            if first_time { self.history.record_answer(&attempt, self.run, &value) } else { self.history.update_run(self.run, &value) };
        self.keep(stored);
        if self.state.feedback == Feedback::Each {
            let style = self.context.style();
            self.say(&format!("\n{}\n", explain::verdict(score, style)));
            self.explain(question, &drawn.key, report.as_deref())?;
        }
        Ok(())
    }

    fn explain(&self, question: &Arc<Question>, key: &str, report: Option<&Report>) -> Result<(), CliError> {
        let (solution, explanation) = Lab::texts(self.catalog, question, self.state.seed.unwrap_or(0))?;
        let explained = Explained { question, given: self.state.given.get(key), report, solution: &solution, explanation: &explanation };
        self.say(&explain::explain(&explained, self.context.style(), self.context.width()));
        Ok(())
    }

    /// Before an exam-like run ends, flagged questions may be answered anew.
    async fn review(&mut self) -> Result<(), CliError> {
        let flagged: Vec<Drawn> = self.state.drawn.iter().filter(|d| self.state.flagged.contains(&d.key)).cloned().collect();
        for drawn in flagged {
            if self.time_is_up() {
                return Ok(());
            }
            self.say(&format!("\nYou flagged number {}. Answer it anew, or `skip` to leave it.\n", self.state.number(&drawn.key)));
            let question = self.question(&drawn)?;
            let shown = self.context.now();
            let number = self.state.number(&drawn.key);
            if let Answer::Scored(score, typed, report) = self.prompt(&question, &drawn, number).await? {
                self.answered(&question, &drawn, score, typed, report, shown)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<QuizDocument, CliError> {
        let seconds = self.state.spent_seconds + self.sitting();
        let (style, now) = (self.context.style(), self.context.now());
        if self.state.feedback == Feedback::End {
            for drawn in self.state.drawn.clone() {
                let question = self.question(&drawn)?;
                let word =
                    self.state.given.get(&drawn.key).map_or_else(|| style.unsure("Not answered."), |g| explain::verdict(g.score, style));
                let head = format!("{}/{}", self.state.number(&drawn.key), self.state.drawn.len());
                self.say(&format!("{}{word}\n", explain::ask(&question, &question.prompt, &head, style, self.context.width())));
                self.explain(&question, &drawn.key, None)?;
            }
        }
        let value = self.stored();
        let stored = self.history.finish_run(self.run, now, &value);
        self.keep(stored);
        let document = result(&self.state, self.exam, seconds);
        self.say(&format!("\n{}", text::quiz(&document, style, self.context.width())));
        Ok(document)
    }
}
