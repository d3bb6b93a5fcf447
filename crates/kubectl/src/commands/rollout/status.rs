//! `kubectl rollout status` (upstream's `polymorphichelpers/rollout_status.go`).

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::commands::wait::watch_path;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::resources::args::{Info, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    short("watch", 'w', Kind::Bool, "true", "Wait until the rollout is done."),
    flag("revision", Kind::Int, "0", "Only the rollout of this revision."),
    flag("timeout", Kind::Duration, "0s", "How long to wait; 0 is for ever."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["rollout", "status"],
    aliases: &[],
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    short: "Show the status of the rollout",
    long: "",
    examples: "kubectl rollout status deployment/web --timeout=60s",
    flags: &[FLAGS, FILENAME, SELECTOR],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    if cx.flags.args.is_empty() && !crate::resources::manifest::named(cx) && cx.flags.given("selector").is_none() {
        return Err(Error::message("required resource not specified"));
    }
    let (infos, errors) = Selection::of(cx).fetch(cx).await?;
    if let Some(error) = Error::collect(errors) {
        return Err(error);
    }
    if infos.is_empty() {
        return Err(Error::message(format!("no resources found in {} namespace", cx.namespace()?)));
    }
    for info in infos {
        let timeout = cx.flags.duration("timeout");
        let following = follow(cx, &info);
        if timeout.is_zero() {
            following.await?;
        } else {
            match tokio::time::timeout(timeout, following).await {
                Ok(result) => result?,
                Err(_) => return Err(Error::message("timed out waiting for the condition")),
            }
        }
    }
    Ok(())
}

async fn follow(cx: &Context, info: &Info) -> Result<(), Error> {
    let revision = cx.flags.int("revision");
    let mut object = info.object.clone();
    loop {
        let (text, done) = judge(&info.resource.kind, &object, revision)?;
        cx.print(&text).await?;
        if done || !cx.flags.on("watch") {
            return Ok(());
        }
        let mut events = cx.watch(&watch_path(info, &object), "application/json").await?;
        while let Some(event) = events.next().await? {
            if event["type"] == "DELETED" {
                return Err(Error::message("object has been deleted"));
            }
            object = event["object"].clone();
            let (text, done) = judge(&info.resource.kind, &object, revision)?;
            cx.print(&text).await?;
            if done {
                return Ok(());
            }
        }
        object = cx.get(&info.path()).await?;
    }
}

/// What is to be said of a rollout, and whether it is done.
fn judge(kind: &str, object: &Value, revision: i64) -> Result<(String, bool), Error> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let status = |key: &str| object["status"][key].as_i64().unwrap_or(0);
    let spec = |key: &str| object["spec"][key].as_i64();
    let observed = object["metadata"]["generation"].as_i64().unwrap_or(0) <= status("observedGeneration");
    match kind {
        "Deployment" => {
            if revision > 0 {
                let present = object["metadata"]["annotations"][super::REVISION].as_str().and_then(|r| r.parse::<i64>().ok()).unwrap_or(0);
                if present != revision {
                    return Err(Error::message(format!(
                        "desired revision ({revision}) is different from the running revision ({present})"
                    )));
                }
            }
            if !observed {
                return Ok(("Waiting for deployment spec update to be observed...\n".to_owned(), false));
            }
            let progressing = object["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Progressing");
            if progressing.is_some_and(|c| c["reason"] == "ProgressDeadlineExceeded") {
                return Err(Error::message(format!("deployment {name:?} exceeded its progress deadline")));
            }
            let (updated, all, available) = (status("updatedReplicas"), status("replicas"), status("availableReplicas"));
            if let Some(wanted) = spec("replicas").filter(|wanted| updated < *wanted) {
                return Ok((
                    format!(
                        "Waiting for deployment {name:?} rollout to finish: {updated} out of {wanted} new replicas have been updated...\n"
                    ),
                    false,
                ));
            }
            if all > updated {
                let old = all - updated;
                return Ok((
                    format!("Waiting for deployment {name:?} rollout to finish: {old} old replicas are pending termination...\n"),
                    false,
                ));
            }
            if available < updated {
                return Ok((
                    format!(
                        "Waiting for deployment {name:?} rollout to finish: {available} of {updated} updated replicas are available...\n"
                    ),
                    false,
                ));
            }
            Ok((format!("deployment {name:?} successfully rolled out\n"), true))
        }
        "DaemonSet" => {
            if object["spec"]["updateStrategy"]["type"] != "RollingUpdate" {
                return Err(Error::message("rollout status is only available for RollingUpdate strategy type"));
            }
            if !observed {
                return Ok(("Waiting for daemon set spec update to be observed...\n".to_owned(), false));
            }
            let (updated, wanted, available) =
                (status("updatedNumberScheduled"), status("desiredNumberScheduled"), status("numberAvailable"));
            if updated < wanted {
                return Ok((
                    format!("Waiting for daemon set {name:?} rollout to finish: {updated} out of {wanted} new pods have been updated...\n"),
                    false,
                ));
            }
            if available < wanted {
                return Ok((
                    format!("Waiting for daemon set {name:?} rollout to finish: {available} of {wanted} updated pods are available...\n"),
                    false,
                ));
            }
            Ok((format!("daemon set {name:?} successfully rolled out\n"), true))
        }
        "StatefulSet" => {
            if object["spec"]["updateStrategy"]["type"] != "RollingUpdate" {
                return Err(Error::message("rollout status is only available for RollingUpdate strategy type"));
            }
            if status("observedGeneration") == 0 || !observed {
                return Ok(("Waiting for statefulset spec update to be observed...\n".to_owned(), false));
            }
            if let Some(wanted) = spec("replicas").filter(|wanted| status("readyReplicas") < *wanted) {
                return Ok((format!("Waiting for {} pods to be ready...\n", wanted - status("readyReplicas")), false));
            }
            // The server fills `rollingUpdate` in, so that this is what is said of almost every stateful set.
            let rolling = &object["spec"]["updateStrategy"]["rollingUpdate"];
            if rolling.is_object() {
                let due = spec("replicas").unwrap_or(0) - rolling["partition"].as_i64().unwrap_or(0);
                if !rolling["partition"].is_null() && status("updatedReplicas") < due {
                    return Ok((
                        format!(
                            "Waiting for partitioned roll out to finish: {} out of {due} new pods have been updated...\n",
                            status("updatedReplicas")
                        ),
                        false,
                    ));
                }
                return Ok((format!("partitioned roll out complete: {} new pods have been updated...\n", status("updatedReplicas")), true));
            }
            if object["status"]["updateRevision"] != object["status"]["currentRevision"] {
                return Ok((
                    format!(
                        "waiting for statefulset rolling update to complete {} pods at revision {}...\n",
                        status("updatedReplicas"),
                        object["status"]["updateRevision"].as_str().unwrap_or_default()
                    ),
                    false,
                ));
            }
            Ok((
                format!(
                    "statefulset rolling update complete {} pods at revision {}...\n",
                    status("currentReplicas"),
                    object["status"]["currentRevision"].as_str().unwrap_or_default()
                ),
                true,
            ))
        }
        other => Err(Error::message(format!("no status viewer has been implemented for {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use serde_json::json;

    #[test]
    fn deployments() {
        let deployment = |generation: i64, status: serde_json::Value| json!({"metadata": {"name": "web", "generation": generation}, "spec": {"replicas": 3}, "status": status});
        for (object, want, done) in [
            (deployment(2, json!({"observedGeneration": 1})), "Waiting for deployment spec update to be observed...\n", false),
            (
                deployment(2, json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 4})),
                "Waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been updated...\n",
                false,
            ),
            (
                deployment(2, json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 4})),
                "Waiting for deployment \"web\" rollout to finish: 1 old replicas are pending termination...\n",
                false,
            ),
            (
                deployment(2, json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2})),
                "Waiting for deployment \"web\" rollout to finish: 2 of 3 updated replicas are available...\n",
                false,
            ),
            (
                deployment(2, json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3})),
                "deployment \"web\" successfully rolled out\n",
                true,
            ),
        ] {
            assert_eq!(judge("Deployment", &object, 0).unwrap(), (want.to_owned(), done));
        }
    }
}
