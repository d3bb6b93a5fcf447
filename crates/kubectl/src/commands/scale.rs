//! `kubectl scale`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun};
use crate::patch;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("replicas", Kind::Int, "0", "The new number of replicas."),
    flag("current-replicas", Kind::Int, "-1", "Only if this is the present number."),
    flag("resource-version", Kind::Text, "", "Only if the object has this version."),
    flag("timeout", Kind::Duration, "0s", "How long to wait for the new number; 0 does not wait."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["scale"],
    aliases: &[],
    usage: "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    short: "Set a new size for a deployment, replica set, or replication controller",
    long: "Set the number of replicas of a deployment, replica set or stateful set.",
    examples: "kubectl scale deployment/web --replicas=5\nkubectl scale statefulset db --replicas=3 --current-replicas=2",
    flags: &[FLAGS, FILENAME, SELECTOR, ALL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    super::create::required(cx, &["replicas"])?;
    let replicas = cx.flags.int("replicas");
    if replicas < 0 {
        return Err(Error::message("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"));
    }
    let dry_run = DryRun::of(cx).await?;
    let (infos, mut errors) = Selection::of(cx).fetch(cx).await?;
    let expected = cx.flags.int("current-replicas");
    let nothing = infos.is_empty() && errors.is_empty();
    for mut info in infos {
        if !info.resource.subresources.iter().any(|(name, _)| name == "scale") {
            errors.push(Error::from_response(404, b""));
            continue;
        }
        if dry_run != DryRun::Client {
            let path = format!("{}/scale", info.path());
            let result = async {
                if expected >= 0 || cx.flags.given("resource-version").is_some() {
                    let scale = cx.get(&path).await?;
                    if expected >= 0 && scale["spec"]["replicas"].as_i64().unwrap_or(0) != expected {
                        return Err(Error::message(format!(
                            "Expected replicas to be {expected}, was {}",
                            scale["spec"]["replicas"].as_i64().unwrap_or(0)
                        )));
                    }
                    let version = scale["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                    if let Some(wanted) = cx.flags.given("resource-version").filter(|w| *w != version) {
                        return Err(Error::message(format!("Expected resource version to be {wanted}, was {version}")));
                    }
                }
                let query = if dry_run == DryRun::Server { "?dryRun=All" } else { "" };
                cx.patch(&format!("{path}{query}"), patch::MERGE, &json!({"spec": {"replicas": replicas}})).await
            };
            if let Err(e) = result.await {
                errors.push(e);
                continue;
            }
        }
        info.object["spec"]["replicas"] = replicas.into();
        operation::announce(cx, &info.object, "scaled", dry_run).await?;
    }
    if nothing {
        return Err(Error::message("no objects passed to scale"));
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
