//! `kubectl certificate approve` and `kubectl certificate deny`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation;
use crate::print::OUTPUT;
use crate::resources::args::{Pick, Selection};
use crate::resources::manifest::FILENAME;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["certificate"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Modify certificate resources",
    long: "",
    examples: "",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

const FLAGS: &[Flag] = &[flag("force", Kind::Bool, "false", "Update what is approved or denied already.")];

/// `kubectl certificate approve`.
pub const APPROVE: Command = Command {
    path: &["certificate", "approve"],
    aliases: &[],
    usage: "(-f FILENAME | NAME)",
    short: "Approve a certificate signing request",
    long: "",
    examples: "kubectl certificate approve jane",
    flags: &[FLAGS, FILENAME, OUTPUT],
    completes: Completes::NamesOf("certificatesigningrequests"),
    run: Some(|cx| Box::pin(run(cx, "Approved", "approved"))),
};

/// `kubectl certificate deny`.
pub const DENY: Command = Command {
    path: &["certificate", "deny"],
    aliases: &[],
    usage: "(-f FILENAME | NAME)",
    short: "Deny a certificate signing request",
    long: "",
    examples: "kubectl certificate deny jane",
    flags: &[FLAGS, FILENAME, OUTPUT],
    completes: Completes::NamesOf("certificatesigningrequests"),
    run: Some(|cx| Box::pin(run(cx, "Denied", "denied"))),
};

async fn run(cx: &Context, condition: &str, done: &str) -> Result<(), Error> {
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) {
        return Err(Error::message("one or more CSRs must be specified as <name> or -f <filename>"));
    }
    let mut args = vec!["certificatesigningrequests".to_owned()];
    args.extend(cx.flags.args.iter().map(|a| a.rsplit('/').next().unwrap_or(a).to_owned()));
    let selection = if cx.flags.args.is_empty() { Selection::of(cx) } else { Selection { args, ..Selection::of(cx) } };
    let mut errors = Vec::new();
    for pick in selection.resolve(cx).await? {
        let Pick::One(info) = pick else { continue };
        let result = async {
            let mut request = cx.get(&info.path()).await?;
            let conditions = request["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let other = if condition == "Approved" { "Denied" } else { "Approved" };
            if conditions.iter().any(|c| c["type"] == other) {
                return Err(Error::message(format!("certificate signing request {:?} is already {}", info.name, other.to_lowercase())));
            }
            if conditions.iter().any(|c| c["type"] == condition) && !cx.flags.on("force") {
                return Ok(request);
            }
            let now = cx.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let mut kept: Vec<Value> = conditions.into_iter().filter(|c| c["type"] != condition).collect();
            kept.push(json!({
                "type": condition,
                "status": "True",
                "reason": format!("Kubectl{}", if condition == "Approved" { "Approve" } else { "Deny" }),
                "message": format!("This CSR was {done} by kubectl certificate {}.", if condition == "Approved" { "approve" } else { "deny" }),
                "lastUpdateTime": now,
            }));
            request["status"]["conditions"] = Value::Array(kept);
            cx.put(&format!("{}/approval", info.path()), &request).await
        };
        match result.await {
            Ok(object) => operation::announce(cx, &object, done, operation::DryRun::None).await?,
            Err(e) => errors.push(e),
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}
