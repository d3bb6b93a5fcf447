//! `ckaprep author`: tools for those who write scenarios and questions.

use std::path::PathBuf;

use futures::StreamExt;

use crate::cli::catalog::ContentArgs;
use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::prove;
use crate::content::{Catalog, Source};
use crate::render::document::ProofsDocument;
use crate::render::text;
use crate::tui::progress::Progress;

/// Options of `ckaprep author`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Read content and report everything that is wrong with it
    Lint {
        /// A folder laid out like the built-in content; without it the built-in content is read
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Prove content: untouched scores nothing, solutions score everything, wrong fixes lose what they name
    Test {
        /// Only these scenarios and command questions
        #[arg(value_name = "ID", add = complete::anything())]
        ids: Vec<String>,
        /// Seeds per variant
        #[arg(long, value_name = "N", default_value_t = 1)]
        seeds: u64,
        #[command(flatten)]
        content: ContentArgs,
        /// How to print the result
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Args {
    /// How the result is printed.
    pub fn format(&self) -> Format {
        match &self.tool {
            Tool::Lint { .. } => Format::Text,
            Tool::Test { format, .. } => *format,
        }
    }
}

/// Runs the tool.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    match args.tool {
        Tool::Lint { folder } => lint(folder, context),
        Tool::Test { ids, seeds, content, format } => test(&ids, seeds, &content.load(context)?, format, context),
    }
}

fn lint(folder: Option<PathBuf>, context: &Context) -> Result<u8, CliError> {
    let (catalog, findings) = match &folder {
        Some(folder) => {
            Catalog::with_folder(folder).map_err(|e| CliError::usage(format!("cannot read the folder {}", folder.display())).because(e))?
        }
        None => Catalog::load(&[Source::built_in()]),
    };
    if findings.has_errors() {
        return Err(CliError::content("the content has errors").findings(findings));
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

fn test(ids: &[String], seeds: u64, catalog: &Catalog, format: Format, context: &Context) -> Result<u8, CliError> {
    let cases = prove::cases(catalog, ids, seeds);
    if cases.is_empty() {
        return Err(CliError::usage("nothing to prove").hint("name scenarios or command questions; `ckaprep list` shows them"));
    }
    context.block_on(async {
        let progress = Progress::new(context.terminal);
        // Each cluster has a thread of its own; the order of results is the order of cases.
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let bases = prove::Bases::new(context.now());
        let proofs = futures::stream::iter(&cases)
            .map(|case| async {
                let began = context.now();
                let proof = prove::prove(catalog, case, &bases).await;
                (proof, context.now().duration_since(began).as_secs_f64())
            })
            .buffered(at_once);
        let mut document = ProofsDocument { proofs: Vec::new() };
        futures::pin_mut!(proofs);
        while let Some((proof, seconds)) = proofs.next().await {
            progress.say(&format!("{} of {} proven", document.proofs.len() + 1, cases.len()), None);
            if format == Format::Text {
                context.print(&text::proof(&proof, seconds, context.style(), context.width()));
            }
            document.proofs.push(proof);
        }
        drop(progress);
        let failed = document.proofs.iter().filter(|proof| !proof.holds()).count();
        match format {
            Format::Json => context.print_json(&document)?,
            Format::Text => context.print(&format!("{} proven, {failed} not\n", document.proofs.len() - failed)),
        }
        Ok(if failed == 0 { 0 } else { 4 })
    })
}
