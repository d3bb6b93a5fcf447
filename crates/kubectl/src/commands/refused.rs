//! Commands that this kubectl does not have, and says so.

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};

const FLAGS: &[Flag] = &[
    short("container", 'c', Kind::Text, "", "Accepted."),
    flag("address", Kind::Text, "", "Accepted."),
    flag("image", Kind::Text, "", "Accepted."),
    flag("target", Kind::Text, "", "Accepted."),
    flag("profile", Kind::Text, "", "Accepted."),
    flag("port", Kind::Text, "", "Accepted."),
    short("stdin", 'i', Kind::Bool, "false", "Accepted."),
    short("tty", 't', Kind::Bool, "false", "Accepted."),
];

const fn refused(path: &'static [&'static str], short: &'static str, run: crate::command::Run) -> Command {
    Command { path, aliases: &[], usage: "", short, long: "", examples: "", flags: &[FLAGS], completes: Completes::Nothing, run: Some(run) }
}

async fn refuse(_: &Context, text: &str) -> Result<(), Error> {
    Err(Error::message(text))
}

/// `kubectl port-forward`.
pub const PORT_FORWARD: Command = refused(&["port-forward"], "Forward one or more local ports to a pod", |cx| {
    Box::pin(refuse(
        cx,
        "port-forward is not supported by this kubectl: reach the pod or service from a node or another pod, with curl or wget",
    ))
});
/// `kubectl proxy`.
pub const PROXY: Command = refused(&["proxy"], "Run a proxy to the Kubernetes API server", |cx| {
    Box::pin(refuse(cx, "proxy is not supported by this kubectl: use kubectl get --raw PATH"))
});
/// `kubectl cp`.
pub const CP: Command = refused(&["cp"], "Copy files and directories to and from containers", |cx| {
    Box::pin(refuse(
        cx,
        "cp is not supported by this kubectl: use kubectl exec POD -- cat FILE > FILE, or kubectl exec -i POD -- sh -c 'cat > FILE' < FILE",
    ))
});
/// `kubectl debug`.
pub const DEBUG: Command = refused(&["debug"], "Create debugging sessions for troubleshooting workloads and nodes", |cx| {
    Box::pin(refuse(cx, "debug is not supported by this kubectl: use kubectl exec for containers and ssh for nodes"))
});
/// `kubectl kustomize`.
pub const KUSTOMIZE: Command = refused(&["kustomize"], "Build a kustomization target from a directory or URL", |cx| {
    Box::pin(refuse(cx, "kustomize is not supported by this kubectl: write the manifests out and use -f"))
});
/// `kubectl plugin`.
pub const PLUGIN: Command = refused(&["plugin"], "Provides utilities for interacting with plugins", |cx| {
    Box::pin(refuse(cx, "plugins are not supported by this kubectl"))
});
