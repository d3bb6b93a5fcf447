//! `kubectl wait`, and waiting until deleted objects are gone.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation;
use crate::print::jsonpath::Template;
use crate::print::{OUTPUT, Printer};
use crate::resources::args::{ALL, ALL_NAMESPACES, FIELD_SELECTOR, Info, Pick, SELECTOR, Selection};
use crate::resources::discovery::escape;
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("for", Kind::Array, "", "What to wait for: create, delete, condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE]."),
    flag("timeout", Kind::Duration, "30s", "How long to wait; 0 looks once."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["wait"],
    aliases: &[],
    usage: "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
    short: "Wait for a specific condition on one or many resources",
    long: "Wait until a condition holds on all named objects.",
    examples: "kubectl wait --for=condition=Ready pod/web --timeout=60s\nkubectl wait --for=delete pod/web\nkubectl wait --for=jsonpath='{.status.phase}'=Running pod/web",
    flags: &[FLAGS, FILENAME, SELECTOR, FIELD_SELECTOR, ALL, ALL_NAMESPACES, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

enum Goal {
    Created,
    Deleted,
    Condition { name: String, status: String },
    Path { template: Template, value: Option<String> },
}

fn goal(text: &str) -> Result<Goal, Error> {
    if text.eq_ignore_ascii_case("delete") {
        return Ok(Goal::Deleted);
    }
    if text.eq_ignore_ascii_case("create") {
        return Ok(Goal::Created);
    }
    if let Some(condition) = text.strip_prefix("condition=") {
        let (name, status) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(Goal::Condition { name: name.to_owned(), status: status.to_owned() });
    }
    if let Some(path) = text.strip_prefix("jsonpath=") {
        let path = path.trim_matches('\'');
        // The value stands after the closing brace: an equal sign inside a filter is the path's own.
        let (path, value) = match path.rfind('}') {
            Some(end) => match path[end + 1..].trim_start_matches('\'').strip_prefix('=') {
                Some(value) => (&path[..=end], Some(value)),
                None if path[end + 1..].trim_matches('\'').is_empty() => (&path[..=end], None),
                None => {
                    return Err(Error::message(
                        "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
                    ));
                }
            },
            None => match path.split_once('=') {
                Some((path, value)) => (path, Some(value)),
                None => (path, None),
            },
        };
        if value == Some("") {
            return Err(Error::message("jsonpath wait value cannot be empty"));
        }
        let template = Template::relaxed(path).map_err(Error::message)?;
        return Ok(Goal::Path { template, value: value.map(|v| v.trim_matches(['\'', '"']).to_owned()) });
    }
    Err(Error::message(format!("unrecognized condition: {text:?}")))
}

impl Goal {
    fn met(&self, object: &Value) -> Result<bool, Error> {
        match self {
            Self::Created => Ok(true),
            Self::Deleted => Ok(false),
            Self::Condition { name, status } => {
                let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
                for condition in conditions {
                    if !condition["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case(name)) {
                        continue;
                    }
                    // A condition that speaks of an older generation says nothing about this one.
                    let stale = |o: &Value| match (o["observedGeneration"].as_i64(), object["metadata"]["generation"].as_i64()) {
                        (Some(observed), Some(generation)) => observed < generation,
                        _ => false,
                    };
                    if stale(condition) || stale(&object["status"]) {
                        return Ok(false);
                    }
                    return Ok(condition["status"].as_str().is_some_and(|s| s.eq_ignore_ascii_case(status)));
                }
                Ok(false)
            }
            Self::Path { template, value } => {
                let found = template.find(object, true).map_err(Error::message)?;
                match (found.as_slice(), value) {
                    ([], _) => Ok(false),
                    (_, None) => Ok(true),
                    ([one], Some(value)) if !one.is_object() && !one.is_array() => {
                        Ok(crate::print::jsonpath::text_of(one).eq_ignore_ascii_case(value))
                    }
                    ([_], Some(_)) => Err(Error::message("jsonpath leads to a nested object or list which cannot be compared")),
                    _ => Err(Error::message("given jsonpath expression matches more than one value")),
                }
            }
        }
    }
}

async fn run(cx: &Context) -> Result<(), Error> {
    let texts = cx.flags.list("for");
    let text = texts.first().cloned().unwrap_or_default();
    let goal = goal(&text)?;
    let timeout = cx.flags.duration("timeout");
    let deadline = Instant::now() + timeout;
    let selection = Selection::of(cx);
    let mut picks = selection.resolve(cx).await?;
    let mut infos = Vec::new();
    while let Some(pick) = (!picks.is_empty()).then(|| picks.remove(0)) {
        match pick {
            Pick::One(info) => infos.push(info),
            Pick::Many { resource, namespace } => loop {
                let found = crate::resources::args::list(cx, &resource, namespace.as_deref(), &selection.query()).await?;
                if !(found.is_empty() && matches!(goal, Goal::Created)) || Instant::now() >= deadline {
                    infos.extend(found);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            },
        }
    }
    if infos.is_empty() {
        return match goal {
            Goal::Deleted => Ok(()),
            _ => Err(Error::message("no matching resources found")),
        };
    }
    let mut errors = Vec::new();
    for info in infos {
        if matches!(goal, Goal::Deleted) && cx.get(&info.path()).await.is_err_and(|e| e.is_not_found()) {
            // Nothing to wait for, and nothing to say.
            continue;
        }
        match wait_one(cx, &info, &goal, deadline).await {
            Ok(object) => match Printer::of(cx, false)? {
                Some(printer) => operation::print_one(cx, &printer, &object).await?,
                None => cx.println(format!("{} condition met", info.display())).await?,
            },
            Err(e) => errors.push(e),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

fn timed_out(info: &Info) -> Error {
    Error::message(format!("timed out waiting for the condition on {}/{}", info.resource.name, info.name))
}

async fn wait_one(cx: &Context, info: &Info, goal: &Goal, deadline: Instant) -> Result<Value, Error> {
    if matches!(goal, Goal::Deleted) {
        let left = deadline.saturating_duration_since(Instant::now());
        until_gone(cx, info, None, Some(left)).await?;
        return Ok(info.object.clone());
    }
    let waiting = async {
        loop {
            let object = match cx.get(&info.path()).await {
                Ok(object) => object,
                Err(e) if e.is_not_found() && matches!(goal, Goal::Created) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                Err(e) => return Err(e),
            };
            if goal.met(&object)? {
                return Ok(object);
            }
            if let Some(object) = follow(cx, info, &object, goal).await? {
                return Ok(object);
            }
        }
    };
    match tokio::time::timeout_at(deadline.max(Instant::now() + Duration::from_millis(1)), waiting).await {
        Ok(result) => result,
        Err(_) => Err(timed_out(info)),
    }
}

/// Watches one object until the goal is met; `None` when the watch ended before.
async fn follow(cx: &Context, info: &Info, object: &Value, goal: &Goal) -> Result<Option<Value>, Error> {
    let mut events = cx.watch(&watch_path(info, object), "application/json").await?;
    while let Some(event) = events.next().await? {
        if event["type"] == "DELETED" {
            return Err(Error::message(format!("{}/{} was deleted while waiting", info.resource.name, info.name)));
        }
        if goal.met(&event["object"])? {
            return Ok(Some(event["object"].clone()));
        }
    }
    Ok(None)
}

/// URL of a watch on one object, from where it was read.
pub fn watch_path(info: &Info, object: &Value) -> String {
    format!(
        "{}?watch=true&fieldSelector={}&resourceVersion={}",
        info.collection(),
        escape(&format!("metadata.name={}", info.name)),
        object["metadata"]["resourceVersion"].as_str().unwrap_or("0")
    )
}

/// Waits until an object (with this uid, if given) is gone.
pub async fn until_gone(cx: &Context, info: &Info, uid: Option<&str>, limit: Option<Duration>) -> Result<(), Error> {
    let waiting = async {
        loop {
            let object = match cx.get(&info.path()).await {
                Err(e) if e.is_not_found() => return Ok(()),
                other => other?,
            };
            if uid.is_some_and(|uid| object["metadata"]["uid"].as_str() != Some(uid)) {
                return Ok(());
            }
            let mut events = cx.watch(&watch_path(info, &object), "application/json").await?;
            while let Some(event) = events.next().await? {
                if event["type"] == "DELETED" {
                    return Ok(());
                }
            }
        }
    };
    match limit {
        None => waiting.await,
        Some(limit) => tokio::time::timeout(limit.max(Duration::from_millis(1)), waiting).await.unwrap_or_else(|_| Err(timed_out(info))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn goals() {
        let pod = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        for (text, want) in [
            ("condition=Ready", true),
            ("condition=ready=false", false),
            ("condition=Disk", false),
            ("jsonpath={.status.phase}=Running", true),
            ("jsonpath='{.status.phase}'=Pending", false),
            ("jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True", true),
            ("jsonpath={.status.podIP}", false),
            ("create", true),
        ] {
            assert_eq!(goal(text).unwrap().met(&pod).unwrap(), want, "{text}");
        }
        assert!(goal("ready").is_err());
    }
}
