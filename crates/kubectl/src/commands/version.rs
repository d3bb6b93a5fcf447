//! `kubectl version`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::print::{json as go_json, yaml};

/// The version of kubectl whose behaviour this crate follows.
pub const VERSION: &str = "v1.35.4";
/// The kustomize that this kubectl's upstream carries; told by `version`, although `-k` is refused.
const KUSTOMIZE: &str = "v5.7.1";

const FLAGS: &[Flag] =
    &[flag("client", Kind::Bool, "false", "Only the client's version."), short("output", 'o', Kind::Text, "", "yaml or json.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["version"],
    aliases: &[],
    usage: "",
    short: "Print the client and server version information",
    long: "",
    examples: "kubectl version --client",
    flags: &[FLAGS],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let output = cx.flags.text("output");
    if !["", "yaml", "json"].contains(&output) {
        return Err(Error::message("--output must be 'yaml' or 'json'"));
    }
    let server = if cx.flags.on("client") { None } else { Some(cx.get("/version").await) };
    let client = json!({"gitVersion": VERSION, "major": "1", "minor": "35", "platform": "linux/amd64"});
    match output {
        "" => {
            cx.print(format!("Client Version: {VERSION}\nKustomize Version: {KUSTOMIZE}\n")).await?;
            if let Some(Ok(server)) = &server {
                cx.println(format!("Server Version: {}", server["gitVersion"].as_str().unwrap_or_default())).await?;
            }
        }
        format => {
            let mut all = json!({"clientVersion": client, "kustomizeVersion": KUSTOMIZE});
            if let Some(Ok(server)) = &server {
                all["serverVersion"] = server.clone();
            }
            cx.print(if format == "yaml" { yaml::document(&all) + "\n" } else { go_json::indented(&all, "  ") + "\n" }).await?;
        }
    }
    match server {
        Some(Err(e)) => Err(e),
        Some(Ok(server)) => skew(cx, &server).await,
        None => Ok(()),
    }
}

/// Client and server may be one minor version apart.
async fn skew(cx: &Context, server: &Value) -> Result<(), Error> {
    let minor: Option<i64> = server["minor"].as_str().and_then(|m| m.trim_end_matches('+').parse().ok());
    match minor {
        Some(minor) if (minor - 35).abs() > 1 => {
            cx.warn(&format!(
                "version difference between client (1.35) and server (1.{minor}) exceeds the supported minor version skew of +/-1"
            ))
            .await
        }
        _ => Ok(()),
    }
}
