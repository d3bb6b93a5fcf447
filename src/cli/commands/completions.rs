//! `ckaprep completions SHELL`: a completion script that asks ckaprep itself, so it knows ids of scenarios, questions
//! and sessions.

use clap::ValueEnum;
use clap_complete::env::Shells;

use crate::cli::context::Context;
use crate::cli::error::CliError;

/// Shells that completions exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash: `source <(ckaprep completions bash)`
    Bash,
    /// zsh: `source <(ckaprep completions zsh)`
    Zsh,
    /// fish: `ckaprep completions fish | source`
    Fish,
}

/// Options of `ckaprep completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Your shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let shells = Shells::builtins();
    let completer = shells.completer(name).ok_or_else(|| CliError::bug(format!("no completions for {name}")))?;
    let mut script = Vec::new();
    completer
        .write_registration("COMPLETE", "ckaprep", "ckaprep", "ckaprep", &mut script)
        .map_err(|e| CliError::bug("the completion script could not be made").because(e))?;
    context.print(&String::from_utf8_lossy(&script));
    Ok(0)
}
