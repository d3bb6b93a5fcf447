//! What a session answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::attempt::Attempt;
use super::engine::Engine;
use super::{convert, shells};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::InstanceError;
use crate::grade::{Outcome, Report};
use crate::render::document as d;
use crate::session::folder::{Folder, Record};
use crate::session::protocol::{Refusal, Request, Size};
use crate::session::server::{After, Inputs, Replies, Service};
use crate::session::shell::commands::{self, Typed};
use crate::session::{Directories, SessionError};
use crate::store::{self, History, ItemKind};

/// A session's service.
pub struct Practice {
    /// The process's surroundings.
    pub context: Context,
    /// State directories.
    pub directories: Directories,
    /// The session's folder.
    pub folder: Folder,
    /// Its record.
    pub record: Record,
    /// The cluster with the scenario on it.
    pub engine: Engine,
    /// What is remembered of the learner.
    pub attempt: Mutex<Attempt>,
    /// Only one grading or reset at a time: each would disturb the other.
    pub busy: tokio::sync::Mutex<()>,
}

impl Service for Practice {
    fn serve(self: Arc<Self>, request: Request, inputs: Inputs, replies: Replies) -> BoxFuture<'static, Result<After, Refusal>> {
        async move { self.answer(request, inputs, replies).await.map_err(refusal) }.boxed()
    }
}

/// An error as it travels; the client shows it like one of its own.
fn refusal(error: CliError) -> Refusal {
    let (message, next) = error.in_one_line();
    Refusal { message, next, code: error.code() }
}

impl From<InstanceError> for CliError {
    fn from(error: InstanceError) -> Self {
        Self::content("the scenario's content is wrong").because(error)
    }
}

impl Practice {
    fn now(&self) -> Timestamp {
        self.context.now()
    }

    fn attempt(&self) -> MutexGuard<'_, Attempt> {
        // Values are replaced whole: a panic elsewhere leaves a valid attempt.
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the attempt and writes it. That it cannot be written must not stop the learner.
    fn change<T>(&self, change: impl FnOnce(&mut Attempt) -> T) -> T {
        let mut attempt = self.attempt();
        let result = change(&mut attempt);
        if let Err(error) = attempt.save(&self.folder, self.now()) {
            tracing::warn!(%error, "the attempt could not be saved");
        }
        result
    }

    /// Saves the attempt as it stands: the process is about to end.
    pub fn save(&self) -> Result<(), SessionError> {
        self.attempt().save(&self.folder, self.now())
    }

    async fn answer(&self, request: Request, inputs: Inputs, replies: Replies) -> Result<After, CliError> {
        match request {
            Request::Status => send(&replies, &self.status()).await?,
            Request::Task => send(&replies, &self.task()?).await?,
            Request::Check { why } => {
                let _busy = self.busy.lock().await;
                let report = self.engine.check(&replies).await?;
                self.change(|attempt| {
                    if report.outcome != Outcome::NotGraded {
                        attempt.scored(report.score);
                    }
                    attempt.whys += u32::from(why);
                });
                send(&replies, &self.check(report, why)).await?;
            }
            Request::Hint => send(&replies, &self.hint()?).await?,
            Request::Solution => {
                let steps = self.engine.instance().solution()?.into_iter().map(convert::step).collect();
                self.change(|attempt| attempt.assisted = true);
                send(&replies, &d::SolutionDocument { steps }).await?;
            }
            Request::Reset => {
                let _busy = self.busy.lock().await;
                replies.progress("putting the cluster back", None);
                self.engine.reset(self.now(), &replies).await?;
                // A cluster that was made anew has another certificate.
                self.folder.write("kubeconfig", self.engine.kubeconfig().as_bytes())?;
                let record = self.engine.instance().record();
                self.change(|attempt| *attempt = attempt.anew(record, self.now()));
                send(&replies, &self.status()).await?;
            }
            Request::Finish { record } => {
                let _busy = self.busy.lock().await;
                let outcome = self.finish(record, &replies).await?;
                send(&replies, &outcome).await?;
            }
            Request::Stop => return Ok(After::Stop),
            Request::Hold => replies.closed().await,
            Request::Shell { node, terminal } => self.shell(node, terminal, inputs, replies).await?,
        }
        Ok(After::Serve)
    }

    fn status(&self) -> d::StatusDocument {
        let (attempt, record) = (self.attempt(), &self.record);
        d::StatusDocument {
            session: record.id.clone(),
            scenario: record.scenario.clone(),
            title: record.title.clone(),
            state: d::SessionState::Running,
            seed: record.seed,
            backend: record.backend.clone(),
            kubeconfig: self.folder.kubeconfig(),
            nodes: record.nodes.iter().map(Into::into).collect(),
            started: record.started,
            elapsed_seconds: Some(attempt.elapsed(self.now())),
            budget_seconds: Some(self.budget()),
            hints: Some(attempt.all_hints()),
            assisted: Some(attempt.assisted),
        }
    }

