//! `kubectl describe`.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::describe;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::resources::args::{ALL_NAMESPACES, Info, Pick, SELECTOR, Selection, list};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("show-events", Kind::Bool, "true", "Show the object's events."),
    flag("chunk-size", Kind::Int, "500", "Objects to ask for at once."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["describe"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
    short: "Show details of a specific resource or group of resources",
    long: "Show an object, what belongs to it, and its events.",
    examples: "kubectl describe node worker-1\nkubectl describe pods -l app=web\nkubectl describe deployment/web",
    flags: &[FLAGS, FILENAME, SELECTOR, ALL_NAMESPACES],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) {
        return Err(Error::message(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.",
        ));
    }
    let selection = Selection { type_alone: true, ..Selection::of(cx) };
    let picks = selection.resolve(cx).await?;
    let (mut infos, mut errors) = (Vec::new(), Vec::new());
    for pick in &picks {
        match pick {
            Pick::One(info) => match cx.get(&info.path()).await {
                Ok(object) => infos.push(Info { object, ..info.clone() }),
                Err(e) if e.is_not_found() => match by_prefix(cx, info).await {
                    Ok(found) if !found.is_empty() => infos.extend(found),
                    _ => errors.push(e),
                },
                Err(e @ Error::Transport { .. }) => return Err(e),
                Err(e) => errors.push(e),
            },
            Pick::Many { resource, namespace } => match list(cx, resource, namespace.as_deref(), &selection.query()).await {
                Ok(found) => infos.extend(found),
                Err(e @ Error::Transport { .. }) => return Err(e),
                Err(e) => errors.push(selection.refused(resource, e)),
            },
        }
    }
    let mut first = true;
    for info in &infos {
        match describe::describe(cx, info, cx.flags.on("show-events")).await {
            Ok(text) => {
                cx.print(if first { text } else { format!("\n\n{text}") }).await?;
                first = false;
            }
            Err(e) => errors.push(e),
        }
    }
    if first && errors.is_empty() {
        let place = if !cx.flags.on("all-namespaces") { format!(" in {} namespace.", cx.namespace()?) } else { String::new() };
        cx.eprintln(format!("No resources found{place}")).await?;
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// A name that is not there may be the beginning of names.
async fn by_prefix(cx: &Context, info: &Info) -> Result<Vec<Info>, Error> {
    let all = list(cx, &info.resource, info.namespace.as_deref(), "").await?;
    Ok(all.into_iter().filter(|i| i.name.starts_with(&info.name)).collect())
}
