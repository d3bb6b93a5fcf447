//! `kubectl rollout pause` and `kubectl rollout resume`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun};
use crate::patch;
use crate::print::OUTPUT;
use crate::resources::args::{SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[flag("field-manager", Kind::Text, "kubectl-rollout", "Name of the manager that tracks field ownership.")];

/// `kubectl rollout pause`.
pub const PAUSE: Command = Command {
    path: &["rollout", "pause"],
    aliases: &[],
    usage: "RESOURCE",
    short: "Mark the provided resource as paused",
    long: "",
    examples: "kubectl rollout pause deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx, true))),
};

/// `kubectl rollout resume`.
pub const RESUME: Command = Command {
    path: &["rollout", "resume"],
    aliases: &[],
    usage: "RESOURCE",
    short: "Resume a paused resource",
    long: "",
    examples: "kubectl rollout resume deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx, false))),
};

async fn run(cx: &Context, pause: bool) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) {
        return Err(Error::message("required resource not specified"));
    }
    let (infos, mut errors) = Selection { type_alone: true, ..Selection::of(cx) }.fetch(cx).await?;
    let (done, already, verb) = if pause { ("paused", "is already paused", "pausing") } else { ("resumed", "is not paused", "resuming") };
    for info in infos {
        let problem = if info.resource.kind != "Deployment" {
            Some(format!("{verb} is not supported"))
        } else {
            ((info.object["spec"]["paused"] == true) == pause).then(|| already.to_owned())
        };
        if let Some(problem) = problem {
            errors.push(Error::message(format!("{} {:?} {problem}", info.resource.qualified(), info.name)));
            continue;
        }
        let object = if dry_run == DryRun::Client {
            info.object.clone()
        } else {
            let path = format!("{}{}", info.path(), operation::write_query(cx, dry_run, "kubectl-rollout")?);
            let paused = if pause { json!(true) } else { json!(null) };
            match cx.patch(&path, patch::STRATEGIC, &json!({"spec": {"paused": paused}})).await {
                Ok(object) => object,
                Err(e) => {
                    errors.push(Error::message(format!("failed to patch: {e}")));
                    continue;
                }
            }
        };
        operation::announce(cx, &object, done, dry_run).await?;
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
