//! The throwaway cluster of a command question.

use std::sync::Arc;

use crate::backend::embedded::{Embedded, Spec, Time};
use crate::cli::context::{Context, Format};
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

/// What chooses the variables of a command question.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Seed of variables and cluster.
    pub seed: u64,
    /// Variables that are not left to the seed: those of an earlier attempt.
    pub given: Bindings,
}

/// What there is to read of a question, filled in.
pub struct Texts {
    /// What is asked.
    pub prompt: String,
    /// Steps of the reference answer of a command question.
    pub solution: Vec<ScriptStep>,
    /// Why.
    pub explanation: String,
}

/// A cluster with a question on it.
pub struct Lab {
    cluster: Embedded,
    instance: Arc<Instance>,
    shell: Option<NodeShell>,
    typed: Vec<String>,
}

impl Lab {
    /// Starts the cluster and sets the question up.
    pub async fn start(catalog: &Catalog, question: &Question, choice: &Choice, context: &Context) -> Result<Self, CliError> {
        let progress = crate::tui::progress::Progress::new(context.terminal);
        progress.say("starting a cluster for this question", None);
        let spec = Spec { seed: choice.seed, workers: WORKERS, now: context.now(), time: Time::Stepped, open: false, journal: None };
        let prepared = Embedded::start_from(&context.shelf(), spec.clone()).await?;
        let instance = bind(catalog, question, prepared.inventory(), choice)?;
        let instance = prepared.run(move |env| async move { runner::set_up(&env, instance, &mut |_| {}).await }).await??;
        // Typed commands see time pass as they would on a real cluster.
        let handover = prepared.handover().await?;
        let cluster = Embedded::resume(&handover, Spec { time: Time::Live, ..spec }).await?;
        Ok(Self { cluster, instance: Arc::new(instance), shell: None, typed: Vec::new() })
    }

    /// The question's text, filled in.
    pub fn prompt(&self) -> Result<String, CliError> {
        Ok(self.instance.task()?)
    }

    /// The variant that it is.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The commands so far.
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// Runs lines from the console until one of `words` stands alone on a line. Each command is told to `note` when it has run. The next
    /// call goes on in the same shell.
    pub async fn take(
        &mut self,
        console: &mut Console,
        terminal: Terminal,
        format: Format,
        words: &[&str],
        note: &mut dyn FnMut(&str),
    ) -> Result<LabOutcome, CliError> {
        let mut shell = match self.shell.take() {
            Some(shell) => shell,
            None => {
                let size = if console.is_person() { terminal.size() } else { None };
                let link = Link::Local(self.cluster.open_shell("base", size));
                let mut shell = NodeShell::start(link, terminal).await?;
                if format == Format::Json {
                    shell.leave_stdout();
                }
                shell
            }
        };
        let typed = &mut self.typed;
        let left = shell
            .lines_noted(console, words, &mut |command| {
                typed.push(command.to_owned());
                note(command);
            })
            .await?;
        Ok(match left {
            Left::Word(word) => {
                self.shell = Some(shell);
                LabOutcome::Word(word)
            }
            Left::Exit(_) | Left::End(_) | Left::Lost => LabOutcome::Over,
        })
    }

    /// Grades what the commands left behind.
    pub async fn grade(&self) -> Result<Report, CliError> {
        let instance = Arc::clone(&self.instance);
        Ok(self.cluster.run(move |env| async move { runner::finish(&env, &instance, &mut |_| {}).await }).await??)
    }

    /// What there is to read of a question. No cluster is needed: names come from the choice.
    pub fn texts(catalog: &Catalog, question: &Question, choice: &Choice) -> Result<Texts, CliError> {
        if question.body() != QuestionBody::Command {
            return Ok(Texts { prompt: question.prompt.clone(), solution: Vec::new(), explanation: question.explanation.clone() });
        }
        let instance = bind(catalog, question, &Arc::new(Inventory::example(usize::from(WORKERS))), choice)?;
        let explanation = instance.debrief()?.into_iter().map(|part| part.cause).collect::<Vec<_>>().join("\n\n");
        Ok(Texts { prompt: instance.task()?, solution: instance.solution()?, explanation })
    }
}

fn bind(catalog: &Catalog, question: &Question, inventory: &Arc<Inventory>, choice: &Choice) -> Result<Instance, CliError> {
    let id = question.id.as_str();
    let exercise =
        catalog.exercise(ExerciseKind::Question, id).ok_or_else(|| CliError::content(format!("question {id:?} has no commands")))?;
    Ok(Instance::bind(catalog, &exercise, inventory, choice.seed, &choice.given)?)
}
