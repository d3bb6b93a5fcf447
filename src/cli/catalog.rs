//! Loading content and finding things in it by what the user typed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::Context;
use super::error::CliError;
use super::suggest::did_you_mean;
use crate::content::{Catalog, CatalogError, Curriculum, Question, ScenarioEntry};

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
}

/// The built-in content, with a folder over it.
pub fn load(folder: Option<&Path>, context: &Context) -> Result<Catalog, CliError> {
    let Some(folder) = folder else { return Ok(Catalog::built_in()?) };
    let (catalog, findings) =
        Catalog::with_folder(folder).map_err(|e| CliError::usage(format!("cannot read the folder {}", folder.display())).because(e))?;
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
