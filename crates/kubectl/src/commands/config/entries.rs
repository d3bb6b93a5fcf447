//! `kubectl config get-clusters|get-users|delete-cluster|delete-user|set-cluster|set-context|set-credentials`.

use base64::Engine;
use serde_json::Value;

use crate::command::{Command, Completes};
use crate::commands::config::File;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::kubeconfig::go_reason;

const fn command(
    path: &'static [&'static str],
    usage: &'static str,
    short: &'static str,
    flags: &'static [&'static [Flag]],
    run: crate::command::Run,
) -> Command {
    Command { path, aliases: &[], usage, short, long: "", examples: "", flags, completes: Completes::Nothing, run: Some(run) }
}

/// `kubectl config get-clusters`.
pub const GET_CLUSTERS: Command =
    command(&["config", "get-clusters"], "", "Display clusters defined in the kubeconfig", &[], |cx| Box::pin(names(cx, "clusters")));
/// `kubectl config get-users`.
pub const GET_USERS: Command =
    command(&["config", "get-users"], "", "Display users defined in the kubeconfig", &[], |cx| Box::pin(names(cx, "users")));
/// `kubectl config delete-cluster`.
pub const DELETE_CLUSTER: Command =
    command(&["config", "delete-cluster"], "NAME", "Delete the specified cluster from the kubeconfig", &[], |cx| {
        Box::pin(delete(cx, "clusters"))
    });
/// `kubectl config delete-user`.
pub const DELETE_USER: Command =
    command(&["config", "delete-user"], "NAME", "Delete the specified user from the kubeconfig", &[], |cx| Box::pin(delete(cx, "users")));

const EMBED: &[Flag] = &[flag("embed-certs", Kind::Bool, "false", "Put the content of certificate files into the kubeconfig.")];
const CURRENT: &[Flag] = &[flag("current", Kind::Bool, "false", "Change the current context.")];

/// `kubectl config set-cluster`. Its values are global flags: `--server`, `--certificate-authority`, …
pub const SET_CLUSTER: Command = command(
    &["config", "set-cluster"],
    "NAME [--server=server] [--certificate-authority=path/to/certificate/authority]",
    "Set a cluster entry in kubeconfig",
    &[EMBED],
    |cx| Box::pin(set_cluster(cx)),
);
/// `kubectl config set-context`. Its values are global flags: `--cluster`, `--user`, `--namespace`.
pub const SET_CONTEXT: Command = command(
    &["config", "set-context"],
    "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
    "Set a context entry in kubeconfig",
    &[CURRENT],
    |cx| Box::pin(set_context(cx)),
);
/// `kubectl config set-credentials`. Its values are global flags: `--token`, `--client-certificate`, `--client-key`.
pub const SET_CREDENTIALS: Command = command(
    &["config", "set-credentials"],
    "NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token]",
    "Set a user entry in kubeconfig",
    &[EMBED],
    |cx| Box::pin(set_credentials(cx)),
);

async fn names(cx: &Context, list: &str) -> Result<(), Error> {
    let file = File::open(cx)?;
    let names: String = file.names(list).into_iter().map(|n| n + "\n").collect();
    cx.print(format!("NAME\n{names}")).await
}

fn one(cx: &Context) -> Result<&str, Error> {
    match cx.flags.args.as_slice() {
        [name] if !name.is_empty() => Ok(name),
        args => Err(cx.usage_error(format!("Unexpected args: [{}]", args.join(" ")))),
    }
}

async fn delete(cx: &Context, list: &str) -> Result<(), Error> {
    let name = one(cx)?;
    let word = list.trim_end_matches('s');
    let mut file = File::open(cx)?;
    if !file.remove(list, name) {
        return Err(Error::message(format!("cannot delete {word} {name}, not in {}", file.path)));
    }
    file.save(cx)?;
    cx.println(format!("deleted {word} {name} from {}", file.path)).await
}

/// Sets a file name, or with `--embed-certs` its content.
fn set_file(cx: &Context, inner: &mut Value, key: &str) -> Result<(), Error> {
    let Some(path) = cx.flags.given(key) else { return Ok(()) };
    let data = format!("{key}-data");
    let map = inner.as_object_mut();
    let Some(map) = map else { return Ok(()) };
    if cx.flags.on("embed-certs") {
        let bytes = cx
            .files
            .read(&cx.absolute(path))
            .map_err(|e| Error::message(format!("could not read {key} data from {path}: open {path}: {}", go_reason(&e))))?;
        map.insert(data, base64::engine::general_purpose::STANDARD.encode(bytes).into());
        map.remove(key);
    } else {
        map.insert(key.to_owned(), cx.absolute(path).into());
        map.remove(&data);
    }
    Ok(())
}

async fn set_cluster(cx: &Context) -> Result<(), Error> {
    let name = one(cx)?;
    let mut file = File::open(cx)?;
    let cluster = file.inner("clusters", name);
    for key in ["server", "tls-server-name"] {
        if let Some(value) = cx.flags.given(key) {
            cluster[key] = value.trim_end_matches('/').into();
        }
    }
    set_file(cx, cluster, "certificate-authority")?;
    if cx.flags.changed("insecure-skip-tls-verify") {
        let on = cx.flags.on("insecure-skip-tls-verify");
        cluster["insecure-skip-tls-verify"] = on.into();
        if let (true, Some(map)) = (on, cluster.as_object_mut()) {
            map.remove("certificate-authority");
            map.remove("certificate-authority-data");
        }
    }
    file.save(cx)?;
    cx.println(format!("Cluster {name:?} set.")).await
}

async fn set_context(cx: &Context) -> Result<(), Error> {
    let mut file = File::open(cx)?;
    let current = cx.flags.on("current");
    let name = match (cx.flags.args.as_slice(), current) {
        ([], true) => {
            let name = file.value["current-context"].as_str().unwrap_or_default().to_owned();
            if name.is_empty() {
                return Err(Error::message("no current context is set"));
            }
            name
        }
        ([name], false) => name.clone(),
        (_, true) => return Err(Error::message("you cannot specify both a context name and --current")),
        ([], false) => return Err(Error::message("you must specify a non-empty context name or --current")),
        (args, false) => return Err(cx.usage_error(format!("Unexpected args: [{}]", args.join(" ")))),
    };
    let existed = file.entry("contexts", &name).is_some();
    let context = file.inner("contexts", &name);
    for key in ["cluster", "user", "namespace"] {
        if cx.flags.changed(key) {
            context[key] = cx.flags.text(key).into();
        }
    }
    file.save(cx)?;
    cx.println(format!("Context {name:?} {}.", if existed { "modified" } else { "created" })).await
}

async fn set_credentials(cx: &Context) -> Result<(), Error> {
    let name = one(cx)?;
    let mut file = File::open(cx)?;
    let user = file.inner("users", name);
    set_file(cx, user, "client-certificate")?;
    set_file(cx, user, "client-key")?;
    for key in ["token", "username", "password"] {
        if let Some(value) = cx.flags.given(key) {
            user[key] = value.into();
        }
    }
    file.save(cx)?;
    cx.println(format!("User {name:?} set.")).await
}
