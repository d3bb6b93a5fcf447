//! `kubectl config set` and `kubectl config unset`: single values by their path.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::commands::config::File;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};

const FLAGS: &[Flag] = &[flag("set-raw-bytes", Kind::Bool, "false", "Take the value as it is where base64 is kept.")];

/// `kubectl config set`.
pub const SET: Command = Command {
    path: &["config", "set"],
    aliases: &[],
    usage: "PROPERTY_NAME PROPERTY_VALUE",
    short: "Set an individual value in a kubeconfig file",
    long: "",
    examples: "kubectl config set clusters.kind.server https://10.0.0.1:6443",
    flags: &[FLAGS],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(set(cx))),
};

/// `kubectl config unset`.
pub const UNSET: Command = Command {
    path: &["config", "unset"],
    aliases: &[],
    usage: "PROPERTY_NAME",
    short: "Unset an individual value in a kubeconfig file",
    long: "",
    examples: "kubectl config unset current-context",
    flags: &[],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(unset(cx))),
};

/// `clusters.NAME.server` in three parts: names may have dots, so the last one ends them.
fn parts(path: &str) -> Vec<&str> {
    match path.split_once('.') {
        None => vec![path],
        Some((list @ ("clusters" | "contexts" | "users"), rest)) => match rest.rsplit_once('.') {
            Some((name, key)) => vec![list, name, key],
            None => vec![list, rest],
        },
        Some((first, rest)) => vec![first, rest],
    }
}

async fn set(cx: &Context) -> Result<(), Error> {
    let [path, text] = cx.flags.args.as_slice() else {
        return Err(cx.usage_error(format!("Unexpected args: [{}]", cx.flags.args.join(" "))));
    };
    let mut file = File::open(cx)?;
    match parts(path).as_slice() {
        ["current-context"] => file.value["current-context"] = text.clone().into(),
        [list @ ("clusters" | "contexts" | "users"), name, key] => {
            let value = match *key {
                "insecure-skip-tls-verify" => Value::Bool(text == "true"),
                key if key.ends_with("-data") && !cx.flags.on("set-raw-bytes") => {
                    use base64::Engine;
                    base64::engine::general_purpose::STANDARD.encode(text).into()
                }
                _ => text.clone().into(),
            };
            file.inner(list, name)[*key] = value;
        }
        _ => return Err(Error::message(format!("unable to parse {path:?} at {path:?}"))),
    }
    file.save(cx)?;
    cx.println(format!("Property {path:?} set.")).await
}

async fn unset(cx: &Context) -> Result<(), Error> {
    let [path] = cx.flags.args.as_slice() else {
        return Err(cx.usage_error(format!("Unexpected args: [{}]", cx.flags.args.join(" "))));
    };
    let mut file = File::open(cx)?;
    match parts(path).as_slice() {
        ["current-context"] => file.value["current-context"] = "".into(),
        [list @ ("clusters" | "contexts" | "users")] => file.value[*list] = serde_json::json!([]),
        [list @ ("clusters" | "contexts" | "users"), name] => {
            file.remove(list, name);
        }
        [list @ ("clusters" | "contexts" | "users"), name, key] => {
            if file.entry(list, name).is_none() {
                // `clusters.NAME` with dots in the name.
                file.remove(list, &format!("{name}.{key}"));
            } else if let Some(map) = file.inner(list, name).as_object_mut() {
                map.remove(*key);
            }
        }
        _ => return Err(Error::message(format!("unable to parse {path:?} at {path:?}"))),
    }
    file.save(cx)?;
    cx.println(format!("Property {path:?} unset.")).await
}
