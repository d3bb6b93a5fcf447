//! `kubectl cordon` and `kubectl uncordon`.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::operation::{DRY_RUN, DryRun};
use crate::resources::args::{Info, SELECTOR, Selection};
use crate::update;

/// `kubectl cordon`.
pub const CORDON: Command = Command {
    path: &["cordon"],
    aliases: &[],
    usage: "NODE",
    short: "Mark node as unschedulable",
    long: "",
    examples: "kubectl cordon worker-1",
    flags: &[SELECTOR, DRY_RUN],
    completes: Completes::NamesOf("nodes"),
    run: Some(|cx| Box::pin(run(cx, true))),
};

/// `kubectl uncordon`.
pub const UNCORDON: Command = Command {
    path: &["uncordon"],
    aliases: &[],
    usage: "NODE",
    short: "Mark node as schedulable",
    long: "",
    examples: "kubectl uncordon worker-1",
    flags: &[SELECTOR, DRY_RUN],
    completes: Completes::NamesOf("nodes"),
    run: Some(|cx| Box::pin(run(cx, false))),
};

async fn run(cx: &Context, cordon: bool) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    let (nodes, mut errors) = nodes(cx).await?;
    for node in nodes {
        if let Err(e) = set(cx, &node, cordon, dry_run).await {
            errors.push(e);
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// The nodes that the arguments or the selector name.
pub async fn nodes(cx: &Context) -> Result<(Vec<Info>, Vec<Error>), Error> {
    let args = &cx.flags.args;
    if args.is_empty() && cx.flags.given("selector").is_none() {
        return Err(cx.usage_error("USAGE: {NODE} [flags]".replace("{NODE}", &format!("{} NODE", cx.command.name()))));
    }
    if !args.is_empty() && cx.flags.given("selector").is_some() {
        return Err(Error::message("error: cannot specify both a node name and a --selector option"));
    }
    let mut all = vec!["nodes".to_owned()];
    all.extend(args.iter().map(|a| a.strip_prefix("node/").or(a.strip_prefix("nodes/")).unwrap_or(a).to_owned()));
    let selection = Selection { args: all, all_namespaces: false, ..Selection::of(cx) };
    selection.fetch(cx).await
}

/// Sets or clears `spec.unschedulable` and tells so.
pub async fn set(cx: &Context, node: &Info, cordon: bool, dry_run: DryRun) -> Result<(), Error> {
    let word = if cordon { "cordoned" } else { "uncordoned" };
    if (node.object["spec"]["unschedulable"] == true) == cordon {
        return cx.println(format!("{} already {word}{}", node.display(), dry_run.suffix())).await;
    }
    let mut wanted = node.object.clone();
    if cordon {
        wanted["spec"]["unschedulable"] = true.into();
    } else if let Some(spec) = wanted["spec"].as_object_mut() {
        spec.remove("unschedulable");
    }
    update::send(cx, node, &wanted, dry_run, "kubectl-cordon")
        .await
        .map_err(|e| Error::message(format!("unable to {} node {:?}: {e}", if cordon { "cordon" } else { "uncordon" }, node.name)))?;
    cx.println(format!("{} {word}{}", node.display(), dry_run.suffix())).await
}
