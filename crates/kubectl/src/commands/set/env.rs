//! `kubectl set env`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::set::{MANAGER, each, no_template, split};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::DRY_RUN;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;
use crate::update::{self, pod_spec};

const FLAGS: &[Flag] = &[
    short("env", 'e', Kind::Array, "", "Variable to set: NAME=VALUE; may be repeated."),
    short("containers", 'c', Kind::Text, "*", "Names of containers to change; * is all."),
    flag("from", Kind::Text, "", "Take variables from a config map or secret: configmap/name."),
    flag("keys", Kind::List, "", "With --from: only these keys."),
    flag("prefix", Kind::Text, "", "With --from: put this before the names."),
    flag("list", Kind::Bool, "false", "Show the variables."),
    flag("resolve", Kind::Bool, "false", "Not supported."),
    flag("overwrite", Kind::Bool, "true", "Replace values that are there."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "env"],
    aliases: &[],
    usage: "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
    short: "Update environment variables on a pod template",
    long: "Set variables with KEY=VALUE, remove them with KEY-.",
    examples: "kubectl set env deployment/web LEVEL=debug\nkubectl set env deployment/web LEVEL-\nkubectl set env deployment/web --from=configmap/web\nkubectl set env deployment/web --list",
    flags: &[FLAGS, MANAGER, FILENAME, SELECTOR, ALL, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let (resources, changes) = split(&cx.flags.args);
    let mut set: Vec<Value> = Vec::new();
    let mut remove: Vec<String> = Vec::new();
    for change in changes.iter().chain(&cx.flags.list("env")) {
        match change.split_once('=') {
            Some((name, value)) => set.push(json!({"name": name, "value": value})),
            None => remove.push(change.trim_end_matches('-').to_owned()),
        }
    }
    if let Some(from) = cx.flags.given("from") {
        set.extend(from_source(cx, from).await?);
    }
    if cx.flags.on("resolve") {
        return Err(Error::message("--resolve is not supported by this kubectl"));
    }
    let selection = Selection { args: resources, ..Selection::of(cx) };
    if cx.flags.on("list") {
        return show(cx, &selection).await;
    }
    if set.is_empty() && remove.is_empty() {
        return Err(Error::message("at least one environment variable must be provided"));
    }
    let (overwrite, wanted) = (cx.flags.on("overwrite"), cx.flags.text("containers").to_owned());
    each(cx, &selection, "env updated", move |info, object| {
        let Some(spec) = pod_spec(object) else {
            return Err(no_template(info));
        };
        let mut matched = false;
        for container in ["containers", "initContainers"].iter().filter_map(|k| spec.get(*k).map(|_| *k)).collect::<Vec<_>>() {
            for c in spec[container].as_array_mut().into_iter().flatten() {
                if !matches(&wanted, c["name"].as_str().unwrap_or_default()) {
                    continue;
                }
                matched = true;
                change_env(c, &set, &remove, overwrite, &format!("{}/{}", info.resource.name, info.name))?;
            }
        }
        if matched {
            Ok(())
        } else {
            Err(Error::message(format!("{}/{} does not have any containers matching {wanted:?}", info.resource.name, info.name)))
        }
    })
    .await
}

/// `*` at the end of a pattern stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern.split(',').any(|p| p == name),
    }
}

fn change_env(container: &mut Value, set: &[Value], remove: &[String], overwrite: bool, whose: &str) -> Result<(), Error> {
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    for variable in set {
        match env.iter_mut().find(|v| v["name"] == variable["name"]) {
            Some(old) if !overwrite && old["value"] != variable["value"] => {
                return Err(Error::message(format!(
                    "{whose}: '{}' already has a value ({}), and --overwrite is false",
                    variable["name"].as_str().unwrap_or_default(),
                    old["value"].as_str().unwrap_or_default()
                )));
            }
            Some(old) => *old = variable.clone(),
            None => env.push(variable.clone()),
        }
    }
    env.retain(|v| !remove.iter().any(|r| v["name"] == r.as_str()));
    match (env.is_empty(), container.as_object_mut()) {
        (true, Some(map)) => {
            map.remove("env");
        }
        _ => container["env"] = Value::Array(env),
    }
    Ok(())
}

/// Variables that refer to each key of a config map or secret.
async fn from_source(cx: &Context, from: &str) -> Result<Vec<Value>, Error> {
    let Some((kind, name)) = from.split_once('/') else {
        return Err(Error::message(format!("the argument {from:?} must be RESOURCE/NAME")));
    };
    let resource = cx.discovery().await?.find(kind)?;
    let reference = match resource.kind.as_str() {
        "ConfigMap" => "configMapKeyRef",
        "Secret" => "secretKeyRef",
        other => return Err(Error::message(format!("unsupported resource specified in --from: {other}"))),
    };
    let object = cx.get(&resource.object(Some(&cx.namespace()?), name)).await?;
    let (keys, prefix) = (cx.flags.list("keys"), cx.flags.text("prefix"));
    let mut names: Vec<String> = object["data"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
    names.sort();
    names.retain(|k| keys.is_empty() || keys.contains(k));
    let variable = |key: &String| {
        let upper: String = key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_uppercase() } else { '_' }).collect();
        json!({"name": format!("{prefix}{upper}"), "valueFrom": {reference: {"key": key, "name": name}}})
    };
    for key in &names {
        let upper = key.to_uppercase();
        if *key != upper {
            cx.warn(&format!("key {key} transferred to {upper}")).await?;
        }
    }
    Ok(names.iter().map(variable).collect())
}

async fn show(cx: &Context, selection: &Selection) -> Result<(), Error> {
    let (infos, errors) = update::objects(cx, selection).await?;
    for mut info in infos {
        let Some(spec) = pod_spec(&mut info.object) else { continue };
        let spec = spec.clone();
        for key in ["containers", "initContainers"] {
            for container in spec[key].as_array().into_iter().flatten() {
                let name = container["name"].as_str().unwrap_or_default();
                if !matches(cx.flags.text("containers"), name) {
                    continue;
                }
                cx.println(format!("# {} {}, container {name}", info.resource.kind, info.name)).await?;
                for v in container["env"].as_array().into_iter().flatten() {
                    let variable = v["name"].as_str().unwrap_or_default();
                    let from = &v["valueFrom"];
                    let line = if from.is_null() {
                        format!("{variable}={}", v["value"].as_str().unwrap_or_default())
                    } else if let Some(r) = from.get("configMapKeyRef") {
                        format!(
                            "# {variable} from configmap {}, key {}",
                            r["name"].as_str().unwrap_or_default(),
                            r["key"].as_str().unwrap_or_default()
                        )
                    } else if let Some(r) = from.get("secretKeyRef") {
                        format!(
                            "# {variable} from secret {}, key {}",
                            r["name"].as_str().unwrap_or_default(),
                            r["key"].as_str().unwrap_or_default()
                        )
                    } else if let Some(r) = from.get("fieldRef") {
                        format!("# {variable} from field path {}", r["fieldPath"].as_str().unwrap_or_default())
                    } else {
                        format!("# {variable} from resource field")
                    };
                    cx.println(line).await?;
                }
            }
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
