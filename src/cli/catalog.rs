//! Loading content and finding things in it by what the user typed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::Context;
use super::error::CliError;
use super::suggest::did_you_mean;
use crate::content::{Catalog, CatalogError, Curriculum, ExerciseKind, Question, ScenarioEntry};
use crate::pack::Shelf;

/// Option of commands that read content.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ContentArgs {
    /// A folder of your own content over the built-in one
    #[arg(long, value_name = "DIR")]
    pub content: Option<PathBuf>,
}

impl ContentArgs {
    /// The catalogue. Errors in the user's own folder are shown all at once; warnings do not stop.
    pub fn load(&self, context: &Context) -> Result<Catalog, CliError> {
        load(self.content.as_deref(), context)
    }

    /// The catalogue for what a user named: the id of a scenario or the folder of one, which then is the content.
    pub fn load_with_scenario(&mut self, word: &str, context: &Context) -> Result<(Catalog, String), CliError> {
        let path = Path::new(word);
        if !is_path(word) {
            let catalog = load_for(word, self.content.as_deref(), context)?;
            // A folder of this name in the working directory is meant only where no scenario is called so.
            if catalog.scenario(word).is_some() || !path.join("scenario.yaml").is_file() {
                return Ok((catalog, word.to_owned()));
            }
        }
        if self.content.is_some() {
            return Err(CliError::usage("--content and the folder of a scenario exclude each other"));
        }
        self.content = Some(path.to_owned());
        let catalog = self.load(context)?;
        let ids = catalog.scenarios().map(|s| s.scenario.id.to_string());
        let own: Vec<String> = ids.filter(|id| catalog.is_own(ExerciseKind::Scenario, id)).collect();
        match own.as_slice() {
            [id] => Ok((catalog, id.clone())),
            [] => Err(CliError::content(format!("there is no scenario in {word}")).hint("a scenario's folder has a scenario.yaml")),
            _ => Err(CliError::usage(format!("{word} has several scenarios: {}", own.join(", ")))
                .hint(format!("`ckaprep scenario ID --content {word}`"))),
        }
    }
}

/// Whether a word is written as a path rather than an id. Ids of packs have a slash, too: `team/no-answer`.
pub fn is_path(word: &str) -> bool {
    word == "." || word == ".." || ["./", "../", "/", "~"].iter().any(|start| word.starts_with(start))
}

/// The built-in content, with packs and a folder over it.
pub fn load(folder: Option<&Path>, context: &Context) -> Result<Catalog, CliError> {
    let catalog = with_packs(Catalog::built_in()?, context);
    let Some(folder) = folder else { return Ok(catalog) };
    let (catalog, findings) =
        catalog.with_folder(folder).map_err(|e| CliError::usage(format!("cannot read the folder {}", folder.display())).because(e))?;
    if findings.has_errors() {
        return Err(CliError::content(format!("the content in {} cannot be used", folder.display()))
            .findings(findings)
            .hint(format!("`ckaprep author lint {}` shows this again", folder.display())));
    }
    for finding in findings.iter() {
        context.warn(&finding.to_string());
    }
    Ok(catalog)
}

/// As [`load`] for those who want one scenario: if it is a built-in one, most of the text is left unread.
pub fn load_for(scenario: &str, folder: Option<&Path>, context: &Context) -> Result<Catalog, CliError> {
    let built_in = if folder.is_none() { Catalog::built_in_scenario(scenario) } else { None };
    built_in.map_or_else(|| load(folder, context), Ok)
}

/// The packs that were added, over a catalogue. Trouble with one is a warning: it takes nothing else away.
pub fn with_packs(catalog: Catalog, context: &Context) -> Catalog {
    let Ok(directories) = context.directories() else { return catalog };
    let (catalog, findings) = Shelf::at(directories.packs()).over(catalog);
    for finding in findings.iter() {
        context.warn(&format!("a pack is left out: {finding}"));
    }
    catalog
}

impl From<CatalogError> for CliError {
    fn from(error: CatalogError) -> Self {
        Self::content(error.to_string()).findings(error.0)
    }
}

/// A scenario by id.
pub fn scenario<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a Arc<ScenarioEntry>, CliError> {
    catalog.scenario(id).ok_or_else(|| {
        let known = catalog.scenarios().map(|entry| entry.scenario.id.as_str());
        CliError::usage(format!("there is no scenario {id:?}")).hint(did_you_mean(id, known, "`ckaprep list scenarios` shows all."))
    })
}

/// An exam by id.
pub fn exam<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a Arc<Curriculum>, CliError> {
    catalog.curriculum(id).ok_or_else(|| {
        let known: Vec<&str> = catalog.curricula().map(|exam| exam.id.as_str()).collect();
        let all = format!("Exams: {}.", known.join(", "));
        CliError::usage(format!("there is no exam {id:?}")).hint(did_you_mean(id, known, &all))
    })
}

/// A question by id.
pub fn question<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a Arc<Question>, CliError> {
    catalog.question(id).ok_or_else(|| {
        let known = catalog.questions().map(|question| question.id.as_str());
        CliError::usage(format!("there is no question {id:?}")).hint(did_you_mean(id, known, "`ckaprep list questions` shows all."))
    })
}
