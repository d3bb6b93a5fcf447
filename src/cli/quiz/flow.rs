//! Leading through a quiz.

use std::sync::Arc;

use super::ask::{Answer, Asker, Asking, Given};
use super::book::{Book, Page};
use super::explain::{self, Words};
use super::lab::{Choice, Lab};
use super::result::result;
use super::state::{Drawn, Feedback};
use crate::cli::error::CliError;
use crate::content::{Curriculum, Question, QuestionBody};
use crate::render::document::QuizDocument;
use crate::render::text;

/// A quiz that is being taken.
pub struct Quiz<'a> {
    /// Who asks.
    pub asker: Asker<'a>,
    /// The exam.
    pub exam: &'a Curriculum,
    /// Where it stands.
    pub book: Book<'a>,
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
        while let Some(drawn) = self.book.state.next().map(|(_, drawn)| drawn.clone()) {
            if self.book.time_is_up() {
                self.asker.say("\nTime is up.\n");
                over = true;
                break;
            }
            let question = self.question(&drawn)?;
            match self.ask(&question, &drawn).await? {
                Answer::Given(given) => self.answered(&question, &drawn, *given)?,
                Answer::Skip => {
                    let last = self.book.state.skipped.contains(&drawn.key);
                    self.book.state.skip(&drawn.key);
                    // Skipping the only question that is left must not ask it for ever.
                    if last && self.book.state.drawn.len() - self.book.state.answered() == 1 {
                        over = true;
                        break;
                    }
                    self.book.store();
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
        if !over && self.asker.console.is_person() && self.book.state.feedback == Feedback::End {
            self.review().await?;
        }
        self.finish().map(Ended::Finished)
    }

    fn question(&self, drawn: &Drawn) -> Result<Arc<Question>, CliError> {
        self.asker.catalog.question(&drawn.id).cloned().ok_or_else(|| {
            CliError::content(format!("question {:?} of this quiz is gone", drawn.id)).hint("begin a new quiz: `ckaprep quiz --exam …`")
        })
    }

    fn choice(&self) -> Choice {
        Choice { seed: self.book.state.lab_seed(), ..Choice::default() }
    }

    fn pause(&mut self) {
        self.book.store();
        let (answered, all) = (self.book.state.answered(), self.book.state.drawn.len());
        self.asker.say("\n");
        self.asker.remark(&format!("{answered} of {all} answered. `ckaprep quiz resume` goes on from here."));
    }

    async fn ask(&mut self, question: &Arc<Question>, drawn: &Drawn) -> Result<Answer, CliError> {
        let domain = self.exam.domain(&drawn.domain).map_or(drawn.domain.as_str(), |d| d.title.as_str());
        let left = self.book.left().map(|s| format!(", {} left", text::duration(s))).unwrap_or_default();
        let flag = if self.book.state.flagged.contains(&drawn.key) { ", flagged" } else { "" };
        let head = format!("{}/{} {domain}{left}{flag}", self.book.state.number(&drawn.key), self.book.state.drawn.len());
        let before = if question.body() == QuestionBody::Command {
            let before = self.book.state.begin(&drawn.key);
            self.book.store();
            before
        } else {
            None
        };
        let choice = self.choice();
        let asking = Asking { question, head: &head, choice: &choice, before: before.as_deref() };
        self.asker.ask(&asking, &mut Page { book: &mut self.book, drawn }).await
    }

    fn answered(&mut self, question: &Arc<Question>, drawn: &Drawn, given: Given) -> Result<(), CliError> {
        if self.book.time_is_up() {
            self.asker.remark("The time was up before that answer: it does not count.");
            return Ok(());
        }
        let (mut attempt, details) = self.asker.attempt(question, (&self.book.state.exam, &drawn.domain), &self.choice(), &given);
        let Given { score, typed, report, shown, .. } = given;
        let kept = self.book.state.answer(&drawn.key, typed.clone(), score, shown, attempt.seconds);
        // An answer that is given anew is the same attempt with another end.
        (attempt.started, attempt.seconds, attempt.first) = (kept.shown, kept.seconds, kept.first);
        attempt.id = attempt.identity();
        self.book.record(&attempt, &details);
        if self.book.state.feedback == Feedback::Each {
            self.asker.say(&format!("\n{}\n", explain::verdict(score, self.asker.context.style())));
            self.asker.explain(question, Some(&typed), report.as_ref(), &self.choice())?;
        }
        self.book.reports.extend(report.map(|report| (drawn.key.clone(), report)));
        Ok(())
    }

    /// Before an exam-like run ends, flagged questions may be answered anew.
    async fn review(&mut self) -> Result<(), CliError> {
        let flagged: Vec<Drawn> = self.book.state.drawn.iter().filter(|d| self.book.state.flagged.contains(&d.key)).cloned().collect();
        for drawn in flagged {
            if self.book.time_is_up() {
                return Ok(());
            }
            let number = self.book.state.number(&drawn.key);
            self.asker.say("\n");
            self.asker.remark(&format!("You flagged number {number}. Answer it anew, or `skip` to leave it as it is."));
            let question = self.question(&drawn)?;
            match self.ask(&question, &drawn).await? {
                Answer::Given(given) => self.answered(&question, &drawn, *given)?,
                Answer::Skip => {}
                // Everything is answered: leaving here is leaving the second look.
                Answer::Pause | Answer::Over => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<QuizDocument, CliError> {
        let seconds = self.book.state.spent_seconds + self.book.sitting();
        let (style, width) = (self.asker.context.style(), self.asker.context.width());
        if self.book.state.feedback == Feedback::End {
            for drawn in self.book.state.drawn.clone() {
                let question = self.question(&drawn)?;
                let given = self.book.state.given.get(&drawn.key).cloned();
                let word = given.as_ref().map_or_else(|| style.unsure("Not answered."), |given| explain::verdict(given.score, style));
                let head = format!("{}/{}", self.book.state.number(&drawn.key), self.book.state.drawn.len());
                let prompt = Lab::texts(self.asker.catalog, &question, &self.choice())?.prompt;
                self.asker.say(&format!("{}{word}\n", explain::ask(&question, &prompt, &head, Words::None, style, width)));
                let report = self.book.reports.get(&drawn.key);
                self.asker.explain(&question, given.as_ref().map(|given| given.answer.as_str()), report, &self.choice())?;
            }
        }
        self.book.finish();
        let document = result(&self.book.state, self.exam, seconds);
        self.asker.say(&format!("\n{}", text::quiz(&document, style, width)));
        Ok(document)
    }
}
