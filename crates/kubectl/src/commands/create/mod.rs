//! `kubectl create`: from manifests, and the parent of the generators.

use http::Method;
use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun, SAVE_CONFIG, VALIDATE};
use crate::print::OUTPUT;
use crate::resources::args::{SELECTOR, info_of};
use crate::resources::discovery::Resource;
use crate::resources::manifest::{self, FILENAME};

pub mod configmap;
pub mod cronjob;
pub mod data;
pub mod deployment;
pub mod ingress;
pub mod job;
pub mod namespace;
pub mod poddisruptionbudget;
pub mod priorityclass;
pub mod quota;
pub mod role;
pub mod rolebinding;
pub mod secret;
pub mod service;
pub mod serviceaccount;
pub mod token;

/// The manager of fields that `create` writes.
pub const MANAGER: &[Flag] = &[flag("field-manager", Kind::Text, "kubectl-create", "Name of the manager that tracks field ownership.")];

const FLAGS: &[Flag] = &[
    flag("edit", Kind::Bool, "false", "Edit the object before it is created."),
    flag("raw", Kind::Text, "", "URL path to POST the manifest to."),
    flag("windows-line-endings", Kind::Bool, "false", "Used with --edit only."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create"],
    aliases: &[],
    usage: "-f FILENAME",
    short: "Create a resource from a file or from stdin",
    long: "Create objects from manifests, or with one of the generators below.",
    examples: "# From a file\nkubectl create -f pod.yaml\n\n# Write a manifest to start from\nkubectl create deployment web --image=nginx --dry-run=client -o yaml > web.yaml",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    if let Some(word) = cx.flags.args.first() {
        return Err(cx.usage_error(format!("Unexpected args: [{word}]")));
    }
    manifest::require(cx)?;
    if cx.flags.on("edit") {
        return Err(Error::message(
            "--edit is not supported by this kubectl: write the manifest with --dry-run=client -o yaml, edit it, and create it",
        ));
    }
    let dry_run = DryRun::of(cx).await?;
    if let Some(path) = cx.flags.given("raw") {
        let manifests = manifest::read(cx).await?;
        let [one] = manifests.as_slice() else { return Err(Error::message("--raw can only use a single local file or stdin")) };
        let reply = cx.send_json(Method::POST, path, "application/json", &one.object).await?;
        return cx.println(reply.to_string()).await;
    }
    let manifests = manifest::read(cx).await?;
    if manifests.is_empty() {
        return Err(Error::message("no objects passed to create"));
    }
    let mut errors = Vec::new();
    let selector = cx.flags.given("selector").map(values::Selector::parse).transpose().map_err(|e| Error::message(e.to_string()))?;
    for manifest in manifests {
        if selector.as_ref().is_some_and(|s| !s.matches_json(&manifest.object["metadata"]["labels"])) {
            continue;
        }
        if let Err(error) = create_one(cx, manifest, dry_run).await {
            if matches!(error, Error::Transport { .. } | Error::Output(_)) {
                return Err(error);
            }
            errors.push(error);
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

async fn create_one(cx: &Context, manifest: manifest::Manifest, dry_run: DryRun) -> Result<(), Error> {
    let mut info = info_of(cx, manifest).await?;
    if cx.flags.on("save-config") {
        operation::annotate_last_applied(&mut info.object);
    }
    if dry_run != DryRun::Client {
        let path = format!("{}{}", info.collection(), operation::write_query(cx, dry_run, "kubectl-create")?);
        info.object = cx.post(&path, &info.object).await.map_err(|e| operation::with_source(e, "creating", info.source.as_deref()))?;
    }
    operation::announce(cx, &info.object, "created", dry_run).await
}

/// The one name that a generator takes.
pub fn name(cx: &Context) -> Result<String, Error> {
    let before_dash = cx.flags.dash.unwrap_or(cx.flags.args.len());
    match &cx.flags.args[..before_dash] {
        [name] => Ok(name.clone()),
        found => Err(cx.usage_error(format!("exactly one NAME is required, got {}", found.len()))),
    }
}

/// A flag that cobra requires.
pub fn required(cx: &Context, names: &[&str]) -> Result<(), Error> {
    let missing: Vec<String> = names.iter().filter(|n| !cx.flags.changed(n)).map(|n| format!("{n:?}")).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::message(format!("required flag(s) {} not set", missing.join(", ")))) }
}

/// Creates what a generator made, or only prints it. `what` names it in `failed to create …`.
pub async fn submit(cx: &Context, resource: &Resource, mut object: Value, what: &str) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    if resource.namespaced && cx.namespace_enforced() {
        object["metadata"]["namespace"] = cx.namespace()?.into();
    }
    if cx.flags.on("save-config") {
        operation::annotate_last_applied(&mut object);
    }
    if dry_run != DryRun::Client {
        let namespace = if resource.namespaced { Some(cx.namespace()?) } else { None };
        let path = format!("{}{}", resource.collection(namespace.as_deref()), operation::write_query(cx, dry_run, "kubectl-create")?);
        object = cx.post(&path, &object).await.map_err(|e| failed(what, e))?;
    }
    operation::announce(cx, &object, "created", dry_run).await
}

/// `failed to create deployment: …`; what the server calls invalid keeps its own form only where kubectl keeps it.
pub fn failed(what: &str, error: Error) -> Error {
    match error {
        Error::Output(_) => error,
        error if what.is_empty() => error,
        other => Error::message(format!("failed to create {what}: {other}")),
    }
}

/// `{metadata: {name}}` below apiVersion and kind.
pub fn object(resource: &Resource, name: &str) -> Value {
    json!({"apiVersion": resource.api_version(), "kind": resource.kind, "metadata": {"name": name}})
}
