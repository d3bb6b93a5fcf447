//! `kubectl taint`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun, VALIDATE};
use crate::print::OUTPUT;
use crate::resources::args::{ALL, SELECTOR, Selection};
use crate::update;

const FLAGS: &[Flag] = &[
    flag("overwrite", Kind::Bool, "false", "Replace taints that are there."),
    flag("field-manager", Kind::Text, "", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["taint"],
    aliases: &[],
    usage: "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
    short: "Update the taints on one or more nodes",
    long: "Set taints with KEY=VALUE:EFFECT, remove them with KEY[:EFFECT]-. Effects: NoSchedule, PreferNoSchedule, NoExecute.",
    examples: "kubectl taint node worker-1 dedicated=db:NoSchedule\nkubectl taint node worker-1 dedicated:NoSchedule-\nkubectl taint node worker-1 dedicated-",
    flags: &[FLAGS, SELECTOR, ALL, DRY_RUN, VALIDATE, OUTPUT],
    completes: Completes::NamesOf("nodes"),
    run: Some(|cx| Box::pin(run(cx))),
};

#[derive(Debug, PartialEq)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

const NAME_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn is_qualified_name(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    key.matches('/').count() < 2
        && (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Taints to set and taints to remove (no effect: all of the key).
fn parse(words: &[String]) -> Result<(Vec<Taint>, Vec<Taint>), Error> {
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for word in words {
        let (body, removing) = match word.strip_suffix('-') {
            Some(body) => (body, true),
            None => (word.as_str(), false),
        };
        let invalid = || Error::message(format!("invalid taint spec: {word}"));
        let (left, effect) = match body.split_once(':') {
            Some((left, effect)) => (left, effect),
            None => (body, ""),
        };
        let (key, value) = left.split_once('=').unwrap_or((left, ""));
        if effect.contains(':') || value.contains('=') {
            return Err(invalid());
        }
        // Without an effect the whole word is taken for a key (`parseTaint`).
        let name = if effect.is_empty() && !removing { body } else { key };
        if !is_qualified_name(name) {
            return Err(Error::message(format!("invalid taint spec: {word}, {NAME_RULE}")));
        }
        if effect.is_empty() && !removing {
            return Err(invalid());
        }
        if !effect.is_empty() && !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
            return Err(Error::message(format!("invalid taint effect: {effect}, unsupported taint effect")));
        }
        let taint = Taint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() };
        let list = if removing { &mut remove } else { &mut set };
        if let Some(twice) = list.iter().find(|t: &&Taint| t.key == taint.key && t.effect == taint.effect) {
            let twice: &Taint = if removing { twice } else { &taint };
            return Err(Error::message(format!(
                "duplicated taints with the same key and effect: {{{} {} {} <nil>}}",
                twice.key, twice.value, twice.effect
            )));
        }
        list.push(taint);
    }
    Ok((set, remove))
}

async fn run(cx: &Context) -> Result<(), Error> {
    let (specs, resources): (Vec<String>, Vec<String>) =
        cx.flags.args.iter().cloned().partition(|a| a.contains('=') || a.contains(':') || a.ends_with('-'));
    if cx.flags.args.is_empty() {
        return Err(cx.usage_error("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    if specs.is_empty() {
        return Err(Error::message("at least one taint update is required"));
    }
    let (set, remove) = parse(&specs).map_err(|e| cx.usage_error(e))?;
    if let Some(word) = resources.first().map(|word| word.split('/').next().unwrap_or(word)) {
        let is_node = cx.discovery().await?.find(word).map_or(true, |found| found.kind == "Node");
        if !is_node {
            return Err(Error::message(format!("invalid resource type {word}, only node types are supported")));
        }
    }
    let dry_run = DryRun::of(cx).await?;
    let selection = Selection { args: resources, ..Selection::of(cx) };
    let (infos, mut errors) = selection.fetch(cx).await?;
    for info in infos {
        if info.resource.kind != "Node" {
            return Err(Error::message(format!("invalid resource type {}, only node types are supported", info.resource.name)));
        }
        let mut wanted = info.object.clone();
        match modify(cx, &mut wanted, &set, &remove) {
            Ok(done) => match update::send(cx, &info, &wanted, dry_run, "kubectl-taint").await {
                Ok(object) => operation::announce(cx, &object, done, dry_run).await?,
                Err(e) => errors.push(e),
            },
            Err(e) => errors.push(e),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// Applies the changes; returns what was done.
fn modify(cx: &Context, node: &mut Value, set: &[Taint], remove: &[Taint]) -> Result<&'static str, Error> {
    let name = node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let same =
        |t: &Value, taint: &Taint| t["key"] == taint.key.as_str() && (taint.effect.is_empty() || t["effect"] == taint.effect.as_str());
    for taint in remove {
        let before = taints.len();
        taints.retain(|t| !same(t, taint));
        if taints.len() == before {
            let shown = if taint.effect.is_empty() { taint.key.clone() } else { format!("{}:{}", taint.key, taint.effect) };
            return Err(Error::message(format!("taint {shown:?} not found")));
        }
    }
    for taint in set {
        match taints.iter_mut().find(|t| same(t, taint)) {
            Some(old) if cx.flags.on("overwrite") => *old = value_of(taint),
            Some(_) => {
                return Err(Error::message(format!(
                    "node {name} already has {} taint(s) with same effect(s) and --overwrite is false",
                    key_list(set)
                )));
            }
            None => {
                taints.insert(0, value_of(taint));
            }
        }
    }
    let done = match (set.is_empty(), remove.is_empty(), cx.flags.on("overwrite")) {
        (false, false, _) | (false, true, true) => "modified",
        (false, true, false) => "tainted",
        _ => "untainted",
    };
    if taints.is_empty() {
        if let Some(spec) = node["spec"].as_object_mut() {
            spec.remove("taints");
        }
    } else {
        node["spec"]["taints"] = Value::Array(taints);
    }
    Ok(done)
}

fn key_list(set: &[Taint]) -> String {
    set.iter().map(|t| t.key.clone()).collect::<Vec<_>>().join(",")
}

fn value_of(taint: &Taint) -> Value {
    let mut value = json!({"effect": taint.effect, "key": taint.key});
    if !taint.value.is_empty() {
        value["value"] = taint.value.clone().into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs() {
        let words: Vec<String> = ["a=b:NoSchedule", "c:NoExecute", "d-", "e:NoSchedule-"].map(str::to_owned).to_vec();
        let (set, remove) = parse(&words).unwrap();
        assert_eq!(set[0], Taint { key: "a".into(), value: "b".into(), effect: "NoSchedule".into() });
        assert_eq!((set.len(), remove.len(), remove[0].effect.as_str()), (2, 2, ""));
        let refused = |words: &[&str]| parse(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).unwrap_err().to_string();
        assert_eq!(
            refused(&["a=b:NoSchedule", "a=c:NoSchedule"]),
            "duplicated taints with the same key and effect: {a c NoSchedule <nil>}"
        );
        assert!(refused(&["a=b"]).starts_with("invalid taint spec: a=b, name part must consist"), "{}", refused(&["a=b"]));
        assert!(refused(&["bad key=1:NoSchedule"]).starts_with("invalid taint spec: bad key=1:NoSchedule, name part"));
        assert!(parse(&["a=b:Never".to_owned()]).is_err() && parse(&["a=b".to_owned()]).is_err());
    }
}
