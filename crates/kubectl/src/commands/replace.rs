//! `kubectl replace`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun, LAST_APPLIED, SAVE_CONFIG, VALIDATE};
use crate::print::OUTPUT;
use crate::resources::args::{Info, info_of};
use crate::resources::manifest::{self, FILENAME};

const FLAGS: &[Flag] = &[
    flag("force", Kind::Bool, "false", "Delete the object and create it again."),
    flag("grace-period", Kind::Int, "-1", "With --force: seconds that the object has to end."),
    flag("cascade", Kind::Optional("background"), "background", "With --force: background, foreground or orphan."),
    flag("timeout", Kind::Duration, "0s", "With --force: how long to wait for the end."),
    flag("wait", Kind::Bool, "false", "With --force: wait for the end."),
    flag("subresource", Kind::Text, "", "Subresource to replace: status, scale."),
    flag("raw", Kind::Text, "", "URL path to PUT the manifest to."),
    flag("field-manager", Kind::Text, "kubectl-replace", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["replace"],
    aliases: &[],
    usage: "-f FILENAME",
    short: "Replace a resource by file name or stdin",
    long: "",
    examples: "kubectl replace -f web.yaml\nkubectl replace --force -f pod.yaml",
    flags: &[FLAGS, FILENAME, DRY_RUN, SAVE_CONFIG, VALIDATE, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    manifest::require(cx)?;
    let dry_run = DryRun::of(cx).await?;
    let force = cx.flags.on("force");
    if cx.flags.int("grace-period") >= 0 && !force {
        return Err(Error::message("--grace-period must have --force specified"));
    }
    let manifests = manifest::read(cx).await?;
    if manifests.is_empty() {
        return Err(Error::message("no objects passed to replace"));
    }
    if let Some(path) = cx.flags.given("raw") {
        let [one] = manifests.as_slice() else { return Err(Error::message("--raw can only use a single local file or stdin")) };
        return cx.println(cx.put(path, &one.object).await?.to_string()).await;
    }
    let (mut infos, mut errors) = (Vec::new(), Vec::new());
    for manifest in manifests {
        infos.push(info_of(cx, manifest).await?);
    }
    if force {
        for info in &infos {
            remove(cx, info).await?;
        }
    }
    for mut info in infos {
        if cx.flags.on("save-config") || info.object["metadata"]["annotations"][LAST_APPLIED].is_string() {
            operation::annotate_last_applied(&mut info.object);
        }
        let query = operation::write_query(cx, dry_run, "kubectl-replace")?;
        let result = match (dry_run, force) {
            (DryRun::Client, _) => Ok(info.object.clone()),
            (_, true) => cx.post(&format!("{}{query}", info.collection()), &info.object).await,
            _ => {
                let sub = cx.flags.given("subresource").map(|s| format!("/{s}")).unwrap_or_default();
                // Without a version the object is replaced whatever it is now (cli-runtime's `Helper.Replace`).
                let mut object = info.object.clone();
                if object["metadata"]["resourceVersion"].as_str().is_none_or(str::is_empty) {
                    match cx.get(&info.path()).await {
                        Ok(now) => object["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"].clone(),
                        Err(e) => {
                            errors.push(operation::with_source(e, "replacing", info.source.as_deref()));
                            continue;
                        }
                    }
                }
                cx.put(&format!("{}{sub}{query}", info.path()), &object).await
            }
        };
        match result {
            Ok(object) => operation::announce(cx, &object, "replaced", dry_run).await?,
            Err(e) => errors.push(operation::with_source(e, "replacing", info.source.as_deref())),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

async fn remove(cx: &Context, info: &Info) -> Result<(), Error> {
    let mut options: Value = json!({"propagationPolicy": "Background"});
    let grace = cx.flags.int("grace-period");
    // --force alone deletes at once, as in upstream's `forceReplace`.
    options["gracePeriodSeconds"] = grace.max(0).into();
    match cx.delete(&info.path(), &options).await {
        Err(e) if e.is_not_found() => return Ok(()),
        other => other?,
    };
    let kind = info.resource.kind_qualified();
    let place = info.namespace.as_ref().map(|n| format!(" from {n} namespace")).unwrap_or_default();
    cx.println(format!("{kind} {:?} deleted{place}", info.name)).await?;
    let limit = cx.flags.duration("timeout");
    super::wait::until_gone(cx, info, None, (!limit.is_zero()).then_some(limit)).await
}
