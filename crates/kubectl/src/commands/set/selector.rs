//! `kubectl set selector`.

use serde_json::{Map, Value};

use crate::command::{Command, Completes};
use crate::commands::set::{MANAGER, each};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::DRY_RUN;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[flag("resource-version", Kind::Text, "", "Only if the object has this version.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "selector"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
    short: "Set the selector on a resource",
    long: "Set the selector of a service.",
    examples: "kubectl set selector service web 'app=web,tier=front'",
    flags: &[FLAGS, MANAGER, FILENAME, ALL, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let Some((expression, resources)) = cx.flags.args.split_last() else {
        return Err(Error::message("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    };
    let mut labels = Map::new();
    for part in expression.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(|| Error::message(format!("invalid selector {expression:?}")))?;
        labels.insert(key.trim_end_matches('=').to_owned(), value.trim_start_matches('=').into());
    }
    let selection = Selection { args: resources.to_vec(), ..Selection::of(cx) };
    let version = cx.flags.given("resource-version").map(str::to_owned);
    each(cx, &selection, "selector updated", move |info, object| {
        if info.resource.kind != "Service" {
            return Err(Error::message(format!("setting a selector is only supported for Services, not {}", info.resource.kind)));
        }
        object["spec"]["selector"] = Value::Object(labels.clone());
        if let Some(version) = &version {
            object["metadata"]["resourceVersion"] = version.clone().into();
        }
        Ok(())
    })
    .await
}
