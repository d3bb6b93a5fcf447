//! `kubectl create serviceaccount`.

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "serviceaccount"],
    aliases: &["sa"],
    usage: "NAME [--dry-run=server|client|none]",
    short: "Create a service account with the specified name",
    long: "",
    examples: "kubectl create serviceaccount builder",
    flags: &[DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("", "v1", "serviceaccounts", "ServiceAccount", true);
    create::submit(cx, &resource, create::object(&resource, &name), "serviceaccount").await
}
