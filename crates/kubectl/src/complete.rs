//! Words for Tab completion.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::command::{self, Command, Completes, Found};
use crate::context::Context;
use crate::flags::{self, Flag, Kind};
use crate::invocation::{Completion, Editor, Invocation};
use crate::pods;
use crate::resources::args::list;

/// Words that stand for resources in the first place, short and full.
const LOGS_OWNERS: &[&str] = &["deployment", "daemonset", "statefulset", "job", "replicaset", "service"];

/// What could stand in place of the last word. Never fails: no answer is an empty list.
pub async fn complete(completion: Completion) -> Vec<String> {
    let (current, before) = match completion.words.split_last() {
        Some((last, before)) => (last.clone(), before.to_vec()),
        None => (String::new(), Vec::new()),
    };
    let mut words = candidates(completion, &before, &current).await;
    words.retain(|w| w.starts_with(&current));
    words.sort();
    words.dedup();
    words
}

async fn candidates(completion: Completion, before: &[String], current: &str) -> Vec<String> {
    let (command, rest) = match command::find(before) {
        Found::Command(command, rest) => (Some(command), rest),
        Found::Root => (None, before.to_vec()),
        Found::Unknown(_) => return Vec::new(),
    };
    let known = command.map_or_else(|| vec![command::GLOBAL], Command::all_flags);
    let find = |word: &str| -> Option<&Flag> {
        let mut all = known.iter().copied().flatten();
        match word.strip_prefix("--") {
            Some(name) => all.find(|f| f.name == name),
            None => all.find(|f| f.short.is_some_and(|c| word == format!("-{c}"))),
        }
    };
    let value_of = before.last().and_then(|last| find(last)).filter(|f| !matches!(f.kind, Kind::Bool | Kind::Optional(_)));
    if value_of.is_none() && current.starts_with('-') && !current.contains('=') {
        return known.iter().copied().flatten().map(|f| format!("--{}", f.name)).collect();
    }
    let path: &[&str] = command.map_or(&[], |c| c.path);
    // Flags may stand before a command: `kubectl -n shop get`.
    if value_of.is_none() && flags::parse(&rest, &known).is_ok_and(|flags| flags.args.is_empty()) {
        let children: Vec<String> = command::children(path).into_iter().map(|c| c.name().to_owned()).collect();
        if !children.is_empty() {
            return children;
        }
    }
    let Some(command) = command else { return Vec::new() };
    let flags = match value_of {
        // The last word lacks its value, so it is not parsed.
        Some(_) => flags::parse(&rest[..rest.len().saturating_sub(1)], &known),
        None => flags::parse(&rest, &known),
    };
    let Ok(flags) = flags else { return Vec::new() };
    let cx = context(completion, command, flags);
    match value_of {
        Some(flag) => flag_values(&cx, flag).await,
        None => arguments(&cx, command, current).await,
    }
}

fn context(completion: Completion, command: &'static Command, flags: flags::Flags) -> Context {
    struct NoEditor;
    impl Editor for NoEditor {
        fn edit<'a>(&'a self, _: &'a str, text: String) -> BoxFuture<'a, Result<String, String>> {
            Box::pin(async move { Ok(text) })
        }
    }
    let invocation = Invocation {
        argv: Vec::new(),
        env: completion.env,
        cwd: completion.cwd,
        files: completion.files,
        connect: completion.connect,
        stdin: Box::new(tokio::io::empty()),
        stdout: Box::new(tokio::io::sink()),
        stderr: Box::new(tokio::io::sink()),
        terminal: None,
        now: Arc::new(|| Timestamp::UNIX_EPOCH),
        editor: Arc::new(NoEditor),
    };
    Context::new(invocation, command, flags)
}

async fn flag_values(cx: &Context, flag: &Flag) -> Vec<String> {
    let fixed = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    match flag.name {
        "namespace" => names(cx, "namespaces").await,
        "context" | "cluster" | "user" => config_names(cx, flag.name),
        "output" => fixed(&["json", "yaml", "name", "wide", "jsonpath=", "custom-columns="]),
        "dry-run" => fixed(&["none", "client", "server"]),
        "cascade" => fixed(&["background", "foreground", "orphan"]),
        "container" => match cx.flags.args.first() {
            Some(word) => match pods::find(cx, word).await {
                Ok(pod) => pods::containers(&pod.object).into_iter().map(|(name, _)| name).collect(),
                Err(_) => Vec::new(),
            },
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn config_names(cx: &Context, what: &str) -> Vec<String> {
    let Ok(config) = crate::kubeconfig::load(cx) else { return Vec::new() };
    match what {
        "cluster" => config.clusters.into_iter().map(|c| c.name).collect(),
        "user" => config.users.into_iter().map(|u| u.name).collect(),
        _ => config.contexts.into_iter().map(|c| c.name).collect(),
    }
}

async fn names(cx: &Context, word: &str) -> Vec<String> {
    let Ok(discovery) = cx.discovery().await else { return Vec::new() };
    let Ok(resource) = discovery.find(word) else { return Vec::new() };
    let namespace = cx.namespace().unwrap_or_else(|_| "default".to_owned());
    match list(cx, &resource, Some(&namespace), "").await {
        Ok(found) => found.into_iter().map(|i| i.name).collect(),
        Err(_) => Vec::new(),
    }
}

async fn types(cx: &Context) -> Vec<String> {
    let Ok(discovery) = cx.discovery().await else { return Vec::new() };
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    let mut out = Vec::new();
    for r in &discovery.resources {
        if r.can("list") && seen.insert(&r.name, ()).is_none() {
            out.push(r.name.clone());
        } else if r.can("list") {
            out.push(r.qualified());
        }
    }
    out
}

async fn arguments(cx: &Context, command: &Command, current: &str) -> Vec<String> {
    match command.completes {
        Completes::Nothing => Vec::new(),
        Completes::Types => types(cx).await,
        Completes::Contexts => config_names(cx, "context"),
        Completes::NamesOf(word) => names(cx, word).await,
        Completes::Pods | Completes::Resources => {
            if let Some((kind, _)) = current.split_once('/') {
                return names(cx, kind).await.into_iter().map(|n| format!("{kind}/{n}")).collect();
            }
            if command.completes == Completes::Pods {
                let mut out = if cx.flags.args.is_empty() { names(cx, "pods").await } else { Vec::new() };
                out.extend(LOGS_OWNERS.iter().filter(|_| !current.is_empty()).map(|k| format!("{k}/")));
                return out;
            }
            match cx.flags.args.first() {
                None => types(cx).await,
                Some(kind) if kind.contains('/') => Vec::new(),
                Some(kind) => names(cx, kind).await.into_iter().filter(|n| !cx.flags.args.contains(n)).collect(),
            }
        }
    }
}
