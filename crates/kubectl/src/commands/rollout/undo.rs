//! `kubectl rollout undo` (upstream's `polymorphichelpers/rollback.go`).

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::rollout::{Revision, has_history, revisions, unsupported};
use crate::context::Context;
use crate::describe::template;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, DryRun};
use crate::patch;
use crate::print::{OUTPUT, tabwriter};
use crate::resources::args::{Info, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[flag("to-revision", Kind::Int, "0", "Revision to go back to; 0 is the one before.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["rollout", "undo"],
    aliases: &[],
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    short: "Undo a previous rollout",
    long: "",
    examples: "kubectl rollout undo deployment/web\nkubectl rollout undo deployment/web --to-revision=2",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let wanted = cx.flags.int("to-revision");
    let dry_run = DryRun::of(cx).await?;
    let (infos, mut errors) = Selection::of(cx).fetch(cx).await?;
    for info in infos {
        match undo(cx, &info, wanted, dry_run).await {
            Ok(done) => {
                cx.println(format!("{} {done}{}", info.display(), if done.starts_with("rolled") { dry_run.suffix() } else { "" })).await?
            }
            Err(e) => errors.push(e),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

async fn undo(cx: &Context, info: &Info, wanted: i64, dry_run: DryRun) -> Result<String, Error> {
    if !has_history(info) {
        return Err(unsupported(info, "rollbacker"));
    }
    if wanted < 0 {
        return Err(Error::message(format!("unable to find specified revision {wanted} in history")));
    }
    let is_deployment = info.resource.kind == "Deployment";
    let history = revisions(cx, info).await?;
    if is_deployment && wanted == 0 && history.len() < 2 {
        return Err(Error::message(format!("no rollout history found for deployment {:?}", info.name)));
    }
    let target = choose(&history, wanted)?;
    if is_deployment && info.object["spec"]["paused"] == true {
        return Err(Error::message("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"));
    }
    if dry_run == DryRun::Client {
        let text = tabwriter::align(&template::describe(&target.template), 0, 2);
        return Ok(format!("\n{}", text.trim_end()));
    }
    let query = if dry_run == DryRun::Server { "?dryRun=All" } else { "" };
    let path = format!("{}{query}", info.path());
    if !is_deployment {
        if info.object["spec"]["template"] == target.template {
            return Ok(format!("skipped rollback (current template already matches revision {})", target.number));
        }
        cx.patch(&path, patch::STRATEGIC, &target.keeper["data"]).await?;
        return Ok("rolled back".to_owned());
    }
    let mut template = target.template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    if template == info.object["spec"]["template"] {
        return Ok(format!("skipped rollback (current template already matches revision {})", target.number));
    }
    // The annotations of the revision come back too, apart from those that are bookkeeping.
    const KEPT: &[&str] = &[
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    let own = |v: &Value, kept: bool| -> serde_json::Map<String, Value> {
        let map = v["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        map.into_iter().filter(|(k, _)| KEPT.contains(&k.as_str()) == kept).collect()
    };
    let mut annotations = own(&info.object, true);
    annotations.extend(own(&target.keeper, false));
    let change = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    cx.patch(&path, patch::JSON, &change).await?;
    Ok("rolled back".to_owned())
}

fn choose(history: &[Revision], wanted: i64) -> Result<&Revision, Error> {
    if wanted > 0 {
        return history
            .iter()
            .find(|r| r.number == wanted)
            .ok_or_else(|| Error::message(format!("unable to find specified revision {wanted} in history")));
    }
    match history {
        [.., previous, _] => Ok(previous),
        _ => Err(Error::message("no last revision to roll back to")),
    }
}
