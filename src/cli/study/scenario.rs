//! A scenario, or a question, with variables that are known beforehand.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::catalog;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::practice::{self, Leaving};
use crate::cli::serve::convert;
use crate::content::version::version;
use crate::content::{Bindings, Catalog, Instance};
use crate::model::{Inventory, ItemKind, Rating, Score};
use crate::render::document::SolutionDocument;
use crate::render::{markdown, text};
use crate::session::launch::{self, Start};
use crate::store::{Attempt, Details, History};
use crate::tui::progress::Progress;

/// Nodes of the cluster that texts are filled in for when none is there any more.
const WORKERS: usize = 3;

/// Which variant of which scenario.
#[derive(Clone, Debug)]
pub struct Exact {
    /// The scenario.
    pub id: String,
    /// Seed of the cluster.
    pub seed: u64,
    /// Values of variables; the rest is left to the seed.
    pub bindings: Bindings,
    /// The user's own content.
    pub content: Option<PathBuf>,
}

/// What became of it.
pub enum Became {
    /// It was graded; the attempt is in the history.
    Graded(Box<Attempt>),
    /// The session goes on without this terminal.
    GoesOn,
    /// It was stopped before it was graded.
    Stopped,
}

impl Exact {
    /// What starts it.
    pub fn start(&self, detached: bool) -> Result<Start, CliError> {
        Ok(Start {
            scenario: self.id.clone(),
            seed: self.seed,
            backend: "embedded".to_owned(),
            variant: Vec::new(),
            bindings: Some(serde_json::to_string(&self.bindings).map_err(|e| CliError::bug("variables have no JSON form").because(e))?),
            backend_options: None,
            detached,
            content: self.content.clone(),
        })
    }

    /// Starts it, opens the practice shell, and looks at what became of it.
    pub async fn practise(&self, context: &Context, history: &dyn History, format: Format) -> Result<Became, CliError> {
        let directories = context.directories()?;
        let began = context.now();
        let progress = Progress::new(context.terminal);
        let (folder, record) = launch::start(&directories, &self.start(false)?, &mut |message| progress.say(message, None)).await?;
        drop(progress);
        let options = practice::Options { my_shell: false, leaving: Leaving::Ask, format };
        practice::run(context, &directories, &folder, &record, options).await?;
        let graded = history.attempts(5)?.into_iter().find(|a| a.kind == ItemKind::Scenario && a.item == self.id && a.started >= began);
        Ok(match graded {
            Some(attempt) => Became::Graded(Box::new(attempt)),
            None if folder.path().exists() => Became::GoesOn,
            None => Became::Stopped,
        })
    }

    /// The solution and what to learn, for who left without a grade. Texts that need the cluster of then are left out.
    pub fn answer(&self, catalog: &Catalog, context: &Context) -> Result<String, CliError> {
        let instance = self.instance(catalog)?;
        let (style, width) = (context.style(), context.width());
        let mut out = String::new();
        if let Ok(steps) = instance.solution() {
            let document = SolutionDocument { steps: steps.into_iter().map(convert::step).collect() };
            out.push_str(&format!("\n{}\n\n{}", style.title("A solution"), text::solution(&document, style, width)));
        }
        if let Ok(parts) = instance.debrief() {
            let debrief = convert::debrief(parts);
            out.push_str(&format!("\n{}\n\n{}", style.title("What it was"), markdown::render(&debrief.text, style, width)));
        }
        Ok(out)
    }

    /// The attempt that it is when the learner rates it.
    pub fn rated(&self, catalog: &Catalog, started: Timestamp, now: Timestamp, rating: Rating) -> Result<(Attempt, Details), CliError> {
        let instance = self.instance(catalog)?;
        let place = instance.exercise.placements.first();
        let attempt = Attempt {
            id: String::new(),
            kind: ItemKind::Scenario,
            item: self.id.clone(),
            exam: place.map(|p| p.exam.to_string()),
            domain: place.map(|p| p.domain.to_string()),
            started,
            seconds: u64::try_from(now.duration_since(started).as_secs()).unwrap_or(0),
            budget_seconds: Some(u64::from(instance.exercise.minutes) * 60),
            first: Score::default(),
            last: Score::default(),
            hints: 0,
            // The solution was shown before the rating.
            assisted: true,
            variant: convert::variant(&instance),
            seed: Some(self.seed),
            rating: Some(rating),
            content: version(catalog, ItemKind::Scenario, &self.id),
        };
        Ok((Attempt { id: attempt.identity(), ..attempt }, Details { bindings: instance.bindings, ..Details::default() }))
    }

    fn instance(&self, catalog: &Catalog) -> Result<Instance, CliError> {
        let exercise = &catalog::scenario(catalog, &self.id)?.exercise;
        Ok(Instance::bind(catalog, exercise, &Arc::new(Inventory::example(WORKERS)), self.seed, &self.bindings)?)
    }
}
