//! `kubectl edit`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::commands::apply::style_of;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{self, DryRun, VALIDATE};
use crate::patch::two_way;
use crate::print::printer::{list, without_managed_fields};
use crate::print::{json, yaml};
use crate::resources::args::{Info, SELECTOR, Selection};
use crate::resources::manifest::{self, FILENAME};

const FLAGS: &[Flag] = &[
    short("output", 'o', Kind::Text, "yaml", "yaml or json."),
    flag("output-patch", Kind::Bool, "false", "Print the patch."),
    flag("subresource", Kind::Text, "", "Subresource to edit: status."),
    flag("show-managed-fields", Kind::Bool, "false", "Keep metadata.managedFields in the text."),
    flag("save-config", Kind::Bool, "false", "Keep the configuration in the annotation that apply compares with."),
    flag("windows-line-endings", Kind::Bool, "false", "Accepted."),
    flag("field-manager", Kind::Text, "kubectl-edit", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["edit"],
    aliases: &[],
    usage: "(RESOURCE/NAME | -f FILENAME)",
    short: "Edit a resource on the server",
    long: "Open objects in an editor (KUBE_EDITOR, EDITOR, or vi) and send what was changed.",
    examples: "kubectl edit deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, VALIDATE],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

const HEAD: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

async fn run(cx: &Context) -> Result<(), Error> {
    let selection = Selection { type_alone: true, ..Selection::of(cx) };
    let (infos, errors) = selection.fetch(cx).await?;
    if let Some(error) = Error::collect(errors) {
        return Err(error);
    }
    if infos.is_empty() {
        return Err(Error::message("edit cancelled, no objects found"));
    }
    let shown: Vec<Value> = infos
        .iter()
        .map(|i| if cx.flags.on("show-managed-fields") { i.object.clone() } else { without_managed_fields(&i.object) })
        .collect();
    let whole = if shown.len() == 1 { shown[0].clone() } else { list(shown.clone()) };
    let original = match cx.flags.text("output") {
        "json" => json::pretty(&whole) + "\n",
        "yaml" => yaml::document(&whole),
        other => return Err(cx.usage_error(format!("The flag 'output' must be one of yaml|json, not {other}"))),
    };
    let mut text = format!("{HEAD}{original}");
    let name = format!("kubectl-edit.{}", cx.flags.text("output"));
    let mut failed_before: Option<String> = None;
    loop {
        let edited = cx.editor.edit(&name, text.clone()).await.map_err(Error::message)?;
        let body = strip_comments(&edited);
        if body.trim().is_empty() {
            return cx.eprintln("Edit cancelled, saved file was empty.").await;
        }
        if body == strip_comments(&original) {
            return cx.eprintln("Edit cancelled, no changes made.").await;
        }
        if failed_before.as_deref() == Some(&body) {
            // The same mistake saved again means that the learner gives up.
            keep(cx, &name, &edited).await?;
            return Err(Error::message("Edit cancelled, no valid changes were saved."));
        }
        match apply(cx, &infos, &shown, &body).await {
            Ok(()) => return Ok(()),
            Err(e @ (Error::Transport { .. } | Error::Output(_))) => return Err(e),
            Err(error) => {
                let (message, _) = error.report();
                let object = format!("{} {:?}", infos[0].resource.qualified(), infos[0].name);
                match &error {
                    Error::Status(status) if status.reason == "Invalid" => cx.eprintln(format!("error: {object} is invalid")).await?,
                    Error::Status(status) if status.reason == "NotFound" => {
                        cx.eprintln(format!("error: {object} could not be found on the server")).await?;
                    }
                    Error::Status(_) => cx.eprintln(format!("error: {object} could not be patched: {error}")).await?,
                    _ => cx.eprintln(message.clone()).await?,
                }
                let notes: String = message.lines().map(|l| format!("# {l}\n")).collect();
                text = format!("{HEAD}{notes}#\n{body}");
                failed_before = Some(body);
            }
        }
    }
}

/// Leaves what was edited where it can be found (`preservedFile`).
async fn keep(cx: &Context, name: &str, text: &str) -> Result<(), Error> {
    let (stem, extension) = name.split_once('.').unwrap_or((name, "yaml"));
    // Upstream's number is random; here the moment gives one.
    let path = format!("/tmp/{stem}-{}.{extension}", cx.now().as_microsecond().unsigned_abs() % 10_000_000_000);
    if cx.files.write(&path, text.as_bytes()).is_ok() {
        cx.eprintln(format!("A copy of your changes has been stored to {path:?}")).await?;
    }
    Ok(())
}

fn strip_comments(text: &str) -> String {
    text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect()
}

async fn apply(cx: &Context, infos: &[Info], shown: &[Value], body: &str) -> Result<(), Error> {
    let mut objects = Vec::new();
    manifest::documents(body, "edited-file", &mut objects)?;
    for edited in objects {
        let object = edited.object;
        let same = |v: &Value| v["kind"] == object["kind"] && v["metadata"]["name"] == object["metadata"]["name"];
        let Some(at) = shown.iter().position(same) else {
            return Err(Error::message("At least one of apiVersion, kind and name was changed"));
        };
        let (info, before) = (&infos[at], &shown[at]);
        let mut wanted = object;
        if cx.flags.on("save-config") {
            operation::annotate_last_applied(&mut wanted);
        }
        let (style, content_type) = style_of(info);
        let change = two_way(style, before, &wanted);
        if change.as_object().is_none_or(serde_json::Map::is_empty) {
            cx.println(format!("{} skipped", info.display())).await?;
            continue;
        }
        if cx.flags.on("output-patch") {
            cx.println(format!("Patch: {}", json::compact(&change))).await?;
        }
        let sub = cx.flags.given("subresource").map(|s| format!("/{s}")).unwrap_or_default();
        let path = format!("{}{sub}{}", info.path(), operation::write_query(cx, DryRun::None, "kubectl-edit")?);
        cx.patch(&path, content_type, &change).await?;
        cx.println(format!("{} edited", info.display())).await?;
    }
    Ok(())
}
