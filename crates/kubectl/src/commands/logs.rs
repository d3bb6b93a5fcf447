//! `kubectl logs`.

use futures::future::try_join_all;
use tokio::io::AsyncWriteExt;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::pods;
use crate::resources::args::{Info, SELECTOR, list};
use crate::resources::discovery::escape;

const FLAGS: &[Flag] = &[
    short("follow", 'f', Kind::Bool, "false", "Go on printing what is added."),
    short("previous", 'p', Kind::Bool, "false", "The log of the container's previous run."),
    short("container", 'c', Kind::Text, "", "The container."),
    flag("all-containers", Kind::Bool, "false", "All containers of the pod."),
    flag("all-pods", Kind::Bool, "false", "All pods of the workload, with prefixes."),
    flag("tail", Kind::Int, "-1", "Only so many lines from the end; with a selector 10 unless given."),
    flag("since", Kind::Duration, "0s", "Only what is newer than this."),
    flag("since-time", Kind::Text, "", "Only what is newer than this moment (RFC 3339)."),
    flag("timestamps", Kind::Bool, "false", "Each line with its time."),
    flag("limit-bytes", Kind::Int, "0", "At most so many bytes."),
    flag("prefix", Kind::Bool, "false", "Each line with its pod and container."),
    flag("ignore-errors", Kind::Bool, "false", "Go on after errors."),
    flag("max-log-requests", Kind::Int, "5", "At most so many logs at once with a selector."),
    flag("pod-running-timeout", Kind::Duration, "20s", "How long to wait for a running pod."),
    flag("insecure-skip-tls-verify-backend", Kind::Bool, "false", "Accept any certificate of the kubelet."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["logs"],
    aliases: &[],
    usage: "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    short: "Print the logs for a container in a pod",
    long: "Print what a container wrote to its standard output and error.",
    examples: "kubectl logs web\nkubectl logs -f deployment/web -c nginx\nkubectl logs web --previous --tail=20\nkubectl logs -l app=web --all-containers --prefix",
    flags: &[FLAGS, SELECTOR],
    completes: Completes::Pods,
    run: Some(|cx| Box::pin(run(cx))),
};

struct Source {
    pod: Info,
    container: String,
}

async fn run(cx: &Context) -> Result<(), Error> {
    let args = &cx.flags.args;
    let selector = cx.flags.given("selector");
    let usage = || {
        cx.usage_error(
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        )
    };
    if selector.is_some() && !args.is_empty() {
        return Err(cx.usage_error("only a selector (-l) or a POD name is allowed"));
    }
    let positional = match (args.as_slice(), selector) {
        ([], None) => return Err(usage()),
        ([one], _) => (Some(one.clone()), None),
        ([pod, container], _) if !cx.flags.changed("container") => (Some(pod.clone()), Some(container.clone())),
        ([], Some(_)) => (None, None),
        _ => return Err(usage()),
    };
    if cx.flags.on("all-containers") && cx.flags.given("container").is_some() {
        return Err(Error::message("--all-containers=true should not be specified with container name"));
    }
    if cx.flags.given("since-time").is_some() && !cx.flags.duration("since").is_zero() {
        return Err(Error::message("at most one of `sinceTime` or `sinceSeconds` may be specified"));
    }
    if cx.flags.changed("tail") && cx.flags.int("tail") < -1 {
        return Err(Error::message("--tail must be greater than or equal to -1"));
    }
    let mut prefix = cx.flags.on("prefix");
    let pods = match (&positional.0, selector) {
        (_, Some(selector)) => {
            let pods = cx.discovery().await?.find("pods")?;
            list(cx, &pods, Some(&cx.namespace()?), &format!("?labelSelector={}", escape(selector))).await?
        }
        (Some(word), None) if cx.flags.on("all-pods") && word.contains('/') => {
            prefix = true;
            let (kind, name) = word.split_once('/').unwrap_or_default();
            let resource = cx.discovery().await?.find(kind)?;
            let namespace = cx.namespace()?;
            let object = cx.get(&resource.object(Some(&namespace), name)).await?;
            pods::of(cx, &Info { resource, namespace: Some(namespace), name: name.to_owned(), object, source: None }).await?
        }
        (Some(word), None) => {
            let namespace = cx.namespace()?;
            vec![pods::find(cx, word).await.map_err(|e| match e {
                e if e.is_not_found() => Error::message(format!("error from server (NotFound): {e} in namespace {namespace:?}")),
                e => e,
            })?]
        }
        (None, None) => return Err(usage()),
    };
    if pods.is_empty() {
        return cx.eprintln(format!("No resources found in {} namespace.", cx.namespace()?)).await;
    }
    let mut sources = Vec::new();
    for pod in pods {
        if cx.flags.on("all-containers") {
            // Logs come in the order init, ordinary, ephemeral.
            let mut all = pods::containers(&pod.object);
            all.sort_by_key(|(_, sort)| match *sort {
                "init" => 0,
                "" => 1,
                _ => 2,
            });
            sources.extend(all.into_iter().map(|(container, _)| Source { pod: pod.clone(), container }));
        } else {
            let container = match &positional.1 {
                Some(name) => name.clone(),
                None => pods::container(cx, &pod, false).await?,
            };
            sources.push(Source { pod, container });
        }
    }
    if cx.flags.on("follow") && sources.len() > 1 {
        let limit = cx.flags.int("max-log-requests");
        if i64::try_from(sources.len()).unwrap_or(i64::MAX) > limit {
            return Err(Error::message(format!(
                "you are attempting to follow {} log streams, but maximum allowed concurrency is {limit}, use --max-log-requests to increase the limit",
                sources.len()
            )));
        }
        return try_join_all(sources.iter().map(|s| copy(cx, s, prefix))).await.map(|_| ());
    }
    for source in &sources {
        match copy(cx, source, prefix).await {
            Err(e) if cx.flags.on("ignore-errors") => cx.eprintln(e.report().0).await?,
            other => other?,
        }
    }
    Ok(())
}

fn query(cx: &Context, container: &str) -> String {
    let mut parts = vec![format!("container={}", escape(container))];
    for (flag, name) in [
        ("follow", "follow"),
        ("previous", "previous"),
        ("timestamps", "timestamps"),
        ("insecure-skip-tls-verify-backend", "insecureSkipTLSVerifyBackend"),
    ] {
        if cx.flags.on(flag) {
            parts.push(format!("{name}=true"));
        }
    }
    let tail = if cx.flags.given("selector").is_some() && !cx.flags.changed("tail") { 10 } else { cx.flags.int("tail") };
    if tail >= 0 {
        parts.push(format!("tailLines={tail}"));
    }
    let since = cx.flags.duration("since");
    if !since.is_zero() {
        // Rounded up, as upstream does.
        let seconds = since.as_secs() + u64::from(since.subsec_nanos() > 0);
        parts.push(format!("sinceSeconds={seconds}"));
    }
    if let Some(moment) = cx.flags.given("since-time") {
        parts.push(format!("sinceTime={}", escape(moment)));
    }
    if cx.flags.int("limit-bytes") > 0 {
        parts.push(format!("limitBytes={}", cx.flags.int("limit-bytes")));
    }
    format!("?{}", parts.join("&"))
}

async fn copy(cx: &Context, source: &Source, prefix: bool) -> Result<(), Error> {
    let path = format!("{}/log{}", source.pod.path(), query(cx, &source.container));
    let mut chunks = cx.stream(&path, "application/json, */*").await?;
    let head = format!("[pod/{}/{}] ", source.pod.name, source.container);
    let mut line_starts = true;
    while let Some(data) = chunks.next().await? {
        let mut out = cx.stdout.lock().await;
        if prefix {
            for piece in data.split_inclusive(|&b| b == b'\n') {
                if line_starts {
                    out.write_all(head.as_bytes()).await?;
                }
                out.write_all(piece).await?;
                line_starts = piece.ends_with(b"\n");
            }
        } else {
            out.write_all(&data).await?;
        }
        out.flush().await?;
    }
    Ok(())
}
