//! `kubectl api-versions`.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;

/// The command.
pub const COMMAND: Command = Command {
    path: &["api-versions"],
    aliases: &[],
    usage: "",
    short: "Print the supported API versions on the server, in the form of \"group/version\"",
    long: "",
    examples: "kubectl api-versions",
    flags: &[],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let mut versions = cx.discovery().await?.versions.clone();
    versions.sort();
    cx.print(versions.into_iter().map(|v| v + "\n").collect::<String>()).await
}
