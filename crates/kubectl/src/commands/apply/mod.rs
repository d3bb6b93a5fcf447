//! `kubectl apply`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun, LAST_APPLIED, VALIDATE};
use crate::patch::{self, Style, three_way};
use crate::print::printer::{kind_name, list};
use crate::print::{OUTPUT, Printer};
use crate::resources::args::{Info, SELECTOR, info_of};
use crate::resources::manifest::{self, FILENAME};

pub mod view_last_applied;

const FLAGS: &[Flag] = &[
    flag("server-side", Kind::Bool, "false", "Let the server merge and track ownership of fields."),
    flag("force-conflicts", Kind::Bool, "false", "With --server-side: take over fields of other managers."),
    flag("field-manager", Kind::Text, "", "Name of the manager that tracks field ownership."),
    flag("overwrite", Kind::Bool, "true", "Resolve conflicts by the manifest's values."),
    flag("force", Kind::Bool, "false", "Delete and recreate what cannot be patched."),
    flag("prune", Kind::Bool, "false", "Not supported."),
    flag("openapi-patch", Kind::Bool, "true", "Accepted; patches follow built-in facts."),
    flag("wait", Kind::Bool, "false", "With --force: wait until what was deleted is gone."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["apply"],
    aliases: &[],
    usage: "(-f FILENAME | -k DIRECTORY)",
    short: "Apply a configuration to a resource by file name or stdin",
    long: "Create what a manifest describes, or change what is there so that it agrees with the manifest.",
    examples: "# A file\nkubectl apply -f web.yaml\n\n# All manifests of a directory\nkubectl apply -f manifests/\n\n# See what the server would make of it\nkubectl apply -f web.yaml --dry-run=server -o yaml",
    flags: &[FLAGS, FILENAME, SELECTOR, DRY_RUN, VALIDATE, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

const CONFLICT_HELP: &str = "\nPlease review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

async fn run(cx: &Context) -> Result<(), Error> {
    if let Some(word) = cx.flags.args.first() {
        return Err(cx.usage_error(format!("Unexpected args: [{word}]")));
    }
    manifest::require(cx)?;
    if cx.flags.on("prune") {
        return Err(Error::message("--prune is not supported by this kubectl: delete what is no longer wanted by name"));
    }
    let server_side = cx.flags.on("server-side");
    let dry_run = DryRun::of(cx).await?;
    if cx.flags.on("force-conflicts") && !server_side {
        return Err(Error::message("--force-conflicts only works with --server-side"));
    }
    if dry_run == DryRun::Client && server_side {
        return Err(Error::message("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)"));
    }
    if cx.flags.on("force") && server_side {
        return Err(Error::message("--force cannot be used with --server-side"));
    }
    let printer = Printer::of(cx, false)?;
    let manifests = manifest::read(cx).await?;
    if manifests.is_empty() {
        return Err(Error::message("no objects passed to apply"));
    }
    let selector = cx.flags.given("selector").map(values::Selector::parse).transpose().map_err(|e| Error::message(e.to_string()))?;
    let (mut errors, mut applied) = (Vec::new(), Vec::new());
    for manifest in manifests {
        if selector.as_ref().is_some_and(|s| !s.matches_json(&manifest.object["metadata"]["labels"])) {
            continue;
        }
        let result = match info_of(cx, manifest).await {
            Ok(info) if info.name.is_empty() => Err(Error::message(format!(
                "from {}: cannot use generate name with apply",
                info.object["metadata"]["generateName"].as_str().unwrap_or_default()
            ))),
            Ok(info) if server_side => apply_server_side(cx, info, dry_run).await,
            Ok(info) => apply_client_side(cx, info, dry_run).await,
            Err(e) => Err(e),
        };
        match result {
            Ok((object, done)) => {
                if printer.is_none() {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    cx.println(format!("{}/{name} {done}{}", kind_name(&object), dry_run.suffix())).await?;
                }
                applied.push(object);
            }
            Err(e @ (Error::Transport { .. } | Error::Output(_))) => return Err(e),
            Err(e) => errors.push(e),
        }
    }
    if let Some(printer) = printer {
        match (applied.len(), printer) {
            (0, _) => {}
            (1, printer) => operation::print_one(cx, &printer, &applied[0]).await?,
            (_, printer) => operation::print_one(cx, &printer, &list(applied)).await?,
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

async fn apply_server_side(cx: &Context, mut info: Info, dry_run: DryRun) -> Result<(Value, &'static str), Error> {
    if let Some(metadata) = info.object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let mut path = format!("{}{}", info.path(), operation::write_query(cx, dry_run, "kubectl")?);
    path.push_str(&format!("&force={}", cx.flags.on("force-conflicts")));
    match cx.patch(&path, patch::APPLY, &info.object).await {
        Ok(object) => Ok((object, "serverside-applied")),
        Err(Error::Status(status)) if status.reason == "Conflict" => Err(Error::message(format!("{}{CONFLICT_HELP}", status.message))),
        Err(e) => Err(operation::with_source(e, "patching", info.source.as_deref())),
    }
}

async fn apply_client_side(cx: &Context, mut info: Info, dry_run: DryRun) -> Result<(Value, &'static str), Error> {
    let query = operation::write_query(cx, dry_run, "kubectl-client-side-apply")?;
    let source = info.source.clone();
    operation::annotate_last_applied(&mut info.object);
    // A conflict with another writer is tried again on what is there then, as upstream does five times.
    for attempt in 0..5 {
        let current = match cx.get(&info.path()).await {
            Ok(current) => current,
            Err(e) if e.is_not_found() => {
                if dry_run == DryRun::Client {
                    return Ok((info.object, "created"));
                }
                let path = format!("{}{query}", info.collection());
                let created = cx.post(&path, &info.object).await.map_err(|e| operation::with_source(e, "creating", source.as_deref()))?;
                return Ok((created, "created"));
            }
            Err(e) => {
                return Err(match e {
                    Error::Status(status) => Error::Status(Box::new(crate::error::Status {
                        message: format!(
                            "error when retrieving current configuration of:\nResource: {:?}, GroupVersionKind: {:?}\nName: {:?}, Namespace: {:?}\nfrom server for: {:?}: {}",
                            format!("{}/{}, Resource={}", info.resource.group, info.resource.version, info.resource.name),
                            format!("{}/{}, Kind={}", info.resource.group, info.resource.version, info.resource.kind),
                            info.name,
                            info.namespace.as_deref().unwrap_or_default(),
                            source.as_deref().unwrap_or_default(),
                            status.message
                        ),
                        ..*status
                    })),
                    other => other,
                });
            }
        };
        let annotation = current["metadata"]["annotations"][LAST_APPLIED].as_str();
        if annotation.is_none() {
            cx.warn(&format!(
                "resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.",
                info.resource.name, info.name
            ))
            .await?;
        }
        if current["metadata"]["deletionTimestamp"].is_string() {
            cx.warn("Detected changes to resource which is currently being deleted.").await?;
        }
        let original: Value = annotation.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let (style, content_type) = style_of(&info);
        let change = three_way(style, &original, &info.object, &current);
        // Upstream does not look for changes here.
        if dry_run == DryRun::Client {
            return Ok((info.object, "configured"));
        }
        if change.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok((current, "unchanged"));
        }
        match cx.patch(&format!("{}{query}", info.path()), content_type, &change).await {
            Ok(object) => return Ok((object, "configured")),
            Err(e) if e.is_conflict() && attempt < 4 => {}
            Err(e) if cx.flags.on("force") && (e.is_conflict() || e.reason() == "Invalid") => {
                return recreate(cx, &info, &query).await;
            }
            Err(e) => return Err(applying(e, &change, &info)),
        }
    }
    Err(Error::message("the object kept changing while it was being applied"))
}

fn applying(error: Error, change: &Value, info: &Info) -> Error {
    let source = info.source.as_deref().unwrap_or_default();
    match error {
        // What is invalid is listed field by field.
        Error::Status(status) if status.reason == "Invalid" => Error::Status(status),
        Error::Status(status) => {
            let message = format!(
                "error when applying patch:\n{}\nto:\nResource: {:?}, GroupVersionKind: {:?}\nName: {:?}, Namespace: {:?}\nfor: {source:?}: error when patching {source:?}: {}",
                crate::print::json::compact(change),
                format!("{}/{}, Resource={}", info.resource.group, info.resource.version, info.resource.name),
                format!("{}/{}, Kind={}", info.resource.group, info.resource.version, info.resource.kind),
                info.name,
                info.namespace.as_deref().unwrap_or_default(),
                status.message
            );
            Error::Status(Box::new(crate::error::Status { message, ..*status }))
        }
        other => other,
    }
}

/// Strategic merge for Kubernetes' own groups, JSON merge for custom resources.
pub fn style_of(info: &Info) -> (Style<'_>, &'static str) {
    let group = info.resource.group.as_str();
    let own = group.is_empty() || !group.contains('.') || group.ends_with(".k8s.io");
    // Custom resources may live under k8s.io too; these groups are compiled into kubectl.
    const COMPILED: &[&str] = &[
        "admissionregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ];
    if own && (!group.contains('.') || COMPILED.contains(&group)) {
        (Style::Strategic(&info.resource.kind), patch::STRATEGIC)
    } else {
        (Style::Merge, patch::MERGE)
    }
}

async fn recreate(cx: &Context, info: &Info, query: &str) -> Result<(Value, &'static str), Error> {
    cx.delete(&info.path(), &serde_json::json!({"propagationPolicy": "Background", "gracePeriodSeconds": 0})).await?;
    super::wait::until_gone(cx, info, None, None).await?;
    let path = format!("{}{query}", info.collection());
    Ok((cx.post(&path, &info.object).await?, "configured"))
}
