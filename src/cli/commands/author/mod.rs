//! `ckaprep author`: tools for those who write scenarios and questions.

mod capture;
mod lint;
mod new;
mod schema;
mod test;
mod watch;

use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;

/// Options of `ckaprep author`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Read content and report everything that is wrong with it
    Lint(lint::Args),
    /// Prove content: untouched scores nothing, solutions score everything, wrong fixes lose what they name
    Test(test::Args),
    /// Make the folder of a new scenario that already proves
    New(new::Args),
    /// Make a scenario by showing it: break a cluster, then solve it
    Capture(capture::Args),
    /// Print the format as a JSON Schema, for editors
    Schema(schema::Args),
}

impl Args {
    /// How the result is printed.
    pub fn format(&self) -> Format {
        match &self.tool {
            Tool::Lint(args) => args.format,
            Tool::Test(args) => args.format,
            Tool::New(_) | Tool::Capture(_) | Tool::Schema(_) => Format::Text,
        }
    }
}

/// Runs the tool.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    match args.tool {
        Tool::Lint(args) => lint::run(args, context),
        Tool::Test(args) => test::run(args, context),
        Tool::New(args) => new::run(args, context),
        Tool::Capture(args) => capture::run(args, context),
        Tool::Schema(args) => schema::run(args, context),
    }
}
