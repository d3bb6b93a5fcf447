//! `kubectl annotate`.

use crate::command::{Command, Completes};
use crate::commands::label::{FLAGS, changes, tidy};
use crate::context::Context;
use crate::error::Error;
use crate::operation::{self, DRY_RUN, DryRun};
use crate::print::OUTPUT;
use crate::resources::args::{ALL, ALL_NAMESPACES, FIELD_SELECTOR, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;
use crate::update;

/// The command.
pub const COMMAND: Command = Command {
    path: &["annotate"],
    aliases: &[],
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    short: "Update the annotations on a resource",
    long: "Set annotations with KEY=VALUE, remove them with KEY-.",
    examples: "kubectl annotate pod web description='shop front'\nkubectl annotate pod web description-",
    flags: &[FLAGS, FILENAME, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let changes = changes(cx, "annotation")?;
    let listing = cx.flags.on("list");
    if changes.set.is_empty() && changes.remove.is_empty() && !listing {
        return Err(Error::message("at least one annotation update is required"));
    }
    let dry_run = DryRun::of(cx).await?;
    let selection = Selection { args: changes.resources.clone(), ..Selection::of(cx) };
    let (infos, mut errors) = update::objects(cx, &selection).await?;
    for info in infos {
        let mut wanted = info.object.clone();
        let annotations = &mut wanted["metadata"]["annotations"];
        let taken = changes.set.iter().find(|(k, v)| !cx.flags.on("overwrite") && annotations[k].as_str().is_some_and(|old| old != v));
        if let Some((key, _)) = taken {
            let old = annotations[key].as_str().unwrap_or_default();
            errors.push(Error::message(format!(
                "--overwrite is false but found the following declared annotation(s): '{key}' already has a value ({old})"
            )));
            continue;
        }
        for (key, value) in &changes.set {
            annotations[key] = value.clone().into();
        }
        for key in &changes.remove {
            if let Some(map) = annotations.as_object_mut() {
                map.remove(key);
            }
        }
        tidy(&mut wanted, "annotations");
        let object = if update::is_local(cx) || wanted == info.object {
            wanted
        } else {
            match update::merge(cx, &info, &wanted, dry_run, "kubectl-annotate").await {
                Ok(object) => object,
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            }
        };
        if listing {
            let map = object["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
            for (key, value) in map {
                cx.println(format!("{key}={}", value.as_str().unwrap_or_default())).await?;
            }
        } else {
            operation::announce(cx, &object, "annotated", dry_run).await?;
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
