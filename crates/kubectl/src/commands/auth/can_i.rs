//! `kubectl auth can-i`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::describe::role_rows;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::print::tabwriter;
use crate::resources::args::ALL_NAMESPACES;

const FLAGS: &[Flag] = &[
    flag("list", Kind::Bool, "false", "List what is allowed in the namespace."),
    short("quiet", 'q', Kind::Bool, "false", "Say nothing, answer by the exit code."),
    flag("subresource", Kind::Text, "", "Subresource, such as log or scale."),
    flag("no-headers", Kind::Bool, "false", "Print no headers."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["auth", "can-i"],
    aliases: &[],
    usage: "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
    short: "Check whether an action is allowed",
    long: "Ask the server whether you, or with --as somebody else, may do something.",
    examples: "kubectl auth can-i create deployments -n shop\nkubectl auth can-i get pods --as=system:serviceaccount:shop:app\nkubectl auth can-i --list",
    flags: &[FLAGS, ALL_NAMESPACES],
    completes: Completes::Types,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    if cx.flags.on("list") {
        if !cx.flags.args.is_empty() {
            return Err(Error::message("list option must be specified with no arguments"));
        }
        return list(cx).await;
    }
    let (verb, word, name) = match cx.flags.args.as_slice() {
        [verb, word] => (verb, word.as_str(), ""),
        [verb, word, name] => (verb, word.as_str(), name.as_str()),
        _ => {
            return Err(Error::message(
                "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
            ));
        }
    };
    const VERBS: &[&str] = &[
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "use",
        "bind",
        "impersonate",
        "*",
        "approve",
        "sign",
        "escalate",
        "attest",
    ];
    const URL_VERBS: &[&str] = &["get", "put", "post", "head", "options", "delete", "patch", "*"];
    let known = if word.starts_with('/') { URL_VERBS } else { VERBS };
    if !known.contains(&verb.as_str()) {
        cx.warn(&format!("verb '{verb}' is not a known verb\n")).await?;
    }
    let namespace = if cx.flags.on("all-namespaces") { String::new() } else { cx.namespace()? };
    let mut spec = json!({});
    if word.starts_with('/') {
        spec["nonResourceAttributes"] = json!({"verb": verb, "path": word});
    } else {
        let (kind, name) = match word.split_once('/') {
            Some((kind, name)) => (kind, name),
            None => (word, name),
        };
        let discovery = cx.discovery().await?;
        let (group, resource) = match discovery.find(kind) {
            Ok(found) => {
                if !found.namespaced && !cx.flags.on("all-namespaces") {
                    cx.warn(&format!("resource '{}' is not namespace scoped{}\n", found.name, in_group(&found.group))).await?;
                }
                (found.group.clone(), found.name.clone())
            }
            Err(_) if kind == "*" => (String::new(), "*".to_owned()),
            Err(_) => {
                cx.warn(&format!("the server doesn't have a resource type '{kind}'\n")).await?;
                let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
                (group.to_owned(), resource.to_owned())
            }
        };
        let mut attributes = json!({"verb": verb, "group": group, "resource": resource});
        for (key, value) in [("namespace", namespace.as_str()), ("name", name), ("subresource", cx.flags.text("subresource"))] {
            if !value.is_empty() {
                attributes[key] = value.into();
            }
        }
        spec["resourceAttributes"] = attributes;
    }
    let request = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec});
    let answer = cx.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &request).await?;
    let status = &answer["status"];
    let allowed = status["allowed"] == true;
    if !cx.flags.on("quiet") {
        let mut line = if allowed { "yes".to_owned() } else { "no".to_owned() };
        if let Some(reason) = status["reason"].as_str().filter(|r| !r.is_empty() && !allowed) {
            line.push_str(&format!(" - {reason}"));
        }
        if let Some(error) = status["evaluationError"].as_str().filter(|e| !e.is_empty() && !allowed) {
            line.push_str(&format!(" - {error}"));
        }
        cx.println(line).await?;
    }
    if allowed { Ok(()) } else { Err(Error::Exit(1)) }
}

fn in_group(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!(" in group '{group}'") }
}

async fn list(cx: &Context) -> Result<(), Error> {
    let request = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": cx.namespace()?},
    });
    let answer = cx.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &request).await?;
    let status = &answer["status"];
    if status["incomplete"] == true {
        let why = status["evaluationError"].as_str().map(|e| format!(", {e}")).unwrap_or_default();
        cx.warn(&format!("the list may be incomplete{}", why.replacen(", ", ": ", 1))).await?;
    }
    let mut rules = status["resourceRules"].as_array().cloned().unwrap_or_default();
    rules.extend(status["nonResourceRules"].as_array().cloned().unwrap_or_default());
    let mut text = String::new();
    if !cx.flags.on("no-headers") {
        text.push_str("Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
    }
    for row in role_rows(&Value::Array(rules)) {
        text.push_str(&format!("{}\n", row.join("\t")));
    }
    cx.print(tabwriter::align(&text, 6, 3)).await
}
