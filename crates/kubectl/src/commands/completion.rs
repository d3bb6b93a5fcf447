//! `kubectl completion`.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;

/// The command.
pub const COMMAND: Command = Command {
    path: &["completion"],
    aliases: &[],
    usage: "SHELL",
    short: "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
    long: "",
    examples: "source <(kubectl completion bash)",
    flags: &[],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    match cx.flags.args.as_slice() {
        [] => Err(cx.usage_error("Shell not specified.")),
        // The shells that this kubectl runs in complete its words by themselves, so sourcing this must do no harm.
        [shell] if ["bash", "zsh", "fish", "powershell"].contains(&shell.as_str()) => {
            cx.println("# Tab completes kubectl's words in this shell already; there is nothing to load.").await
        }
        [shell] => Err(cx.usage_error(format!("Unsupported shell type {shell:?}."))),
        _ => Err(cx.usage_error("Too many arguments. Expected only the shell type.")),
    }
}
