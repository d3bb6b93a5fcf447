//! `kubectl events`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::describe::time::parse;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation;
use crate::print::printer::list;
use crate::print::{OUTPUT, Printer, tabwriter};
use crate::resources::args::ALL_NAMESPACES;
use crate::resources::discovery::escape;

const FLAGS: &[Flag] = &[
    short("watch", 'w', Kind::Bool, "false", "After listing, watch for more."),
    flag("for", Kind::Text, "", "Only events of this object: TYPE/NAME."),
    flag("types", Kind::List, "", "Only these types: Normal, Warning."),
    flag("no-headers", Kind::Bool, "false", "Print no headers."),
    flag("chunk-size", Kind::Int, "500", "Objects to ask for at once."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["events"],
    aliases: &[],
    usage: "[(-o|--output=)json|yaml|name|jsonpath] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
    short: "List events",
    long: "",
    examples: "kubectl events\nkubectl events --for pod/web --types=Warning",
    flags: &[FLAGS, ALL_NAMESPACES, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let all = cx.flags.on("all-namespaces");
    let root = if all { "/api/v1/events".to_owned() } else { format!("/api/v1/namespaces/{}/events", cx.namespace()?) };
    let types = cx.flags.list("types");
    if types.iter().any(|t| !t.eq_ignore_ascii_case("Normal") && !t.eq_ignore_ascii_case("Warning")) {
        return Err(Error::message("valid --types are Normal or Warning"));
    }
    let mut query = String::new();
    if let Some(object) = cx.flags.given("for") {
        let (kind, name) = object.split_once('/').ok_or_else(|| Error::message("--for must be in resource/name form"))?;
        let resource = cx.discovery().await?.find(kind)?;
        query = format!("?fieldSelector={}", escape(&format!("involvedObject.kind={},involvedObject.name={name}", resource.kind)));
    }
    let answer = cx.get(&format!("{root}{query}")).await?;
    let wanted = |e: &Value| types.is_empty() || types.iter().any(|t| e["type"].as_str().is_some_and(|x| x.eq_ignore_ascii_case(t)));
    let mut events: Vec<Value> = answer["items"].as_array().into_iter().flatten().filter(|e| wanted(e)).cloned().collect();
    if let Some(printer) = Printer::of(cx, false)? {
        for e in &mut events {
            e["apiVersion"] = "v1".into();
            e["kind"] = "Event".into();
        }
        return operation::print_one(cx, &printer, &list(events)).await;
    }
    events.sort_by_key(|e| parse(&e["series"]["lastObservedTime"]).or(parse(&e["lastTimestamp"])).or(parse(&e["eventTime"])));
    if events.is_empty() && !cx.flags.on("watch") {
        let place = if all { ".".to_owned() } else { format!(" in {} namespace.", cx.namespace()?) };
        return cx.eprintln(format!("No events found{place}")).await;
    }
    let mut text = String::new();
    if !cx.flags.on("no-headers") {
        text.push_str(if all { "NAMESPACE\t" } else { "" });
        text.push_str("LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n");
    }
    for e in &events {
        text.push_str(&row(cx, e, all));
    }
    cx.print(tabwriter::align(&text, 6, 3)).await?;
    if !cx.flags.on("watch") {
        return Ok(());
    }
    let version = answer["metadata"]["resourceVersion"].as_str().unwrap_or("0");
    let separator = if query.is_empty() { "?" } else { "&" };
    let mut stream = cx.watch(&format!("{root}{query}{separator}watch=true&resourceVersion={version}"), "application/json").await?;
    while let Some(event) = stream.next().await? {
        if event["type"] != "DELETED" && wanted(&event["object"]) {
            cx.print(tabwriter::align(&row(cx, &event["object"], all), 6, 3)).await?;
        }
    }
    Ok(())
}

fn row(cx: &Context, e: &Value, all: bool) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let namespace = if all { format!("{}\t", text(&e["metadata"]["namespace"])) } else { String::new() };
    let object = &e["involvedObject"];
    format!(
        "{namespace}{}\t{}\t{}\t{}/{}\t{}\n",
        crate::describe::event_interval(e, cx.now()),
        text(&e["type"]),
        text(&e["reason"]),
        text(&object["kind"]),
        text(&object["name"]),
        text(&e["message"]).trim()
    )
}
