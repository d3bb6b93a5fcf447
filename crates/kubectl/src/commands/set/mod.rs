//! `kubectl set`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DryRun};
use crate::resources::args::{Info, Selection};
use crate::update;

pub mod env;
pub mod image;
pub mod resources;
pub mod selector;
pub mod serviceaccount;
pub mod subject;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["set"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Set specific features on objects",
    long: "Change images, environment, resources and other features of objects.",
    examples: "kubectl set image deployment/web nginx=nginx:1.28",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

/// The manager of fields that `set` writes.
pub const MANAGER: &[Flag] = &[flag("field-manager", Kind::Text, "kubectl-set", "Name of the manager that tracks field ownership.")];

/// Changes each selected object by `change` and sends what differs. `done` is what is said, unless nothing changed.
pub async fn each(
    cx: &Context,
    selection: &Selection,
    done: &str,
    mut change: impl FnMut(&Info, &mut Value) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    let (infos, mut errors) = update::objects(cx, selection).await?;
    for info in infos {
        let mut wanted = info.object.clone();
        if let Err(e) = change(&info, &mut wanted) {
            errors.push(e);
            continue;
        }
        if wanted == info.object && !update::is_local(cx) {
            // Nothing to send, and nothing is said, as upstream skips an empty patch.
            continue;
        }
        let result = if update::is_local(cx) { Ok(wanted) } else { update::send(cx, &info, &wanted, dry_run, "kubectl-set").await };
        match result {
            Ok(object) => operation::announce(cx, &object, done, dry_run).await?,
            // Upstream's own wording for each of its commands.
            Err(e) if done.starts_with("resource ") => {
                errors.push(Error::message(format!("failed to patch resources update to pod template {e}")));
            }
            Err(e) => errors.push(Error::message(
                format!("failed to patch {done} to pod template: {e}").replace(&format!("patch {done}"), &format!("patch {}", noun(done))),
            )),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// `image updated` → `image update`.
fn noun(done: &str) -> &str {
    done.strip_suffix('d').unwrap_or(done)
}

/// The error for objects that run no pods.
pub fn no_template(info: &Info) -> Error {
    let (resource, version, kind) = (&info.resource.name, &info.resource.version, &info.resource.kind);
    Error::message(format!("{resource}/{} the object is not a pod or does not have a pod template: *{version}.{kind}", info.name))
}

/// Splits `TYPE NAME key=value…` into what names objects and what changes them.
pub fn split(args: &[String]) -> (Vec<String>, Vec<String>) {
    args.iter().cloned().partition(|a| !(a.contains('=') || (a.ends_with('-') && a.len() > 1)))
}
