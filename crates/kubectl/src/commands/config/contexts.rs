//! `kubectl config current-context`, `get-contexts`, `use-context`, `rename-context`, `delete-context`.

use crate::command::{Command, Completes};
use crate::commands::config::File;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::print::tabwriter;

const fn command(
    path: &'static [&'static str],
    usage: &'static str,
    short: &'static str,
    flags: &'static [&'static [Flag]],
    completes: Completes,
    run: crate::command::Run,
) -> Command {
    Command { path, aliases: &[], usage, short, long: "", examples: "", flags, completes, run: Some(run) }
}

const GET_FLAGS: &[Flag] = &[flag("no-headers", Kind::Bool, "false", "Print no headers."), short("output", 'o', Kind::Text, "", "name.")];

/// `kubectl config current-context`.
pub const CURRENT: Command =
    command(&["config", "current-context"], "", "Display the current-context", &[], Completes::Nothing, |cx| Box::pin(current(cx)));
/// `kubectl config get-contexts`.
pub const GET: Command = command(
    &["config", "get-contexts"],
    "[(-o|--output=)name)]",
    "Describe one or many contexts",
    &[GET_FLAGS],
    Completes::Contexts,
    |cx| Box::pin(get(cx)),
);
/// `kubectl config use-context`.
pub const USE: Command = Command {
    aliases: &["use"],
    ..command(&["config", "use-context"], "CONTEXT_NAME", "Set the current-context in a kubeconfig file", &[], Completes::Contexts, |cx| {
        Box::pin(use_context(cx))
    })
};
/// `kubectl config rename-context`.
pub const RENAME: Command = command(
    &["config", "rename-context"],
    "CONTEXT_NAME NEW_NAME",
    "Rename a context from the kubeconfig file",
    &[],
    Completes::Contexts,
    |cx| Box::pin(rename(cx)),
);
/// `kubectl config delete-context`.
pub const DELETE: Command =
    command(&["config", "delete-context"], "NAME", "Delete the specified context from the kubeconfig", &[], Completes::Contexts, |cx| {
        Box::pin(delete(cx))
    });

async fn current(cx: &Context) -> Result<(), Error> {
    let file = File::open(cx)?;
    match file.value["current-context"].as_str().filter(|c| !c.is_empty()) {
        Some(name) => cx.println(name).await,
        None => Err(Error::message("current-context is not set")),
    }
}

async fn get(cx: &Context) -> Result<(), Error> {
    let file = File::open(cx)?;
    let current = file.value["current-context"].as_str().unwrap_or_default();
    let names = if cx.flags.args.is_empty() { file.names("contexts") } else { cx.flags.args.clone() };
    let by_name = cx.flags.text("output") == "name";
    let mut text = String::new();
    if !by_name && !cx.flags.on("no-headers") {
        text.push_str("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n");
    }
    let mut missing = Vec::new();
    for name in names {
        let Some(entry) = file.entry("contexts", &name) else {
            missing.push(Error::message(format!("context {name} not found")));
            continue;
        };
        let field = |key: &str| entry["context"][key].as_str().unwrap_or_default();
        if by_name {
            text.push_str(&format!("{name}\n"));
        } else {
            let mark = if name == current { "*" } else { "" };
            text.push_str(&format!("{mark}\t{name}\t{}\t{}\t{}\n", field("cluster"), field("user"), field("namespace")));
        }
    }
    cx.print(tabwriter::align(&text, 6, 3)).await?;
    match Error::collect(missing) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn one(cx: &Context) -> Result<&str, Error> {
    match cx.flags.args.as_slice() {
        [name] if !name.is_empty() => Ok(name),
        args => Err(cx.usage_error(format!("Unexpected args: [{}]", args.join(" ")))),
    }
}

async fn use_context(cx: &Context) -> Result<(), Error> {
    let name = one(cx)?;
    let mut file = File::open(cx)?;
    if file.entry("contexts", name).is_none() {
        return Err(Error::message(format!("no context exists with the name: {name:?}")));
    }
    file.value["current-context"] = name.into();
    file.save(cx)?;
    cx.println(format!("Switched to context {name:?}.")).await
}

async fn rename(cx: &Context) -> Result<(), Error> {
    let [old, new] = cx.flags.args.as_slice() else {
        return Err(cx.usage_error(format!("Unexpected args: [{}]", cx.flags.args.join(" "))));
    };
    let mut file = File::open(cx)?;
    if file.entry("contexts", old).is_none() {
        return Err(Error::message(format!("cannot rename the context {old:?}, it's not in {}", file.path)));
    }
    if file.entry("contexts", new).is_some() {
        return Err(Error::message(format!("cannot rename the context {old:?}, the context {new:?} already exists in {}", file.path)));
    }
    for entry in file.value["contexts"].as_array_mut().into_iter().flatten() {
        if entry["name"] == old.as_str() {
            entry["name"] = new.clone().into();
        }
    }
    if file.value["current-context"] == old.as_str() {
        file.value["current-context"] = new.clone().into();
    }
    file.save(cx)?;
    cx.println(format!("Context {old:?} renamed to {new:?}.")).await
}

async fn delete(cx: &Context) -> Result<(), Error> {
    let name = one(cx)?;
    let mut file = File::open(cx)?;
    let current = file.value["current-context"] == name;
    if !file.remove("contexts", name) {
        return Err(Error::message(format!("cannot delete context {name}, not in {}", file.path)));
    }
    if current {
        cx.eprintln("warning: this removed your active context, use \"kubectl config use-context\" to select a different one").await?;
    }
    file.save(cx)?;
    cx.println(format!("deleted context {name} from {}", file.path)).await
}
