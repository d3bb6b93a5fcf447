//! `kubectl cluster-info`.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;

/// The command.
pub const COMMAND: Command = Command {
    path: &["cluster-info"],
    aliases: &[],
    usage: "",
    short: "Display cluster information",
    long: "Show the addresses of the control plane and of services with the label kubernetes.io/cluster-service=true.",
    examples: "kubectl cluster-info",
    flags: &[],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

const HINT: &str = "\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.";

async fn run(cx: &Context) -> Result<(), Error> {
    if cx.flags.args.first().is_some_and(|a| a == "dump") {
        return Err(Error::message("cluster-info dump is not supported by this kubectl: use kubectl get and kubectl logs"));
    }
    let services = cx.get("/api/v1/namespaces/kube-system/services?labelSelector=kubernetes.io%2Fcluster-service%3Dtrue").await;
    let services = match services {
        Ok(list) => list,
        Err(e) => {
            cx.println(HINT).await?;
            return Err(e);
        }
    };
    // Green names and yellow addresses, as kubectl prints them on terminals and elsewhere.
    let paint = |name: &str, url: &str| match cx.terminal.is_some() {
        true => format!("\u{1b}[0;32m{name}\u{1b}[0m is running at \u{1b}[0;33m{url}\u{1b}[0m"),
        false => format!("{name} is running at {url}"),
    };
    let server = cx.server().await?.to_owned();
    cx.println(paint("Kubernetes control plane", &server)).await?;
    for service in services["items"].as_array().into_iter().flatten() {
        let name = service["metadata"]["name"].as_str().unwrap_or_default();
        let shown = service["metadata"]["labels"]["kubernetes.io/name"].as_str().unwrap_or(name);
        let port = &service["spec"]["ports"][0];
        let suffix = port["name"].as_str().map(|n| format!(":{n}")).unwrap_or_default();
        cx.println(paint(shown, &format!("{server}/api/v1/namespaces/kube-system/services/{name}{suffix}/proxy"))).await?;
    }
    cx.println(HINT).await
}
