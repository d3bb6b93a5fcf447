//! `kubectl create namespace`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "namespace"],
    aliases: &["ns"],
    usage: "NAME [--dry-run=server|client|none]",
    short: "Create a namespace with the specified name",
    long: "",
    examples: "kubectl create namespace shop",
    flags: &[DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("", "v1", "namespaces", "Namespace", false);
    let mut object = create::object(&resource, &name);
    object["spec"] = json!({});
    object["status"] = json!({});
    // Unlike the other generators this one passes the server's error on as it is.
    create::submit(cx, &resource, object, "").await
}
