//! `kubectl create poddisruptionbudget`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[
    flag("selector", Kind::Text, "", "Labels of the pods that the budget protects."),
    flag("min-available", Kind::Text, "", "Pods that must stay available: a number or a percentage."),
    flag("max-unavailable", Kind::Text, "", "Pods that may be unavailable: a number or a percentage."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "poddisruptionbudget"],
    aliases: &["pdb"],
    usage: "NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]",
    short: "Create a pod disruption budget with the specified name",
    long: "",
    examples: "kubectl create poddisruptionbudget web --selector=app=web --min-available=1",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let (selector, min, max) = (cx.flags.text("selector"), cx.flags.text("min-available"), cx.flags.text("max-unavailable"));
    if selector.is_empty() {
        return Err(Error::message("a selector must be specified"));
    }
    match (min.is_empty(), max.is_empty()) {
        (true, true) => return Err(Error::message("one of min-available or max-unavailable must be specified")),
        (false, false) => return Err(Error::message("min-available and max-unavailable cannot be both specified")),
        _ => {}
    }
    let mut labels = serde_json::Map::new();
    for part in selector.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(|| Error::message(format!("invalid selector {selector:?}")))?;
        labels.insert(key.trim_end_matches('=').to_owned(), value.trim_start_matches('=').into());
    }
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
    let resource = builtin("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true);
    let mut object = create::object(&resource, &name);
    object["spec"] = json!({"selector": {"matchLabels": labels}});
    if min.is_empty() {
        object["spec"]["maxUnavailable"] = number(max);
    } else {
        object["spec"]["minAvailable"] = number(min);
    }
    object["status"] = json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
    create::submit(cx, &resource, object, "poddisruptionbudget").await
}
