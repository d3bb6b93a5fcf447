//! `kubectl label`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun};
use crate::print::OUTPUT;
use crate::resources::args::{ALL, ALL_NAMESPACES, FIELD_SELECTOR, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;
use crate::update;

/// Flags that `label` and `annotate` share.
pub const FLAGS: &[Flag] = &[
    flag("overwrite", Kind::Bool, "false", "Replace values that are there."),
    flag("list", Kind::Bool, "false", "Show what is there."),
    flag("resource-version", Kind::Text, "", "Only if the object has this version."),
    flag("field-manager", Kind::Text, "", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["label"],
    aliases: &[],
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    short: "Update the labels on a resource",
    long: "Set labels with KEY=VALUE, remove them with KEY-.",
    examples: "kubectl label node worker-1 disk=ssd\nkubectl label pod web tier=front --overwrite\nkubectl label pod web tier-",
    flags: &[FLAGS, FILENAME, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

/// Changes on the command line: what to set, what to remove, and the arguments before them.
pub struct Changes {
    /// Keys and values.
    pub set: Vec<(String, String)>,
    /// Keys.
    pub remove: Vec<String>,
    /// Arguments that name objects.
    pub resources: Vec<String>,
}

/// Splits arguments into resources and changes; `word` is `label` or `annotation`.
pub fn changes(cx: &Context, word: &str) -> Result<Changes, Error> {
    let mut out = Changes { set: Vec::new(), remove: Vec::new(), resources: Vec::new() };
    let mut in_changes = false;
    for arg in &cx.flags.args {
        if let Some((key, value)) = arg.split_once('=').filter(|(key, _)| !key.is_empty()) {
            out.set.push((key.to_owned(), value.to_owned()));
            in_changes = true;
        } else if let Some(key) =
            arg.strip_suffix('-').filter(|_| in_changes || out.resources.len() > 1 || arg.len() > 1 && !out.resources.is_empty())
        {
            out.remove.push(key.to_owned());
            in_changes = true;
        } else if in_changes {
            return Err(Error::message(format!("all resources must be specified before {word} changes: {arg}")));
        } else {
            out.resources.push(arg.clone());
        }
    }
    if out.remove.iter().any(|k| out.set.iter().any(|(s, _)| s == k)) {
        let article = if word == "annotation" { "an" } else { "a" };
        return Err(Error::message(format!("can not both modify and remove {article} {word} in the same command")));
    }
    Ok(out)
}

async fn run(cx: &Context) -> Result<(), Error> {
    let changes = changes(cx, "label")?;
    let listing = cx.flags.on("list");
    if changes.resources.is_empty() && !crate::resources::manifest::named(cx) {
        return Err(Error::message("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    if changes.set.is_empty() && changes.remove.is_empty() && !listing {
        return Err(Error::message("at least one label update is required"));
    }
    for (key, value) in &changes.set {
        validate(key, value)?;
    }
    let dry_run = DryRun::of(cx).await?;
    let selection = Selection { args: changes.resources.clone(), ..Selection::of(cx) };
    let (infos, mut errors) = update::objects(cx, &selection).await?;
    for info in infos {
        let old = &info.object["metadata"]["labels"];
        if listing && changes.set.is_empty() && changes.remove.is_empty() {
            print_list(cx, old).await?;
            continue;
        }
        let mut wanted = info.object.clone();
        match modify(cx, &mut wanted, &changes) {
            Err(e) => {
                errors.push(e);
                continue;
            }
            Ok(missing) => {
                for key in missing {
                    cx.println(format!("label {key:?} not found.")).await?;
                }
            }
        }
        if let Some(version) = cx.flags.given("resource-version") {
            wanted["metadata"]["resourceVersion"] = version.into();
        }
        let done = match (wanted == info.object, changes.set.is_empty(), changes.remove.is_empty()) {
            (true, ..) => "not labeled",
            (_, true, _) => "unlabeled",
            _ => "labeled",
        };
        let object = if update::is_local(cx) || wanted == info.object {
            wanted
        } else {
            match update::merge(cx, &info, &wanted, dry_run, "kubectl-label").await {
                Ok(object) => object,
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            }
        };
        if listing {
            print_list(cx, &object["metadata"]["labels"]).await?;
        } else {
            operation::announce(cx, &object, done, dry_run).await?;
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// Applies the changes; returns keys to remove that were not there.
fn modify(cx: &Context, object: &mut Value, changes: &Changes) -> Result<Vec<String>, Error> {
    let labels = &mut object["metadata"]["labels"];
    if !cx.flags.on("overwrite") {
        for (key, value) in &changes.set {
            if let Some(old) = labels[key].as_str().filter(|old| old != value) {
                return Err(Error::message(format!("'{key}' already has a value ({old}), and --overwrite is false")));
            }
        }
    }
    for (key, value) in &changes.set {
        labels[key] = value.clone().into();
    }
    let mut missing = Vec::new();
    for key in &changes.remove {
        if labels.as_object_mut().and_then(|l| l.remove(key)).is_none() {
            missing.push(key.clone());
        }
    }
    tidy(object, "labels");
    Ok(missing)
}

/// Removes an empty or null map that indexing may have left behind.
pub fn tidy(object: &mut Value, field: &str) {
    if let Some(metadata) = object["metadata"].as_object_mut()
        && metadata.get(field).is_some_and(|v| v.is_null())
    {
        metadata.remove(field);
    }
}

async fn print_list(cx: &Context, labels: &Value) -> Result<(), Error> {
    let mut lines: Vec<String> =
        labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}\n", v.as_str().unwrap_or_default())).collect();
    lines.sort();
    cx.print(lines.concat()).await
}

/// Only values are looked at here (`parseLabels`); wrong keys are for the server to refuse.
fn validate(key: &str, value: &str) -> Result<(), Error> {
    let valid = |text: &str| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let spec = format!("{key}={value}");
    if !value.is_empty() && !valid(value) {
        return Err(Error::message(format!(
            "invalid label value: {spec:?}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )));
    }
    Ok(())
}
