//! `kubectl create configmap`.

use base64::Engine;
use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER, data};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[flag("append-hash", Kind::Bool, "false", "Append a hash of the content to the name.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "configmap"],
    aliases: &["cm"],
    usage: "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    short: "Create a config map from a local file, directory or literal value",
    long: "",
    examples: "# Two keys\nkubectl create configmap web --from-literal=color=blue --from-literal=size=3\n\n# One key for each file of a directory\nkubectl create configmap web --from-file=conf.d/",
    flags: &[FLAGS, data::SOURCES, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    if cx.flags.on("append-hash") {
        return Err(Error::message("--append-hash is not supported by this kubectl"));
    }
    let resource = builtin("", "v1", "configmaps", "ConfigMap", true);
    let mut object = create::object(&resource, &name);
    let (mut text, mut binary) = (serde_json::Map::new(), serde_json::Map::new());
    for (key, value) in data::read(cx, "ConfigMap", &name)? {
        match String::from_utf8(value) {
            Ok(value) => text.insert(key, value.into()),
            Err(e) => binary.insert(key, base64::engine::general_purpose::STANDARD.encode(e.into_bytes()).into()),
        };
    }
    if !text.is_empty() {
        object["data"] = Value::Object(text);
    }
    if !binary.is_empty() {
        object["binaryData"] = json!(binary);
    }
    create::submit(cx, &resource, object, "configmap").await
}
