//! `kubectl delete`.

use http::Method;
use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{self, DRY_RUN, DryRun};
use crate::resources::args::{ALL, ALL_NAMESPACES, FIELD_SELECTOR, Info, Pick, SELECTOR, Selection, list};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("cascade", Kind::Optional("background"), "background", "background, foreground or orphan: what becomes of dependents."),
    flag("force", Kind::Bool, "false", "Delete at once, without grace; some resources may go on running."),
    flag("grace-period", Kind::Int, "-1", "Seconds that the object has to end; -1 is its own period."),
    flag("ignore-not-found", Kind::Bool, "false", "What is not there counts as deleted."),
    short("interactive", 'i', Kind::Bool, "false", "Ask before deleting."),
    flag("now", Kind::Bool, "false", "Signal to end at once (same as --grace-period=1)."),
    short("output", 'o', Kind::Text, "", "name: print what was deleted as TYPE/NAME."),
    flag("raw", Kind::Text, "", "URL path to DELETE."),
    flag("timeout", Kind::Duration, "0s", "How long to wait for the end; 0 waits as long as the object's own grace tells."),
    flag("wait", Kind::Bool, "true", "Wait until objects are gone."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["delete"],
    aliases: &[],
    usage: "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
    short: "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    long: "Delete objects, and wait until they are gone.",
    examples: "# What a manifest created\nkubectl delete -f web.yaml\n\n# By name\nkubectl delete pod web --now\n\n# By label\nkubectl delete pods,services -l app=web",
    flags: &[FLAGS, FILENAME, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, DRY_RUN],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

struct Plan {
    grace: i64,
    dry_run: DryRun,
    options: Value,
}

async fn run(cx: &Context) -> Result<(), Error> {
    if let Some(path) = cx.flags.given("raw") {
        let reply = cx.call(Method::DELETE, path, &[("accept", "application/json")], Vec::new()).await?;
        return cx.print(String::from_utf8_lossy(&reply.body)).await;
    }
    let mut selection = Selection::of(cx);
    // --all and a selector by field only name no type by themselves.
    selection.type_alone = false;
    let selecting = selection.all || selection.labels.is_some() || selection.fields.is_some();
    let ignore_missing = cx.flags.on("ignore-not-found") || (selecting && !cx.flags.changed("ignore-not-found"));
    let (mut infos, mut errors) = (Vec::new(), Vec::new());
    let picks = selection.resolve(cx).await?;
    // What is wrong with the arguments is said before warnings.
    let plan = plan(cx).await?;
    for pick in picks {
        match pick {
            Pick::One(info) => infos.push(info),
            Pick::Many { resource, namespace } => match list(cx, &resource, namespace.as_deref(), &selection.query()).await {
                Ok(found) => infos.extend(found),
                Err(e @ Error::Transport { .. }) => return Err(e),
                Err(e) if ignore_missing && e.is_not_found() => {}
                Err(e) => errors.push(selection.refused(&resource, e)),
            },
        }
    }
    if cx.flags.on("interactive") && !confirmed(cx, &infos).await? {
        return cx.println("deletion is cancelled").await;
    }
    let mut deleted = Vec::new();
    for info in &infos {
        if !info.resource.namespaced && cx.namespace_enforced() {
            cx.warn("deleting cluster-scoped resources, not scoped to the provided namespace").await?;
        }
        if plan.dry_run == DryRun::Client {
            tell(cx, info, &plan).await?;
            deleted.push((info, None));
            continue;
        }
        match cx.delete(&info.path(), &plan.options).await {
            Ok(answer) => {
                tell(cx, info, &plan).await?;
                let uid = answer["details"]["uid"].as_str().or(answer["metadata"]["uid"].as_str()).map(str::to_owned);
                deleted.push((info, uid));
            }
            Err(e) if e.is_not_found() && ignore_missing => deleted.push((info, None)),
            Err(e @ Error::Transport { .. }) => return Err(e),
            Err(e) => errors.push(operation::with_source(e, "deleting", info.source.as_deref())),
        }
    }
    if infos.is_empty() && errors.is_empty() {
        return cx.println("No resources found").await;
    }
    if errors.is_empty() && cx.flags.on("wait") && plan.dry_run == DryRun::None {
        let timeout = cx.flags.duration("timeout");
        let limit = (!timeout.is_zero()).then_some(timeout);
        for (info, uid) in deleted {
            match super::wait::until_gone(cx, info, uid.as_deref(), limit).await {
                // Who may delete need not be allowed to look on.
                Err(e) if matches!(e.reason(), "Forbidden" | "MethodNotAllowed") => {}
                other => other?,
            }
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

async fn plan(cx: &Context) -> Result<Plan, Error> {
    let (force, now) = (cx.flags.on("force"), cx.flags.on("now"));
    let mut grace = cx.flags.int("grace-period");
    if now {
        if grace != -1 {
            return Err(Error::message("--now and --grace-period cannot be specified together"));
        }
        grace = 1;
    }
    if grace == 0 && !force {
        // Without --force zero is softened to one second, so that nothing is lost by accident.
        grace = 1;
    }
    if force && grace < 0 {
        grace = 0;
    }
    let output = cx.flags.text("output");
    if !output.is_empty() && output != "name" {
        return Err(Error::message(format!("unexpected -o output mode: {output}. We only support '-o name'")));
    }
    if cx.flags.on("all") && cx.flags.given("selector").is_some() {
        return Err(Error::message("setting 'all' parameter but found a non empty selector."));
    }
    if cx.flags.on("all") && cx.flags.given("field-selector").is_some() {
        return Err(Error::message("cannot set --all and --field-selector at the same time"));
    }
    if force && grace == 0 {
        cx.warn("Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.").await?;
    } else if force {
        return Err(Error::message("--force and --grace-period greater than 0 cannot be specified together"));
    }
    let policy = match cx.flags.text("cascade") {
        "background" | "true" => "Background",
        "foreground" => "Foreground",
        "orphan" | "false" => "Orphan",
        other => {
            return Err(Error::message(format!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\"")));
        }
    };
    let dry_run = DryRun::of(cx).await?;
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy});
    if grace >= 0 {
        options["gracePeriodSeconds"] = grace.into();
    }
    if dry_run == DryRun::Server {
        options["dryRun"] = json!(["All"]);
    }
    Ok(Plan { grace, dry_run, options })
}

async fn tell(cx: &Context, info: &Info, plan: &Plan) -> Result<(), Error> {
    let kind = info.resource.kind_qualified();
    if cx.flags.text("output") == "name" {
        return cx.println(format!("{kind}/{}", info.name)).await;
    }
    let verb = if plan.grace == 0 { "force deleted" } else { "deleted" };
    let place = info.namespace.as_ref().map(|n| format!(" from {n} namespace")).unwrap_or_default();
    cx.println(format!("{kind} \"{}\" {verb}{place}{}", info.name, plan.dry_run.suffix())).await
}

async fn confirmed(cx: &Context, infos: &[Info]) -> Result<bool, Error> {
    let mut text = format!("You are about to delete the following {} resource(s):\n", infos.len());
    for info in infos {
        text.push_str(&format!("{}\n", info.display()));
    }
    cx.print(format!("{text}Do you want to continue? (y/N): ")).await?;
    let answer = cx.read_line().await?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
