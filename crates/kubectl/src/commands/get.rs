//! `kubectl get`.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation;
use crate::print::table::{Layout, TablePrinter, fallback};
use crate::print::{OUTPUT, Printer, printer, sort};
use crate::resources::args::{ALL_NAMESPACES, FIELD_SELECTOR, Pick, SELECTOR, Selection};
use crate::resources::discovery::{Resource, escape};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    short("watch", 'w', Kind::Bool, "false", "After listing, watch for changes."),
    flag("watch-only", Kind::Bool, "false", "Watch for changes without listing first."),
    flag("output-watch-events", Kind::Bool, "false", "Print the kind of each watch event."),
    flag("ignore-not-found", Kind::Bool, "false", "Exit with 0 when a named object is not there."),
    flag("no-headers", Kind::Bool, "false", "Print no headers."),
    flag("show-labels", Kind::Bool, "false", "Show all labels as the last column."),
    flag("show-kind", Kind::Bool, "false", "Show the kind before names."),
    short("label-columns", 'L', Kind::List, "", "Labels to show as columns."),
    flag("sort-by", Kind::Text, "", "JSONPath of the field to sort by."),
    flag("chunk-size", Kind::Int, "500", "Objects to ask for at once; 0 asks for all."),
    flag("raw", Kind::Text, "", "URL path to request, its answer printed as it comes."),
    flag("server-print", Kind::Bool, "true", "Have the server make the table."),
    flag("subresource", Kind::Text, "", "Subresource to get: status, scale, resize."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["get"],
    aliases: &[],
    usage: "[(-o|--output=)json|yaml|name|jsonpath|custom-columns|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
    short: "Display one or many resources",
    long: "Show objects: in a table, or whole with -o.\n\nUse \"kubectl api-resources\" for a complete list of supported resources.",
    examples: "# Pods of the namespace, with their nodes\nkubectl get pods -o wide\n\n# One deployment as YAML\nkubectl get deployment web -o yaml\n\n# Pods of all namespaces by label, newest last\nkubectl get pods -A -l app=web --sort-by=.metadata.creationTimestamp\n\n# Names of images\nkubectl get pods -o jsonpath='{.items[*].spec.containers[*].image}'",
    flags: &[FLAGS, OUTPUT, FILENAME, SELECTOR, FIELD_SELECTOR, ALL_NAMESPACES],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async fn run(cx: &Context) -> Result<(), Error> {
    if let Some(path) = cx.flags.given("raw") {
        let reply = cx.call(Method::GET, path, &[("accept", "application/json, */*")], Vec::new()).await?;
        return cx.print(String::from_utf8_lossy(&reply.body)).await;
    }
    let printer = Printer::of(cx, true)?;
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) {
        cx.eprintln(
            "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        )
        .await?;
        return Err(cx.usage_error(
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).",
        ));
    }
    let selection = Selection { type_alone: true, ..Selection::of(cx) };
    let picks = selection.resolve(cx).await?;
    if cx.flags.on("watch") || cx.flags.on("watch-only") {
        return watch(cx, &selection, picks, printer.as_ref()).await;
    }
    match printer {
        Some(printer) => print_objects(cx, &selection, picks, &printer).await,
        None => print_tables(cx, &selection, picks).await,
    }
}

fn path_of(cx: &Context, pick: &Pick) -> String {
    match pick {
        Pick::One(info) => match cx.flags.given("subresource") {
            Some(sub) => format!("{}/{sub}", info.path()),
            None => info.path(),
        },
        Pick::Many { resource, namespace } => resource.collection(namespace.as_deref()),
    }
}

fn resource_of(pick: &Pick) -> &Arc<Resource> {
    match pick {
        Pick::One(info) => &info.resource,
        Pick::Many { resource, .. } => resource,
    }
}

/// Adds a parameter to a query string.
fn with(query: &str, parameter: &str) -> String {
    if query.is_empty() { format!("?{parameter}") } else { format!("{query}&{parameter}") }
}

