//! The throwaway cluster of a command question.

use std::sync::Arc;

use crate::backend::embedded::{Embedded, Spec, Time};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::content::step::ScriptStep;
use crate::content::{Bindings, Catalog, ExerciseKind, Instance, Question, QuestionBody};
use crate::grade::Report;
use crate::model::Inventory;
use crate::runner;
use crate::tui::Terminal;
use crate::tui::console::Console;
use crate::tui::link::Link;
use crate::tui::node_shell::{Left, NodeShell};

/// Workers of a throwaway cluster: most questions need none, and one is where pods run.
const WORKERS: u8 = 1;

/// How the shell of a command question was left.
pub enum LabOutcome {
    /// By a word.
    Word(String),
    /// The input ended, or the shell did.
    Over,
}

/// A cluster with a question on it.
pub struct Lab {
    cluster: Embedded,
    instance: Arc<Instance>,
    typed: Vec<String>,
}

impl Lab {
    /// Starts the cluster and sets the question up.
    pub async fn start(catalog: &Catalog, question: &Question, seed: u64, context: &Context) -> Result<Self, CliError> {
        let progress = crate::tui::progress::Progress::new(context.terminal);
        progress.say("starting a cluster for this question", None);
        let spec = Spec { seed, workers: WORKERS, now: context.now(), time: Time::Stepped, open: false, journal: None };
        let prepared = Embedded::start(spec.clone()).await?;
        let instance = bind(catalog, question, prepared.inventory(), seed)?;
        let instance = prepared.run(move |env| async move { runner::set_up(&env, instance, &mut |_| {}).await }).await??;
        // Typed commands see time pass as they would on a real cluster.
        let handover = prepared.handover().await?;
        let cluster = Embedded::resume(&handover, Spec { time: Time::Live, ..spec }).await?;
        Ok(Self { cluster, instance: Arc::new(instance), typed: Vec::new() })
    }

    /// The question's text, filled in.
    pub fn prompt(&self) -> Result<String, CliError> {
        Ok(self.instance.task()?)
    }

    /// The commands so far.
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// Runs lines from the console until one of `words` stands alone on a line.
    pub async fn take(&mut self, console: &mut Console, terminal: Terminal, words: &[&str]) -> Result<LabOutcome, CliError> {
        let size = if console.is_person() { terminal.size() } else { None };
        let link = Link::Local(self.cluster.open_shell("base", size));
        let mut shell = NodeShell::start(link, terminal).await?;
        let left = shell.lines(console, words).await?;
        self.typed.extend(shell.into_typed());
        Ok(match left {
            Left::Word(word) => LabOutcome::Word(word),
            Left::Exit(_) | Left::End(_) | Left::Lost => LabOutcome::Over,
        })
    }

    /// Grades what the commands left behind.
    pub async fn grade(&self) -> Result<Report, CliError> {
        let instance = Arc::clone(&self.instance);
        Ok(self.cluster.run(move |env| async move { runner::finish(&env, &instance, &mut |_| {}).await }).await??)
    }

    /// Reference answer and explanation of a question, filled in. No cluster is needed: names come from the seed.
    pub fn texts(catalog: &Catalog, question: &Question, seed: u64) -> Result<(Vec<ScriptStep>, String), CliError> {
        if question.body() != QuestionBody::Command {
            return Ok((Vec::new(), question.explanation.clone()));
        }
        let instance = bind(catalog, question, &Arc::new(Inventory::example(usize::from(WORKERS))), seed)?;
        let explanation = instance.debrief()?.into_iter().map(|part| part.cause).collect::<Vec<_>>().join("\n\n");
        Ok((instance.solution()?, explanation))
    }
}

fn bind(catalog: &Catalog, question: &Question, inventory: &Arc<Inventory>, seed: u64) -> Result<Instance, CliError> {
    let id = question.id.as_str();
    let exercise =
        catalog.exercise(ExerciseKind::Question, id).ok_or_else(|| CliError::content(format!("question {id:?} has no commands")))?;
    Ok(Instance::bind(catalog, &exercise, inventory, seed, &Bindings::new())?)
}
