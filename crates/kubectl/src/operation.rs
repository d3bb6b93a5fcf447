//! What commands that change objects share: dry run, field manager, the line that tells what was done.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Error, Status};
use crate::flags::{Flag, Kind, flag};
use crate::print::Printer;
use crate::print::json as go_json;
use crate::print::printer::kind_name;
use crate::resources::discovery::{Resource, escape};

/// `--dry-run`.
pub const DRY_RUN: &[Flag] =
    &[flag("dry-run", Kind::Optional("unchanged"), "none", "none, client (print only) or server (send without persisting).")];
/// `--field-manager` is declared per command because its default differs.
pub const VALIDATE: &[Flag] =
    &[flag("validate", Kind::Optional("strict"), "strict", "strict, warn or ignore: what happens with unknown and duplicate fields.")];
/// `--save-config`.
pub const SAVE_CONFIG: &[Flag] =
    &[flag("save-config", Kind::Bool, "false", "Keep the configuration in the annotation that apply compares with.")];
/// `--record`, deprecated.
pub const RECORD: &[Flag] = &[flag("record", Kind::Bool, "false", "Keep the command line in an annotation (deprecated).")];

/// The annotation that `apply` compares with.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How far a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// All the way.
    None,
    /// Nothing is sent.
    Client,
    /// Sent, and not persisted.
    Server,
}

impl DryRun {
    /// As the flag says.
    pub async fn of(cx: &Context) -> Result<Self, Error> {
        match cx.flags.text("dry-run") {
            "none" | "" | "false" => Ok(Self::None),
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            "unchanged" | "true" => {
                cx.eprintln("W kubectl: --dry-run is deprecated and can be replaced with --dry-run=client.").await?;
                Ok(Self::Client)
            }
            other => Err(Error::message(format!("Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."))),
        }
    }

    /// What stands after the verb in messages.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

/// Query string for a write.
pub fn write_query(cx: &Context, dry_run: DryRun, manager: &str) -> Result<String, Error> {
    let manager = cx.flags.given("field-manager").unwrap_or(manager);
    let mut query = format!("?fieldManager={}", escape(manager));
    let validation = match cx.flags.text("validate") {
        "" => None,
        "true" | "strict" => Some("Strict"),
        "warn" => Some("Warn"),
        "false" | "ignore" => Some("Ignore"),
        other => {
            return Err(Error::message(format!(
                "invalid - validate option \"{other}\"; must be one of: strict (or true), warn, ignore (or false)"
            )));
        }
    };
    if let Some(validation) = validation {
        query.push_str(&format!("&fieldValidation={validation}"));
    }
    if dry_run == DryRun::Server {
        query.push_str("&dryRun=All");
    }
    Ok(query)
}

/// Puts what was being done, and the manifest, before the server's message (`AddSourceToErr`).
pub fn with_source(error: Error, verb: &str, source: Option<&str>) -> Error {
    match (error, source) {
        (Error::Status(status), Some(source)) => {
            let message = format!("error when {verb} {source:?}: {}", status.message);
            Error::Status(Box::new(Status { message, ..*status }))
        }
        (other @ Error::Transport { .. }, Some(source)) => Error::message(format!("error when {verb} {source:?}: {other}")),
        (other, _) => other,
    }
}

/// Tells what was done: by `-o`, or `deployment.apps/web created`.
pub async fn announce(cx: &Context, object: &Value, done: &str, dry_run: DryRun) -> Result<(), Error> {
    match Printer::of(cx, false)? {
        Some(printer) => print_one(cx, &printer, object).await,
        None => {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            cx.println(format!("{}/{name} {done}{}", kind_name(object), dry_run.suffix())).await
        }
    }
}

/// Prints an object; YAML documents after the first are set apart.
pub async fn print_one(cx: &Context, printer: &Printer, object: &Value) -> Result<(), Error> {
    let text = printer.text(cx, object)?;
    if matches!(printer, Printer::Yaml) && cx.next_document() {
        cx.print("---\n").await?;
    }
    cx.print(text).await
}

/// The annotation's text: the object without the annotation itself, compact, ending in a newline.
pub fn last_applied(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove(LAST_APPLIED);
    }
    go_json::compact(&object) + "\n"
}

/// Writes the annotation. Upstream keeps `annotations: {}` in the text when the object had none.
pub fn annotate_last_applied(object: &mut Value) {
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    let text = last_applied(object);
    object["metadata"]["annotations"][LAST_APPLIED] = text.into();
}

/// A resource of Kubernetes itself, for commands that need no discovery to make one.
pub fn builtin(group: &str, version: &str, name: &str, kind: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        name: name.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        namespaced,
        ..Resource::default()
    }
}
