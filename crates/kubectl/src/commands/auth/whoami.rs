//! `kubectl auth whoami`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::operation;
use crate::print::{OUTPUT, Printer, tabwriter};
use crate::resources::discovery::strings;

/// The command.
pub const COMMAND: Command = Command {
    path: &["auth", "whoami"],
    aliases: &[],
    usage: "",
    short: "Experimental: Check self subject attributes",
    long: "",
    examples: "kubectl auth whoami",
    flags: &[OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = cx.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &request).await?;
    if let Some(printer) = Printer::of(cx, false)? {
        return operation::print_one(cx, &printer, &answer).await;
    }
    let user = &answer["status"]["userInfo"];
    let mut text = format!("ATTRIBUTE\tVALUE\nUsername\t{}\n", user["username"].as_str().unwrap_or_default());
    if let Some(uid) = user["uid"].as_str().filter(|u| !u.is_empty()) {
        text.push_str(&format!("UID\t{uid}\n"));
    }
    let groups = strings(&user["groups"]);
    if !groups.is_empty() {
        text.push_str(&format!("Groups\t[{}]\n", groups.join(" ")));
    }
    let extra = user["extra"].as_object().cloned().unwrap_or_default();
    let mut keys: Vec<&String> = extra.keys().collect();
    keys.sort();
    for key in keys {
        text.push_str(&format!("Extra: {key}\t[{}]\n", strings(&extra[key]).join(" ")));
    }
    cx.print(tabwriter::align(&text, 6, 3)).await
}
