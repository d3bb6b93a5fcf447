//! `ckaprep check`: grade what is there now.

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::cli::practice::exit_code;
use crate::render::document::CheckDocument;
use crate::render::text;
use crate::session::protocol::Request;

use super::target::{SessionArgs, ask};

/// Options of `ckaprep check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say what was found and what was expected. Often that is the answer, so it counts as a hint
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    session: SessionArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Grades without ending the attempt.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    context.block_on(async {
        let entry = args.session.find(context)?;
        let document: CheckDocument = ask(context, &entry, Request::Check { why: args.why }).await?;
        match args.format {
            Format::Json => context.print_json(&document)?,
            Format::Text => {
                context.print(&text::check(&document, context.style(), context.width()));
                if document.report.is_full() && context.terminal.is_interactive() {
                    context.note("All is done: leave the practice shell with `exit`; grading it there records it and shows the debrief.");
                }
            }
        }
        Ok(exit_code(&document.report))
    })
}
