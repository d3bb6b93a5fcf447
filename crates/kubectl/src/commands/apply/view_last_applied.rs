//! `kubectl apply view-last-applied`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, short};
use crate::operation::LAST_APPLIED;
use crate::print::{json, yaml};
use crate::resources::args::{ALL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[short("output", 'o', Kind::Text, "yaml", "yaml or json.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["apply", "view-last-applied"],
    aliases: &[],
    usage: "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
    short: "View the latest last-applied-configuration annotations of a resource/object",
    long: "",
    examples: "kubectl apply view-last-applied deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, ALL],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let (infos, errors) = Selection::of(cx).fetch(cx).await?;
    for info in infos {
        let text = info.object["metadata"]["annotations"][LAST_APPLIED].as_str();
        let Some(text) = text else {
            return Err(Error::message(format!("no last-applied-configuration annotation found on resource: {}", info.name)));
        };
        let value: Value = serde_json::from_str(text).map_err(|e| Error::message(e.to_string()))?;
        match cx.flags.text("output") {
            "json" => cx.println(json::indented(&value, "  ")).await?,
            "yaml" => cx.print(yaml::document(&value)).await?,
            other => return Err(cx.usage_error(format!("Unexpected -o output mode: {other}, the flag 'output' must be one of yaml|json"))),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
