//! `kubectl drain` (upstream's `pkg/drain`).

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::command::{Command, Completes};
use crate::commands::cordon;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, DryRun, builtin};
use crate::resources::args::{Info, SELECTOR};
use crate::resources::discovery::escape;

const FLAGS: &[Flag] = &[
    flag("force", Kind::Bool, "false", "Go on even if there are pods without a controller."),
    flag("ignore-daemonsets", Kind::Bool, "false", "Leave pods of daemon sets where they are."),
    flag("delete-emptydir-data", Kind::Bool, "false", "Go on even if there are pods with emptyDir volumes, whose data is lost."),
    flag("delete-local-data", Kind::Bool, "false", "Old name of --delete-emptydir-data."),
    flag("grace-period", Kind::Int, "-1", "Seconds that pods have to end; -1 is their own period."),
    flag("timeout", Kind::Duration, "0s", "How long to go on; 0 is for ever."),
    flag("disable-eviction", Kind::Bool, "false", "Delete pods, past disruption budgets."),
    flag("pod-selector", Kind::Text, "", "Only pods with these labels."),
    flag(
        "skip-wait-for-delete-timeout",
        Kind::Int,
        "0",
        "Do not wait for pods that have been terminating for longer than this many seconds.",
    ),
    flag("chunk-size", Kind::Int, "500", "Objects to ask for at once."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["drain"],
    aliases: &[],
    usage: "NODE",
    short: "Drain node in preparation for maintenance",
    long: "Cordon a node and evict its pods, respecting disruption budgets.",
    examples: "kubectl drain worker-1 --ignore-daemonsets\nkubectl drain worker-1 --ignore-daemonsets --delete-emptydir-data --force",
    flags: &[FLAGS, SELECTOR, DRY_RUN],
    completes: Completes::NamesOf("nodes"),
    run: Some(|cx| Box::pin(run(cx))),
};

/// Pause before an eviction that a budget forbade is tried again.
const RETRY: Duration = Duration::from_secs(5);

async fn run(cx: &Context) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    let (nodes, errors) = cordon::nodes(cx).await?;
    if let Some(error) = Error::collect(errors) {
        return Err(error);
    }
    for node in &nodes {
        cordon::set(cx, node, true, dry_run).await?;
    }
    let (mut failed, mut pending) = (Vec::new(), Vec::new());
    for node in &nodes {
        match drain(cx, node, dry_run).await {
            Ok(()) => cx.println(format!("{} drained{}", node.display(), dry_run.suffix())).await?,
            Err(error @ Error::Output(_)) => return Err(error),
            Err(error) => {
                cx.eprintln(format!("error: unable to drain node {:?} due to error: {error}, continuing command...", node.name)).await?;
                failed.push(error);
                pending.push(node.name.clone());
            }
        }
    }
    if !pending.is_empty() {
        cx.eprintln(format!("There are pending nodes to be drained:\n {}", pending.join("\n "))).await?;
    }
    // An aggregate even of one: printed without a prefix.
    if failed.is_empty() { Ok(()) } else { Err(Error::Many(failed)) }
}

/// What is to become of a pod.
#[derive(Debug, PartialEq)]
enum Verdict {
    Evict(Option<String>),
    Leave(Option<String>),
    Refuse(String),
}

const DAEMON_SET: &str = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
const LOCAL: &str = "Pods with local storage (use --delete-emptydir-data to override)";
/// Upstream says "cannot delete" twice here.
const UNMANAGED: &str = "cannot delete Pods that declare no controller (use --force to override)";

struct Rules {
    force: bool,
    ignore_daemon_sets: bool,
    delete_empty_dir: bool,
}

/// Judges a pod; `daemon_set_gone` tells that its DaemonSet no longer exists.
fn judge(pod: &Value, rules: &Rules, daemon_set_gone: Option<&str>) -> Verdict {
    let finished = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let controller = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten().find(|o| o["controller"] == true);
    let of_daemon_set = controller.is_some_and(|c| c["kind"] == "DaemonSet" && c["apiVersion"] == "apps/v1");
    let mut warning = None;
    if of_daemon_set && !finished {
        match daemon_set_gone {
            Some(text) if rules.force => warning = Some(text.to_owned()),
            Some(text) => return Verdict::Refuse(text.to_owned()),
            None if rules.ignore_daemon_sets => return Verdict::Leave(Some("ignoring DaemonSet-managed Pods".to_owned())),
            None => return Verdict::Refuse(DAEMON_SET.to_owned()),
        }
    }
    if pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
        return Verdict::Leave(None);
    }
    if finished {
        return Verdict::Evict(None);
    }
    let local = pod["spec"]["volumes"].as_array().into_iter().flatten().any(|v| v["emptyDir"].is_object());
    if local {
        if !rules.delete_empty_dir {
            return Verdict::Refuse(LOCAL.to_owned());
        }
        warning = Some("deleting Pods with local storage".to_owned());
    }
    // The last filter's word counts, so a warning about storage is dropped for pods with a controller, as upstream does.
    match controller {
        Some(_) => Verdict::Evict(warning.filter(|w| !w.starts_with("deleting Pods with local"))),
        None if rules.force => Verdict::Evict(Some("deleting Pods that declare no controller".to_owned())),
        None => Verdict::Refuse(UNMANAGED.to_owned()),
    }
}