    fn budget(&self) -> u64 {
        u64::from(self.engine.instance().exercise.minutes) * 60
    }

    fn task(&self) -> Result<d::TaskDocument, CliError> {
        let instance = self.engine.instance();
        Ok(d::TaskDocument {
            session: self.record.id.clone(),
            scenario: self.record.scenario.clone(),
            title: instance.title()?,
            host: instance.host().to_owned(),
            context: instance.inventory.context.clone(),
            minutes: instance.exercise.minutes,
            text: instance.task()?,
        })
    }

    fn check(&self, report: Report, with_evidence: bool) -> d::CheckDocument {
        d::CheckDocument {
            session: self.record.id.clone(),
            scenario: self.record.scenario.clone(),
            elapsed_seconds: self.attempt().elapsed(self.now()),
            budget_seconds: self.budget(),
            with_evidence,
            report: if with_evidence { report } else { convert::without_evidence(report) },
        }
    }

    fn hint(&self) -> Result<d::HintDocument, CliError> {
        let hints = self.engine.instance().hints()?;
        let total = u32::try_from(hints.len()).unwrap_or(u32::MAX);
        let shown = self.attempt().hints;
        if shown >= total {
            return Ok(d::HintDocument { number: 0, total, text: None });
        }
        self.change(|attempt| attempt.hints += 1);
        Ok(d::HintDocument { number: shown + 1, total, text: hints.into_iter().nth(shown as usize) })
    }

    async fn finish(&self, record: bool, replies: &Replies) -> Result<d::OutcomeDocument, CliError> {
        let report = self.engine.finish(replies).await?;
        let instance = self.engine.instance();
        let attempt = self.change(|attempt| {
            attempt.scored(report.score);
            attempt.clone()
        });
        let not_recorded = if !record {
            Some("it was not asked for".to_owned())
        } else if report.outcome == Outcome::NotGraded {
            Some("it could not be graded".to_owned())
        } else {
            self.store(&attempt, &report).err()
        };
        if not_recorded.is_none() {
            self.change(|attempt| attempt.recorded = true);
        }
        let mut typed = commands::typed(&self.folder);
        typed.extend(attempt.commands.iter().cloned());
        typed.extend(self.engine.typed_on_nodes().await.into_iter().map(|(host, at, line)| Typed { at, host, line }));
        Ok(d::OutcomeDocument {
            first: attempt.first.unwrap_or(report.score),
            check: self.check(report, true),
            hints: attempt.all_hints(),
            assisted: attempt.assisted,
            variant: convert::variant(&instance),
            seed: instance.seed,
            debrief: convert::debrief(instance.debrief()?),
            commands: convert::commands(typed, attempt.started),
            not_recorded,
        })
    }

    /// Puts the attempt into the history; the error is for the learner.
    fn store(&self, attempt: &Attempt, report: &Report) -> Result<(), String> {
        let last = report.score;
        if attempt.recorded {
            return Err("it is there already".to_owned());
        }
        let mut opened = store::open(&self.directories.history(), self.now()).map_err(|e| e.to_string())?;
        if let Some(trouble @ store::Trouble::InMemory { .. }) = &opened.trouble {
            return Err(trouble.to_string());
        }
        let instance = self.engine.instance();
        let placement = instance.exercise.placements.first();
        let row = store::Attempt {
            id: String::new(),
            kind: ItemKind::Scenario,
            item: instance.exercise.id.clone(),
            exam: placement.map(|p| p.exam.to_string()),
            domain: placement.map(|p| p.domain.to_string()),
            started: attempt.started,
            seconds: attempt.elapsed(self.now()),
            first: attempt.first.unwrap_or(last),
            last,
            hints: attempt.all_hints(),
            assisted: attempt.assisted,
            variant: convert::variant(&instance),
            seed: Some(instance.seed),
            budget_seconds: Some(self.budget()),
            rating: None,
            content: self.engine.version(),
        };
        let row = store::Attempt { id: row.identity(), ..row };
        let report = serde_json::to_value(report).map_err(|e| e.to_string())?;
        let details = store::Details { bindings: instance.bindings.clone(), answer: None, report: Some(report) };
        opened.history.record(&row, &details).map_err(|e| e.to_string())
    }

    async fn shell(&self, node: String, terminal: Option<Size>, inputs: Inputs, replies: Replies) -> Result<(), CliError> {
        let shell = self.engine.open_shell(&node, terminal)?;
        let on_base = node == "base";
        shells::relay(shell, inputs, replies, |line| {
            if !on_base {
                let typed = Typed { at: self.now(), host: node.clone(), line: line.to_owned() };
                self.change(|attempt| attempt.commands.push(typed));
            }
        })
        .await;
        Ok(())
    }
}

async fn send(replies: &Replies, document: &impl serde::Serialize) -> Result<(), CliError> {
    let value = serde_json::to_value(document).map_err(|e| CliError::bug("a result has no JSON form").because(e))?;
    replies.document(value).await;
    Ok(())
}