/// Reads a collection in chunks and joins the `key` array of the answers.
async fn read_all(cx: &Context, path: &str, query: &str, accept: &str) -> Result<Value, Error> {
    let limit = cx.flags.int("chunk-size");
    let first = if limit > 0 { with(query, &format!("limit={limit}")) } else { query.to_owned() };
    let mut all = cx.get_as(&format!("{path}{first}"), accept).await?;
    loop {
        let next = all["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            return Ok(all);
        }
        let more = with(&first, &format!("continue={}", escape(&next)));
        let mut chunk = cx.get_as(&format!("{path}{more}"), accept).await?;
        for key in ["items", "rows"] {
            if let (Some(Value::Array(into)), Value::Array(from)) = (all.get_mut(key), chunk[key].take()) {
                into.extend(from);
            }
        }
        all["metadata"] = chunk["metadata"].take();
    }
}

/// Whether an error is to be kept: `--ignore-not-found` drops missing objects.
fn keep(cx: &Context, error: Error, errors: &mut Vec<Error>) -> Result<(), Error> {
    match error {
        Error::Transport { .. } => return Err(error),
        e if e.is_not_found() && cx.flags.on("ignore-not-found") => {}
        e => errors.push(e),
    }
    Ok(())
}

async fn print_objects(cx: &Context, selection: &Selection, picks: Vec<Pick>, printer: &Printer) -> Result<(), Error> {
    let single = matches!(picks.as_slice(), [Pick::One(_)]);
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    for pick in &picks {
        let path = path_of(cx, pick);
        match pick {
            Pick::One(_) => match cx.get(&path).await {
                Ok(object) => objects.push(object),
                Err(e) => keep(cx, e, &mut errors)?,
            },
            Pick::Many { resource, .. } => match read_all(cx, &path, &selection.query(), "application/json").await {
                Ok(mut list) => {
                    if let Value::Array(items) = list["items"].take() {
                        objects.extend(items.into_iter().map(|mut item| {
                            item["apiVersion"] = resource.api_version().into();
                            item["kind"] = resource.kind.clone().into();
                            item
                        }));
                    }
                }
                Err(e) => keep(cx, selection.refused(resource, e), &mut errors)?,
            },
        }
    }
    if let Some(path) = cx.flags.given("sort-by") {
        sort::sort_by(&mut objects, path, |o| o).map_err(Error::message)?;
    }
    if single {
        if let Some(object) = objects.first() {
            operation::print_one(cx, printer, object).await?;
        }
    } else if !objects.is_empty() || errors.is_empty() {
        operation::print_one(cx, printer, &printer::list(objects)).await?;
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

fn layout(cx: &Context, resource: &Resource, many_kinds: bool) -> Layout {
    Layout {
        wide: cx.flags.text("output") == "wide",
        no_headers: cx.flags.on("no-headers"),
        with_namespace: cx.flags.on("all-namespaces") && resource.namespaced,
        kind_prefix: (many_kinds || cx.flags.on("show-kind")).then(|| resource.kind_qualified()),
        show_labels: cx.flags.on("show-labels"),
        label_columns: cx.flags.list("label-columns"),
    }
}

async fn print_tables(cx: &Context, selection: &Selection, picks: Vec<Pick>) -> Result<(), Error> {
    let sort = cx.flags.given("sort-by");
    let mut kinds: Vec<String> = picks.iter().map(|p| resource_of(p).qualified()).collect();
    kinds.dedup();
    let many_kinds = kinds.len() > 1;
    let all_namespaced = picks.iter().all(|p| resource_of(p).namespaced);
    let (mut errors, mut tables): (Vec<Error>, Vec<(Arc<Resource>, Value)>) = (Vec::new(), Vec::new());
    for pick in &picks {
        let resource = resource_of(pick);
        let base = if matches!(pick, Pick::Many { .. }) { selection.query() } else { String::new() };
        let query = if sort.is_some() { with(&base, "includeObject=Object") } else { base };
        let accept = if cx.flags.on("server-print") { TABLE } else { "application/json" };
        match read_all(cx, &path_of(cx, pick), &query, accept).await {
            Ok(answer) => {
                let table = as_table(cx, answer);
                match tables.last_mut() {
                    // Rows of one kind share a table, as names on the command line do.
                    Some((last, joined)) if last.qualified() == resource.qualified() => {
                        if let (Some(Value::Array(into)), Some(from)) = (joined.get_mut("rows"), table["rows"].as_array()) {
                            into.extend(from.iter().cloned());
                        }
                    }
                    _ => tables.push((resource.clone(), table)),
                }
            }
            Err(e) if matches!(pick, Pick::Many { .. }) => keep(cx, selection.refused(resource, e), &mut errors)?,
            Err(e) => keep(cx, e, &mut errors)?,
        }
    }
    let mut out = String::new();
    for (resource, table) in &mut tables {
        let mut rows = match table["rows"].take() {
            Value::Array(rows) if !rows.is_empty() => rows,
            _ => continue,
        };
        if let Some(path) = sort {
            sort::sort_by(&mut rows, path, |row| &row["object"]).map_err(Error::message)?;
        }
        let layout = layout(cx, resource, many_kinds);
        let mut printer = TablePrinter::default();
        printer.define(&table["columnDefinitions"], &layout);
        if !out.is_empty() && !cx.flags.on("no-headers") {
            out.push('\n');
        }
        out.push_str(&printer.render(&rows.iter().collect::<Vec<_>>(), &layout, true, None));
    }
    if out.is_empty() {
        if errors.is_empty() && !cx.flags.on("ignore-not-found") {
            let place =
                if all_namespaced && !selection.all_namespaces { format!(" in {} namespace.", cx.namespace()?) } else { String::new() };
            cx.eprintln(format!("No resources found{place}")).await?;
        }
    } else {
        cx.print(out).await?;
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

/// The server's table, or one made here from plain objects.
fn as_table(cx: &Context, answer: Value) -> Value {
    if answer["kind"] == "Table" {
        return answer;
    }
    let objects = match &answer["items"] {
        Value::Array(items) => items.clone(),
        _ => vec![answer],
    };
    let now = cx.now();
    fallback(&objects, |text| crate::describe::time::age(text, now))
}

async fn watch(cx: &Context, selection: &Selection, picks: Vec<Pick>, printer: Option<&Printer>) -> Result<(), Error> {
    let [pick] = picks.as_slice() else {
        return Err(Error::message("you may only specify a single resource type"));
    };
    let resource = resource_of(pick);
    let layout = layout(cx, resource, false);
    let accept = if printer.is_none() { TABLE } else { "application/json" };
    let mut table = TablePrinter::default();
    let mut headers = true;
    let events = cx.flags.on("output-watch-events");
    let path = path_of(cx, pick);
    let query = if matches!(pick, Pick::Many { .. }) { selection.query() } else { String::new() };
    let first = cx.get_as(&format!("{path}{query}"), accept).await?;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let version = match (version.is_empty(), pick) {
        // The table of one object has its version in the row.
        (true, _) => first["rows"][0]["object"]["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned(),
        (false, _) => version,
    };
    if !cx.flags.on("watch-only") {
        match printer {
            None => {
                let answer = as_table(cx, first);
                table.define(&answer["columnDefinitions"], &layout);
                if let Some(rows) = answer["rows"].as_array().filter(|r| !r.is_empty()) {
                    let text = table.render(&rows.iter().collect::<Vec<_>>(), &layout, true, events.then_some("ADDED"));
                    headers = false;
                    cx.print(text).await?;
                }
            }
            Some(printer) => {
                let objects = match &first["items"] {
                    Value::Array(items) => items.clone(),
                    _ => vec![first],
                };
                for mut object in objects {
                    object["apiVersion"] = resource.api_version().into();
                    object["kind"] = resource.kind.clone().into();
                    operation::print_one(cx, printer, &object).await?;
                }
            }
        }
    }
    let (collection, query) = match pick {
        Pick::One(info) => (info.collection(), format!("?fieldSelector={}", escape(&format!("metadata.name={}", info.name)))),
        Pick::Many { .. } => (path, query),
    };
    let url = format!("{collection}{}", with(&query, &format!("watch=true&resourceVersion={version}")));
    let mut stream = cx.watch(&url, accept).await?;
    while let Some(event) = stream.next().await? {
        let kind = event["type"].as_str().unwrap_or_default();
        let object = &event["object"];
        match printer {
            None => {
                let answer = as_table(cx, object.clone());
                table.define(&answer["columnDefinitions"], &layout);
                let rows: Vec<&Value> = answer["rows"].as_array().into_iter().flatten().collect();
                cx.print(table.render(&rows, &layout, headers, events.then_some(kind))).await?;
                headers = false;
            }
            Some(printer) => operation::print_one(cx, printer, object).await?,
        }
    }
    Ok(())
}
