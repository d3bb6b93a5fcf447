//! Leading through a study session.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::scenario::{Became, Exact};
use crate::cli::catalog;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::material;
use crate::cli::quiz::ask::{Alone, Answer, Asker, Asking, Given};
use crate::cli::quiz::explain;
use crate::cli::quiz::lab::Choice;
use crate::content::{Catalog, Curriculum};
use crate::model::{ItemKind, Score, Try};
use crate::render::learning::{DoneDocument, PlannedDocument, Reason, StudyDocument};
use crate::render::text;
use crate::store::{Attempt, Details, History};
use crate::study::{Plan, Planned, Scheduler, Standing, Why};
use crate::tui::console::Console;
use crate::tui::line::Line;

/// The plan as a document.
pub fn document(exam: &Curriculum, minutes: u32, plan: &Plan<'_>) -> StudyDocument {
    let item = |planned: &Planned<'_>| {
        let material = planned.standing.material;
        let (reason, recall_percent) = match planned.why {
            Why::Due(percent) => (Reason::Due, Some(percent)),
            Why::New => (Reason::New, None),
            Why::Ahead(percent) => (Reason::Ahead, Some(percent)),
        };
        PlannedDocument {
            kind: material.kind,
            id: material.id.clone(),
            domain: material.domain.to_string(),
            domain_title: exam.domain(material.domain.as_str()).map_or_else(String::new, |domain| domain.title.clone()),
            competency: material.competency.to_string(),
            seconds: material.seconds,
            reason,
            recall_percent,
        }
    };
    StudyDocument {
        exam: exam.id.to_string(),
        title: exam.title.clone(),
        minutes,
        planned_seconds: plan.seconds,
        left_due: plan.left_due,
        plan: plan.items.iter().map(item).collect(),
        done: Vec::new(),
    }
}

/// A session under way.
pub struct Sitting<'a> {
    asker: Asker<'a>,
    exam: &'a Curriculum,
    history: &'a mut dyn History,
    began: Timestamp,
    minutes: u32,
    seed: u64,
    content: Option<PathBuf>,
    scheduler: Scheduler,
    done: Vec<DoneDocument>,
    warned: bool,
}

/// What one item came to.
enum Went {
    On,
    /// The learner leaves, or there will be no more answers.
    Ends,
}

impl<'a> Sitting<'a> {
    /// Opens the console.
    #[expect(clippy::too_many_arguments, reason = "one call, and each is named by its type")]
    pub fn open(
        context: &'a Context,
        catalog: &'a Arc<Catalog>,
        exam: &'a Curriculum,
        history: &'a mut dyn History,
        minutes: u32,
        seed: u64,
        content: Option<PathBuf>,
        format: Format,
    ) -> Result<Self, CliError> {
        let console = Console::open(context.terminal, None, format == Format::Text)
            .map_err(|e| CliError::environment("cannot read your answers").because(e))?;
        let asker = Asker { context, catalog, console, format };
        let (scheduler, began) = (Scheduler::default(), context.now());
        Ok(Self { asker, exam, history, began, minutes, seed, content, scheduler, done: Vec::new(), warned: false })
    }

    /// Whether the learner begins. A person sees the plan first; a script has decided.
    pub async fn begins(&mut self, scenarios: usize) -> Result<bool, CliError> {
        if !self.asker.console.is_person() {
            return Ok(true);
        }
        if scenarios > 0 {
            self.asker.remark("A scenario opens a shell of its own; leave it with `exit` to go on here.");
        }
        let begins =
            matches!(self.asker.line("Enter begins, q leaves: ").await?, Line::Text(text) if !text.trim().starts_with(['q', 'n', 'e']));
        self.began = self.asker.context.now();
        Ok(begins)
    }

    /// Goes through the plan until it is done, the minutes are over, or the learner leaves.
    pub async fn practise(mut self, plan: &Plan<'_>) -> Result<Vec<DoneDocument>, CliError> {
        for (number, planned) in plan.items.iter().enumerate() {
            let left = (u64::from(self.minutes) * 60).saturating_sub(self.spent());
            if left == 0 {
                self.asker.say("\nThe minutes are over.\n");
                break;
            }
            let material = planned.standing.material;
            let domain = self.exam.domain(material.domain.as_str()).map_or(material.domain.as_str(), |d| d.title.as_str());
            let head = format!("{}/{} {domain}, {} left", number + 1, plan.items.len(), text::duration(left));
            let went = match material.kind {
                ItemKind::Question => self.question(&planned.standing, &head).await?,
                // One that is sure not to be done in time only frustrates.
                ItemKind::Scenario if left * 2 < material.seconds => {
                    self.asker.say("\n");
                    self.asker.remark(&format!("{} needs {}: it is left for next time.", material.id, text::duration(material.seconds)));
                    Went::On
                }
                ItemKind::Scenario => self.scenario(&planned.standing, &head).await?,
            };
            if matches!(went, Went::Ends) {
                break;
            }
        }
        Ok(self.done)
    }

