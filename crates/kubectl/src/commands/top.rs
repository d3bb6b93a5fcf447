//! `kubectl top`.

use serde_json::Value;
use values::Quantity;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::print::tabwriter;
use crate::resources::args::{ALL_NAMESPACES, FIELD_SELECTOR, SELECTOR};
use crate::resources::discovery::escape;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["top"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Display resource (CPU/memory) usage",
    long: "Show what nodes and pods use, if a metrics server runs.",
    examples: "",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

const FLAGS: &[Flag] = &[
    flag("sort-by", Kind::Text, "", "cpu or memory."),
    flag("no-headers", Kind::Bool, "false", "Print no headers."),
    flag("use-protocol-buffers", Kind::Bool, "true", "Accepted."),
    flag("containers", Kind::Bool, "false", "Show containers of pods."),
    flag("show-capacity", Kind::Bool, "false", "Percentages of capacity, not of what is allocatable."),
    flag("show-swap", Kind::Bool, "false", "Not supported."),
    flag("sum", Kind::Bool, "false", "Show the sum of all pods."),
];

/// `kubectl top node`.
pub const NODE: Command = Command {
    path: &["top", "node"],
    aliases: &["nodes", "no"],
    usage: "[NAME | -l label]",
    short: "Display resource (CPU/memory) usage of nodes",
    long: "",
    examples: "kubectl top node",
    flags: &[FLAGS, SELECTOR],
    completes: Completes::NamesOf("nodes"),
    run: Some(|cx| Box::pin(node(cx))),
};

/// `kubectl top pod`.
pub const POD: Command = Command {
    path: &["top", "pod"],
    aliases: &["pods", "po"],
    usage: "[NAME | -l label]",
    short: "Display resource (CPU/memory) usage of pods",
    long: "",
    examples: "kubectl top pod -A --sort-by=memory",
    flags: &[FLAGS, SELECTOR, FIELD_SELECTOR, ALL_NAMESPACES],
    completes: Completes::NamesOf("pods"),
    run: Some(|cx| Box::pin(pod(cx))),
};

const ROOT: &str = "/apis/metrics.k8s.io/v1beta1";

async fn require_metrics(cx: &Context) -> Result<(), Error> {
    let sort = cx.flags.text("sort-by");
    if !["", "cpu", "memory"].contains(&sort) {
        return Err(Error::message("--sort-by accepts only cpu or memory"));
    }
    if cx.discovery().await?.versions.iter().any(|v| v == "metrics.k8s.io/v1beta1") {
        Ok(())
    } else {
        Err(Error::message("Metrics API not available"))
    }
}

async fn metrics(cx: &Context, path: &str) -> Result<Vec<Value>, Error> {
    if let Some(name) = cx.flags.args.first() {
        return Ok(vec![cx.get(&format!("{path}/{}", escape(name))).await?]);
    }
    let query = cx.flags.given("selector").map(|s| format!("?labelSelector={}", escape(s))).unwrap_or_default();
    let mut list = cx.get(&format!("{path}{query}")).await?;
    Ok(match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

fn amount(usage: &Value, name: &str) -> Quantity {
    usage[name].as_str().and_then(|t| Quantity::parse(t).ok()).unwrap_or(Quantity::ZERO)
}

fn cpu(q: Quantity) -> String {
    format!("{}m", q.milli())
}

fn memory(q: Quantity) -> String {
    format!("{}Mi", q.value() / (1024 * 1024))
}

async fn node(cx: &Context) -> Result<(), Error> {
    require_metrics(cx).await?;
    let mut items = metrics(cx, &format!("{ROOT}/nodes")).await?;
    sort(cx, &mut items, |item| item["usage"].clone());
    let nodes = cx.get("/api/v1/nodes").await?;
    let mut text =
        if cx.flags.on("no-headers") { String::new() } else { "NAME\tCPU(cores)\tCPU(%)\tMEMORY(bytes)\tMEMORY(%)\n".to_owned() };
    let key = if cx.flags.on("show-capacity") { "capacity" } else { "allocatable" };
    for item in items {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        let of = nodes["items"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|n| n["metadata"]["name"] == name)
            .map(|n| n["status"][key].clone())
            .unwrap_or_default();
        let percent = |resource: &str| {
            let whole = amount(&of, resource).to_f64();
            if whole == 0.0 {
                "<unknown>".to_owned()
            } else {
                format!("{}%", (amount(&item["usage"], resource).to_f64() / whole * 100.0) as i64)
            }
        };
        text.push_str(&format!(
            "{name}\t{}\t{}\t{}\t{}\n",
            cpu(amount(&item["usage"], "cpu")),
            percent("cpu"),
            memory(amount(&item["usage"], "memory")),
            percent("memory")
        ));
    }
    cx.print(tabwriter::align(&text, 6, 3)).await
}

fn sort(cx: &Context, items: &mut [Value], usage: impl Fn(&Value) -> Value) {
    match cx.flags.text("sort-by") {
        "" => items.sort_by_key(|i| {
            let text = |k: &str| i["metadata"][k].as_str().unwrap_or_default().to_owned();
            (text("namespace"), text("name"))
        }),
        by => items.sort_by_key(|item| std::cmp::Reverse(amount(&usage(item), by))),
    }
}

fn total(item: &Value) -> Value {
    let sum = |name: &str| item["containers"].as_array().into_iter().flatten().fold(Quantity::ZERO, |n, c| n + amount(&c["usage"], name));
    serde_json::json!({"cpu": sum("cpu").to_string(), "memory": sum("memory").to_string()})
}

async fn pod(cx: &Context) -> Result<(), Error> {
    require_metrics(cx).await?;
    let all = cx.flags.on("all-namespaces");
    let path = if all { format!("{ROOT}/pods") } else { format!("{ROOT}/namespaces/{}/pods", cx.namespace()?) };
    let mut items = metrics(cx, &path).await?;
    if items.is_empty() {
        let place = if all { String::new() } else { format!(" in {} namespace.", cx.namespace()?) };
        return cx.eprintln(format!("No resources found{place}")).await;
    }
    sort(cx, &mut items, total);
    let containers = cx.flags.on("containers");
    let mut text = String::new();
    if !cx.flags.on("no-headers") {
        text.push_str(if all { "NAMESPACE\t" } else { "" });
        text.push_str(if containers { "POD\tNAME\tCPU(cores)\tMEMORY(bytes)\n" } else { "NAME\tCPU(cores)\tMEMORY(bytes)\n" });
    }
    for item in &items {
        let text_of = |k: &str| item["metadata"][k].as_str().unwrap_or_default();
        let head = if all { format!("{}\t{}", text_of("namespace"), text_of("name")) } else { text_of("name").to_owned() };
        if containers {
            for c in item["containers"].as_array().into_iter().flatten() {
                text.push_str(&format!(
                    "{head}\t{}\t{}\t{}\n",
                    c["name"].as_str().unwrap_or_default(),
                    cpu(amount(&c["usage"], "cpu")),
                    memory(amount(&c["usage"], "memory"))
                ));
            }
        } else {
            let usage = total(item);
            text.push_str(&format!("{head}\t{}\t{}\n", cpu(amount(&usage, "cpu")), memory(amount(&usage, "memory"))));
        }
    }
    cx.print(tabwriter::align(&text, 6, 3)).await
}
