//! `ckaprep author lint`: everything that is wrong with content, without starting a cluster.

use std::path::PathBuf;

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::suggest::did_you_mean;
use crate::content::lint::codes;
use crate::content::{Catalog, Findings, Source};
use crate::render::document::{LintDocument, LintFindingDocument};
use crate::render::markdown;

/// Read content and report everything that is wrong with it, each with its place, a code and, where there is any, advice.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a scenario, or one laid out like the built-in content; without it the built-in content is read
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Say what a code of a finding wants, and why
    #[arg(long, value_name = "CODE", conflicts_with = "folder")]
    explain: Option<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Reads and reports.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    if let Some(code) = &args.explain {
        return explain(code, context);
    }
    let (catalog, findings) = match &args.folder {
        Some(folder) => Catalog::built_in()?
            .with_folder(folder)
            .map_err(|e| CliError::usage(format!("cannot read the folder {}", folder.display())).because(e))?,
        None => Catalog::load(&[Source::built_in()]),
    };
    if args.format == Format::Json {
        context.print_json(&document(&findings))?;
        return Ok(if findings.has_errors() { 4 } else { 0 });
    }
    if findings.has_errors() {
        return Err(CliError::content("the content has errors")
            .findings(findings)
            .hint("`ckaprep author lint --explain CODE` says more about a finding"));
    }
    context.print(&findings.render(context.style().is_coloured(), context.width()));
    context.print(&format!(
        "{} scenarios, {} questions, {} faults, {} curricula: no errors, {} warnings\n",
        catalog.scenarios().count(),
        catalog.questions().count(),
        catalog.faults().count(),
        catalog.curricula().count(),
        findings.len()
    ));
    Ok(0)
}

fn document(findings: &Findings) -> LintDocument {
    let findings = findings.iter().map(|finding| LintFindingDocument {
        code: finding.code.to_owned(),
        severity: finding.severity.as_str().to_owned(),
        message: finding.message.clone(),
        help: finding.help.clone(),
        file: finding.file().to_owned(),
        line: finding.span.line,
        column: finding.span.column,
    });
    LintDocument { findings: findings.collect() }
}

fn explain(word: &str, context: &Context) -> Result<u8, CliError> {
    let code = codes::find(word).ok_or_else(|| {
        let known = codes::ALL.iter().map(|code| code.code);
        CliError::usage(format!("there is no code {word:?}")).hint(did_you_mean(word, known, "docs/authoring/findings.md has all of them."))
    })?;
    context.print(&markdown::render(&codes::explanation(code), context.style(), context.width()));
    Ok(0)
}
