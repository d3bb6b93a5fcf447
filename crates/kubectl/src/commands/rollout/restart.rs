//! `kubectl rollout restart`.

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

/// The command.
pub const COMMAND: Command = Command {
    path: &["rollout", "restart"],
    aliases: &[],
    usage: "RESOURCE",
    short: "Restart a resource",
    long: "",
    examples: "kubectl rollout restart deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    let selection = Selection { type_alone: true, ..Selection::of(cx) };
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) {
        return Err(Error::message("required resource not specified"));
    }
    let (infos, mut errors) = selection.fetch(cx).await?;
    for info in infos {
        let (kind, name) = (info.resource.kind.as_str(), &info.name);
        let problem = match kind {
            "Deployment" if info.object["spec"]["paused"] == true => {
                Some("can't restart paused deployment (run rollout resume first)".to_owned())
            }
            "Deployment" | "DaemonSet" | "StatefulSet" => None,
            _ => Some("restarting is not supported".to_owned()),
        };
        if let Some(problem) = problem {
            errors.push(Error::message(format!("{} {name:?} {problem}", info.resource.qualified())));
            continue;
        }
        // Seconds only, in UTC here: upstream writes local time with its offset.
        let now = cx.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let change = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}}});
        let object = if dry_run == DryRun::Client {
            info.object.clone()
        } else {
            let path = format!("{}{}", info.path(), operation::write_query(cx, dry_run, "kubectl-rollout")?);
            match cx.patch(&path, patch::STRATEGIC, &change).await {
                Ok(object) => object,
                Err(e) => {
                    errors.push(Error::message(format!("failed to patch: {e}")));
                    continue;
                }
            }
        };
        operation::announce(cx, &object, "restarted", dry_run).await?;
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
