//! `kubectl patch`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{self, DRY_RUN, DryRun};
use crate::patch;
use crate::print::OUTPUT;
use crate::resources::args::{LOCAL, Selection};
use crate::resources::manifest::{self, FILENAME};
use crate::update;

const FLAGS: &[Flag] = &[
    short("patch", 'p', Kind::Text, "", "The patch, as JSON or YAML."),
    flag("patch-file", Kind::Text, "", "File with the patch."),
    flag("type", Kind::Text, "strategic", "json, merge or strategic."),
    flag("subresource", Kind::Text, "", "Subresource to patch: status, scale, resize."),
    flag("field-manager", Kind::Text, "kubectl-patch", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["patch"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    short: "Update fields of a resource",
    long: "Change fields by a strategic merge patch, a JSON merge patch or a JSON patch.",
    examples: "kubectl patch node worker-1 -p '{\"spec\":{\"unschedulable\":true}}'\nkubectl patch deployment web --type=json -p='[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]'",
    flags: &[FLAGS, FILENAME, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let (inline, file) = (cx.flags.given("patch"), cx.flags.given("patch-file"));
    let text = match (inline, file) {
        (Some(_), Some(_)) => return Err(Error::message("cannot specify --patch and --patch-file together")),
        (None, None) => return Err(Error::message("must specify --patch or --patch-file containing the contents of the patch")),
        (Some(text), None) => text.to_owned(),
        (None, Some(path)) => {
            let bytes = cx
                .files
                .read(&cx.absolute(path))
                .map_err(|e| Error::message(format!("unable to read patch file: open {path}: {}", crate::kubeconfig::go_reason(&e))))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    let content_type = match cx.flags.text("type").to_lowercase().as_str() {
        "strategic" => patch::STRATEGIC,
        "merge" => patch::MERGE,
        "json" => patch::JSON,
        other => return Err(Error::message(format!("--type must be one of [json merge strategic], not {other:?}"))),
    };
    let change = match manifest::parse(&text) {
        Ok(change) => change,
        // What begins like JSON is taken for JSON (`yaml.ToJSON`), and what is wrong with it is the server's to say.
        Err(_) if text.trim_start().starts_with('{') => Value::Null,
        Err(e) => {
            return Err(Error::message(format!("unable to parse {text:?}: {}", e.trim_start_matches("error converting YAML to JSON: "))));
        }
    };
    let dry_run = DryRun::of(cx).await?;
    let (infos, mut errors) = update::objects(cx, &Selection::of(cx)).await?;
    for info in infos {
        let result = if update::is_local(cx) || dry_run == DryRun::Client {
            apply_here(&info.object, &change, content_type, &info.resource.kind)
        } else {
            let sub = cx.flags.given("subresource").map(|s| format!("/{s}")).unwrap_or_default();
            let path = format!("{}{sub}{}", info.path(), operation::write_query(cx, dry_run, "kubectl-patch")?);
            match change {
                Value::Null => cx.patch_text(&path, content_type, &text).await,
                _ => cx.patch(&path, content_type, &change).await,
            }
        };
        match result {
            Ok(object) => {
                let done = if object == info.object { "patched (no change)" } else { "patched" };
                operation::announce(cx, &object, done, dry_run).await?;
            }
            Err(e) => errors.push(e),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// Applies a patch without the server.
fn apply_here(object: &Value, change: &Value, content_type: &str, kind: &str) -> Result<Value, Error> {
    let mut out = object.clone();
    match content_type {
        patch::JSON => {
            let operations: json_patch::Patch = serde_json::from_value(change.clone()).map_err(|e| Error::message(e.to_string()))?;
            json_patch::patch(&mut out, &operations).map_err(|e| Error::message(e.to_string()))?;
        }
        patch::MERGE => json_patch::merge(&mut out, change),
        _ => patch::apply_strategic(&mut out, change, kind),
    }
    Ok(out)
}
