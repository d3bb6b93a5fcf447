//! `kubectl config view`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::config::File;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation;
use crate::print::{OUTPUT, Printer};

const FLAGS: &[Flag] = &[
    flag("minify", Kind::Bool, "false", "Only what the current context uses."),
    flag("flatten", Kind::Bool, "false", "Put the content of files in place of their names."),
    flag("raw", Kind::Bool, "false", "Show certificates and secrets."),
    flag("merge", Kind::Bool, "true", "Accepted."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["config", "view"],
    aliases: &[],
    usage: "[flags]",
    short: "Display merged kubeconfig settings or a specified kubeconfig file",
    long: "",
    examples: "kubectl config view --minify\nkubectl config view -o jsonpath='{.clusters[0].cluster.server}'",
    flags: &[FLAGS, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let mut file = File::open(cx)?;
    if cx.flags.on("minify") {
        minify(cx, &mut file)?;
    }
    for (list, key) in [("clusters", "cluster"), ("users", "user")] {
        for entry in file.value[list].as_array_mut().into_iter().flatten() {
            if cx.flags.on("flatten") {
                flatten(cx, &mut entry[key])?;
            }
            if !cx.flags.on("raw") {
                redact(&mut entry[key]);
            }
        }
    }
    for list in ["clusters", "contexts", "users"] {
        if let Some(entries) = file.value[list].as_array_mut() {
            entries.sort_by_key(|e| e["name"].as_str().unwrap_or_default().to_owned());
            if entries.is_empty() {
                file.value[list] = Value::Null;
            }
        }
    }
    let printer = Printer::of(cx, false)?.unwrap_or(Printer::Yaml);
    operation::print_one(cx, &printer, &file.value).await
}

fn minify(cx: &Context, file: &mut File) -> Result<(), Error> {
    let name =
        cx.flags.given("context").map_or_else(|| file.value["current-context"].as_str().unwrap_or_default().to_owned(), str::to_owned);
    if name.is_empty() {
        return Err(Error::message("current-context must exist in order to minify"));
    }
    let Some(context) = file.entry("contexts", &name).cloned() else {
        return Err(Error::message(format!("cannot locate context {name}")));
    };
    let text = |key: &str| context["context"][key].as_str().unwrap_or_default().to_owned();
    for (list, wanted) in [("contexts", name.clone()), ("clusters", text("cluster")), ("users", text("user"))] {
        if let Some(entries) = file.value[list].as_array_mut() {
            entries.retain(|e| e["name"] == wanted.as_str());
        }
    }
    file.value["current-context"] = name.into();
    Ok(())
}

fn redact(inner: &mut Value) {
    for key in ["certificate-authority-data", "client-certificate-data", "client-key-data"] {
        if inner[key].is_string() {
            inner[key] = "DATA+OMITTED".into();
        }
    }
    for key in ["token", "password"] {
        if inner[key].is_string() {
            inner[key] = "REDACTED".into();
        }
    }
    drop_nulls(inner);
}

/// Looking at a missing key leaves a null behind.
fn drop_nulls(inner: &mut Value) {
    if let Some(map) = inner.as_object_mut() {
        map.retain(|_, v| !v.is_null());
    } else {
        *inner = json!({});
    }
}

fn flatten(cx: &Context, inner: &mut Value) -> Result<(), Error> {
    use base64::Engine;
    for key in ["certificate-authority", "client-certificate", "client-key"] {
        let Some(path) = inner[key].as_str().map(str::to_owned) else { continue };
        let bytes =
            cx.files.read(&cx.absolute(&path)).map_err(|e| Error::message(format!("open {path}: {}", crate::kubeconfig::go_reason(&e))))?;
        inner[format!("{key}-data")] = base64::engine::general_purpose::STANDARD.encode(bytes).into();
        inner[key] = Value::Null;
    }
    drop_nulls(inner);
    Ok(())
}