    fn spent(&self) -> u64 {
        u64::try_from(self.asker.context.now().duration_since(self.began).as_secs()).unwrap_or(0)
    }

    async fn question(&mut self, standing: &Standing<'_>, head: &str) -> Result<Went, CliError> {
        let catalog = self.asker.catalog;
        let question = catalog::question(catalog, &standing.material.id)?;
        let choice = Choice { seed: self.seed, ..Choice::default() };
        let asking = Asking { question, head, choice: &choice, before: None };
        let given = match self.asker.ask(&asking, &mut Alone).await? {
            Answer::Given(given) => *given,
            Answer::Skip => return Ok(Went::On),
            Answer::Pause | Answer::Over => return Ok(Went::Ends),
        };
        let place = (self.exam.id.as_str(), standing.material.domain.as_str());
        let (attempt, details) = self.asker.attempt(question, place, &choice, &given);
        let Given { score, rating, typed, report, .. } = given;
        if rating.is_none() {
            self.asker.say(&format!("\n{}\n", explain::verdict(score, self.asker.context.style())));
        }
        self.asker.explain(question, Some(&typed), report.as_ref(), &choice)?;
        self.record(&attempt, &details);
        self.count(standing, &attempt);
        Ok(Went::On)
    }

    async fn scenario(&mut self, standing: &Standing<'_>, head: &str) -> Result<Went, CliError> {
        let (catalog, context, format) = (self.asker.catalog, self.asker.context, self.asker.format);
        let entry = catalog::scenario(catalog, &standing.material.id)?;
        // The card is of this variant; names and ports are new each time.
        let bindings = material::bindings(&entry.exercise, &standing.material.variant).unwrap_or_default();
        let seed = self.seed.wrapping_add(self.done.len() as u64);
        let exact = Exact { id: standing.material.id.clone(), seed, bindings, content: self.content.clone() };
        self.asker.say(&format!("\n{}\n\n", context.style().title(head)));
        let started = context.now();
        match exact.practise(context, self.history, format).await? {
            Became::Graded(attempt) => self.count(standing, &attempt),
            Became::GoesOn => self.asker.remark("It is rated when it is graded."),
            Became::Stopped => {
                self.asker.say(&exact.answer(catalog, context)?);
                let Some(rating) = self.asker.rating("Not graded. How well did you know it?").await? else { return Ok(Went::Ends) };
                let (attempt, details) = exact.rated(catalog, started, context.now(), rating)?;
                self.record(&attempt, &details);
                self.count(standing, &attempt);
            }
        }
        // Whoever leaves a task may want to leave the session: the next item would take the screen at once.
        let next = self.asker.line("Enter goes on, q leaves: ").await?;
        Ok(if matches!(next, Line::Text(text) if !text.trim().starts_with('q')) { Went::On } else { Went::Ends })
    }

    /// A full disk must not end a session: the learner is told once, and it goes on.
    fn record(&mut self, attempt: &Attempt, details: &Details) {
        if let Err(error) = self.history.record(attempt, details)
            && !self.warned
        {
            self.warned = true;
            let (message, next) = CliError::from(error).in_one_line();
            self.asker.context.warn(&format!("{message}. The session goes on; what follows is not recorded. {}", next.unwrap_or_default()));
        }
    }

    /// Rates an attempt and says when it comes again.
    fn count(&mut self, standing: &Standing<'_>, attempt: &Attempt) {
        let now = self.asker.context.now();
        let mut tries = standing.tries.to_vec();
        tries.push(try_of(attempt));
        let Some(memory) = self.scheduler.memory(&tries) else { return };
        let due = Timestamp::from_second(memory.due).unwrap_or(now);
        let graded: Option<Score> = attempt.rating.is_none().then_some(attempt.last);
        self.asker.say(&format!("\n{}: it comes {}.\n", memory.rating.as_str(), text::again_in(due, now)));
        self.done.push(DoneDocument {
            kind: attempt.kind,
            id: attempt.item.clone(),
            attempt: attempt.id.clone(),
            score: graded,
            rating: memory.rating,
            due,
        });
    }
}

fn try_of(attempt: &Attempt) -> Try {
    Try {
        at: attempt.started.as_second(),
        seconds: attempt.seconds,
        budget: attempt.budget_seconds,
        first: attempt.first,
        last: attempt.last,
        hints: attempt.hints,
        assisted: attempt.assisted,
        own: attempt.rating,
    }
}
