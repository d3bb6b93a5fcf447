//! `kubectl create token`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::commands::create;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation;
use crate::print::{OUTPUT, Printer};

const FLAGS: &[Flag] = &[
    flag("audience", Kind::Array, "", "Audience of the token; may be repeated."),
    flag("duration", Kind::Duration, "0s", "How long the token is to be valid; 0 lets the server choose."),
    flag("bound-object-kind", Kind::Text, "", "Kind of the object that the token is bound to."),
    flag("bound-object-name", Kind::Text, "", "Name of that object."),
    flag("bound-object-uid", Kind::Text, "", "UID of that object."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "token"],
    aliases: &[],
    usage: "SERVICE_ACCOUNT_NAME",
    short: "Request a service account token",
    long: "",
    examples: "kubectl create token builder --duration=1h",
    flags: &[FLAGS, OUTPUT],
    completes: Completes::NamesOf("serviceaccounts"),
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = operation::builtin("", "v1", "serviceaccounts", "ServiceAccount", true);
    let mut spec = json!({});
    let audiences = cx.flags.list("audience");
    if !audiences.is_empty() {
        spec["audiences"] = json!(audiences);
    }
    let seconds = cx.flags.duration("duration").as_secs();
    if seconds > 0 {
        spec["expirationSeconds"] = seconds.into();
    }
    if let Some(kind) = cx.flags.given("bound-object-kind") {
        let version = match kind {
            "Pod" | "Secret" | "Node" => "v1",
            _ => return Err(Error::message("supported --bound-object-kind values are Node, Pod, Secret")),
        };
        let Some(bound) = cx.flags.given("bound-object-name") else {
            return Err(Error::message("--bound-object-name is required if --bound-object-kind is provided"));
        };
        spec["boundObjectRef"] = json!({"kind": kind, "apiVersion": version, "name": bound});
        if let Some(uid) = cx.flags.given("bound-object-uid") {
            spec["boundObjectRef"]["uid"] = uid.into();
        }
    }
    let path = format!("{}/token", resource.object(Some(&cx.namespace()?), &name));
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let answer = cx.post(&path, &request).await.map_err(|e| create::failed("token", e))?;
    match Printer::of(cx, false)? {
        Some(printer) => operation::print_one(cx, &printer, &answer).await,
        None => match answer["status"]["token"].as_str().filter(|t| !t.is_empty()) {
            Some(token) => cx.println(token).await,
            None => Err(Error::message("failed to create token: no token in server response")),
        },
    }
}
