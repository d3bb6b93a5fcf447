//! `ckaprep pack`: content that others wrote.

use std::path::PathBuf;

use crate::cli::complete;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::content::Catalog;
use crate::pack::{self, Installed, PackError, Shelf};
use crate::render::document::{PackDocument, PacksDocument};
use crate::render::table::table;

/// Options of `ckaprep pack`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    tool: Tool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Add a pack from a folder or a .tar.gz archive
    ///
    /// Everything in it is looked at before anything is kept, and nothing of it runs. Its ids get the pack's name before them:
    /// `ckaprep scenario PACK/ID`.
    Add {
        /// A folder with a pack.yaml, or an archive of one
        #[arg(value_name = "DIR|FILE")]
        path: PathBuf,
        /// Put it in the place of the pack of the same name
        #[arg(long)]
        replace: bool,
    },
    /// List the packs
    List,
    /// Remove a pack; what you practised stays in your history
    Remove {
        /// Name of the pack
        #[arg(value_name = "PACK", add = complete::packs())]
        id: String,
    },
}

impl Args {
    /// How the result is printed.
    pub fn format(&self) -> Format {
        self.format
    }
}

/// Runs the tool.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let shelf = Shelf::at(context.directories()?.packs());
    let built_in = Catalog::built_in()?;
    match args.tool {
        Tool::Add { path, replace } => {
            let installed = shelf.add(&pack::open(&path)?, &built_in, replace)?;
            let document = describe(&shelf, &installed);
            say(&document, &format!("added {} {}\n", document.id, document.version), args.format, context)?;
            if args.format == Format::Text {
                let scenarios = document.scenarios.iter().map(|id| format!("  ckaprep scenario {id}\n"));
                context.print(&scenarios.collect::<String>());
            }
        }
        Tool::List => {
            let packs: Vec<PackDocument> = shelf.list().iter().map(|installed| describe(&shelf, installed)).collect();
            match args.format {
                Format::Json => context.print_json(&PacksDocument { packs })?,
                Format::Text if packs.is_empty() => context.print("no packs; `ckaprep pack add DIR|FILE` adds one\n"),
                Format::Text => {
                    let head = ["PACK", "VERSION", "SCENARIOS", "QUESTIONS", "TITLE"].map(str::to_owned).to_vec();
                    let row = |p: &PackDocument| {
                        vec![p.id.clone(), p.version.clone(), p.scenarios.len().to_string(), p.questions.to_string(), p.title.clone()]
                    };
                    let rows: Vec<Vec<String>> = std::iter::once(head).chain(packs.iter().map(row)).collect();
                    context.print(&table(&rows, context.width()));
                }
            }
        }
        Tool::Remove { id } => {
            let document = shelf.find(&id).map(|installed| describe(&shelf, &installed));
            shelf.remove(&id)?;
            if let Some(document) = document {
                say(&document, &format!("removed {id}\n"), args.format, context)?;
            }
        }
    }
    Ok(0)
}

fn say(document: &PackDocument, text: &str, format: Format, context: &Context) -> Result<(), CliError> {
    match format {
        Format::Json => context.print_json(&PacksDocument { packs: vec![document.clone()] }),
        Format::Text => {
            context.print(text);
            Ok(())
        }
    }
}

fn describe(shelf: &Shelf, installed: &Installed) -> PackDocument {
    let of_pack = format!("{}/", installed.pack.id);
    let catalog = Catalog::built_in().map(|built_in| shelf.over(built_in).0).unwrap_or_default();
    PackDocument {
        id: installed.pack.id.clone(),
        title: installed.pack.title.clone(),
        version: installed.pack.version.clone(),
        scenarios: catalog.scenarios().map(|s| s.scenario.id.to_string()).filter(|id| id.starts_with(&of_pack)).collect(),
        questions: catalog.questions().filter(|q| q.id.as_str().starts_with(&of_pack)).count(),
        folder: installed.folder.clone(),
    }
}

impl From<PackError> for CliError {
    fn from(error: PackError) -> Self {
        match error {
            PackError::Content(findings) => Self::content("the content of the pack cannot be used").findings(findings),
            PackError::Exists { .. } => Self::usage(error.to_string()).hint("`--replace` puts the new one in its place"),
            PackError::Unknown(_) => Self::usage(error.to_string()).hint("`ckaprep pack list` shows what there is"),
            PackError::NotAPack(_) | PackError::Unreadable { .. } => Self::usage(error.to_string()),
            PackError::Unwritable { .. } => Self::environment(error.to_string()),
            PackError::Damaged(_) | PackError::Refused { .. } | PackError::TooMuch(_) | PackError::NoManifest(_) => {
                Self::content(error.to_string())
            }
        }
    }
}