async fn drain(cx: &Context, node: &Info, dry_run: DryRun) -> Result<(), Error> {
    let pods = pods_to_evict(cx, &node.name).await?;
    if dry_run == DryRun::Client {
        for pod in pods {
            cx.println(format!("evicting pod {} (dry run)", full_name(&pod))).await?;
        }
        return Ok(());
    }
    let timeout = cx.flags.duration("timeout");
    let deadline = (!timeout.is_zero()).then(|| (Instant::now() + timeout, timeout));
    let results = join_all(pods.iter().map(|pod| remove(cx, pod, dry_run, deadline))).await;
    let errors: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
    let Some(error) = Error::collect(errors) else { return Ok(()) };
    let left = pods_to_evict(cx, &node.name).await.unwrap_or_default();
    if !left.is_empty() {
        cx.eprintln(format!("There are pending pods in node {:?} when an error occurred: {error}", node.name)).await?;
        for pod in left {
            cx.eprintln(format!("pod/{}", ids(&pod).1)).await?;
        }
    }
    Err(error)
}

fn ids(pod: &Value) -> (String, String) {
    let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

fn full_name(pod: &Value) -> String {
    let (namespace, name) = ids(pod);
    format!("{namespace}/{name}")
}

async fn pods_to_evict(cx: &Context, node: &str) -> Result<Vec<Value>, Error> {
    let mut path = format!("/api/v1/pods?fieldSelector={}", escape(&format!("spec.nodeName={node}")));
    if let Some(selector) = cx.flags.given("pod-selector") {
        path.push_str(&format!("&labelSelector={}", escape(selector)));
    }
    let list = cx.get(&path).await?;
    let rules = Rules {
        force: cx.flags.on("force"),
        ignore_daemon_sets: cx.flags.on("ignore-daemonsets"),
        delete_empty_dir: cx.flags.on("delete-emptydir-data") || cx.flags.on("delete-local-data"),
    };
    let daemon_sets = builtin("apps", "v1", "daemonsets", "DaemonSet", true);
    let (mut evict, mut warnings, mut refused) =
        (Vec::new(), BTreeMap::<String, Vec<String>>::new(), BTreeMap::<String, Vec<String>>::new());
    for pod in list["items"].as_array().into_iter().flatten() {
        let owner = pod["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|o| o["controller"] == true && o["kind"] == "DaemonSet");
        let mut gone = None;
        if let Some(owner) = owner {
            let path = daemon_sets.object(Some(&ids(pod).0), owner["name"].as_str().unwrap_or_default());
            gone = cx.get(&path).await.err().filter(Error::is_not_found).map(|e| e.to_string());
        }
        match judge(pod, &rules, gone.as_deref()) {
            Verdict::Evict(warning) => {
                if let Some(warning) = warning {
                    warnings.entry(warning).or_default().push(full_name(pod));
                }
                evict.push(pod.clone());
            }
            Verdict::Leave(Some(warning)) => warnings.entry(warning).or_default().push(full_name(pod)),
            Verdict::Leave(None) => {}
            Verdict::Refuse(why) => refused.entry(why).or_default().push(full_name(pod)),
        }
    }
    if !refused.is_empty() {
        let texts = refused.into_iter().map(|(why, pods)| Error::message(format!("cannot delete {why}: {}", pods.join(", "))));
        return Err(Error::collect(texts.collect()).unwrap_or(Error::Exit(1)));
    }
    if !warnings.is_empty() {
        let texts: Vec<String> = warnings.into_iter().map(|(text, pods)| format!("{text}: {}", pods.join(", "))).collect();
        cx.warn(&texts.join("; ")).await?;
    }
    Ok(evict)
}

/// When the time for all is up, and how long that was.
type Deadline = Option<(Instant, Duration)>;

/// `global timeout reached: 3s`, when it was; looked at between tries, as upstream does.
fn late(deadline: Deadline) -> Option<String> {
    let (_, timeout) = deadline.filter(|(end, _)| Instant::now() >= *end)?;
    Some(format!("global timeout reached: {}", values::duration::format_go(timeout)))
}

/// Evicts (or deletes) one pod and waits until it is gone.
async fn remove(cx: &Context, pod: &Value, dry_run: DryRun, deadline: Deadline) -> Result<(), Error> {
    let (namespace, name) = ids(pod);
    let path = builtin("", "v1", "pods", "Pod", true).object(Some(&namespace), &name);
    let mut options = json!({});
    if cx.flags.int("grace-period") >= 0 {
        options["gracePeriodSeconds"] = cx.flags.int("grace-period").into();
    }
    if dry_run == DryRun::Server {
        options["dryRun"] = json!(["All"]);
    }
    let evict = !cx.flags.on("disable-eviction");
    if evict {
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}, "deleteOptions": options,
        });
        loop {
            cx.println(format!("evicting pod {namespace}/{name}{}", if dry_run == DryRun::Server { " (server dry run)" } else { "" }))
                .await?;
            if let Some(late) = late(deadline) {
                return Err(Error::message(format!("error when evicting pods/{name:?} -n {namespace:?}: {late}")));
            }
            match cx.post(&format!("{path}/eviction"), &eviction).await {
                Ok(_) => break,
                Err(e) if e.is_not_found() => return Ok(()),
                Err(e) if e.reason() == "TooManyRequests" => {
                    cx.eprintln(format!("error when evicting pods/{name:?} -n {namespace:?} (will retry after 5s): {e}")).await?;
                    tokio::time::sleep(RETRY).await;
                }
                Err(e) => return Err(Error::message(format!("error when evicting pods/{name:?} -n {namespace:?}: {e}"))),
            }
        }
    } else {
        match cx.delete(&path, &options).await {
            Err(e) if !e.is_not_found() => return Err(e),
            _ => {}
        }
    }
    if dry_run == DryRun::Server {
        return Ok(());
    }
    let skip_after = cx.flags.int("skip-wait-for-delete-timeout");
    loop {
        match cx.get(&path).await {
            Err(e) if e.is_not_found() => break,
            Err(e) => {
                return Err(Error::message(format!("error when waiting for pod {name:?} in namespace {namespace:?} to terminate: {e}")));
            }
            Ok(now) if now["metadata"]["uid"] != pod["metadata"]["uid"] => break,
            Ok(now) => {
                let since = now["metadata"]["deletionTimestamp"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
                if skip_after > 0 && since.is_some_and(|t| cx.now().duration_since(t).as_secs() > skip_after) {
                    return cx.println(format!("Skip waiting for pod {name} in namespace {namespace} to terminate")).await;
                }
            }
        }
        if let Some(late) = late(deadline) {
            return Err(Error::message(format!("error when waiting for pod {name:?} in namespace {namespace:?} to terminate: {late}")));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    cx.println(format!("pod/{name} {}", if evict { "evicted" } else { "deleted" })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let rules = |force, ignore_daemon_sets, delete_empty_dir| Rules { force, ignore_daemon_sets, delete_empty_dir };
        let owned = |kind: &str| json!({"metadata": {"ownerReferences": [{"controller": true, "kind": kind, "apiVersion": "apps/v1"}]}, "spec": {}});
        let local =
            json!({"metadata": {"ownerReferences": [{"controller": true, "kind": "ReplicaSet"}]}, "spec": {"volumes": [{"emptyDir": {}}]}});
        let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
        for (pod, rules, want) in [
            (owned("ReplicaSet"), rules(false, false, false), Verdict::Evict(None)),
            (owned("DaemonSet"), rules(false, false, false), Verdict::Refuse(DAEMON_SET.into())),
            (owned("DaemonSet"), rules(false, true, false), Verdict::Leave(Some("ignoring DaemonSet-managed Pods".into()))),
            (json!({"metadata": {}}), rules(false, true, true), Verdict::Refuse(UNMANAGED.into())),
            (json!({"metadata": {}}), rules(true, false, false), Verdict::Evict(Some("deleting Pods that declare no controller".into()))),
            (json!({"metadata": {}, "status": {"phase": "Succeeded"}}), rules(false, false, false), Verdict::Evict(None)),
            (local.clone(), rules(false, false, false), Verdict::Refuse(LOCAL.into())),
            (local, rules(false, false, true), Verdict::Evict(None)),
            (mirror, rules(false, false, false), Verdict::Leave(None)),
        ] {
            assert_eq!(judge(&pod, &rules, None), want, "{pod}");
        }
    }
}
