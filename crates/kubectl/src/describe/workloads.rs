//! Deployments, replica sets, daemon sets, stateful sets.

use serde_json::Value;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::{conditions, controller, head, inline_labels, marks, plain, quantity, selector, strings, text};
use crate::describe::template;
use crate::describe::time::rfc1123;
use crate::error::Error;
use crate::resources::args::Info;
use crate::resources::discovery::escape;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// The objects of a collection that the workload controls; `root` is the group's path.
async fn owned(cx: &Context, info: &Info, root: &str, name: &str) -> Result<Vec<Value>, Error> {
    let namespace = info.namespace.as_deref().unwrap_or_default();
    let labels = escape(&selector(&info.object["spec"]["selector"]));
    let list = cx.get(&format!("{root}/namespaces/{namespace}/{name}?labelSelector={labels}")).await?;
    let uid = &info.object["metadata"]["uid"];
    let is_own =
        |o: &&Value| o["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|r| r["controller"] == true && &r["uid"] == uid);
    Ok(list["items"].as_array().into_iter().flatten().filter(is_own).cloned().collect())
}

/// Adds a deployment.
pub async fn deployment(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (d, spec, status) = (&info.object, &info.object["spec"], &info.object["status"]);
    head(doc, d);
    doc.field(0, "CreationTimestamp", rfc1123(&d["metadata"]["creationTimestamp"]));
    marks(doc, d);
    doc.field(0, "Selector", selector(&spec["selector"]));
    doc.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            number(&spec["replicas"]),
            number(&status["updatedReplicas"]),
            number(&status["replicas"]),
            number(&status["availableReplicas"]),
            number(&status["unavailableReplicas"])
        ),
    );
    doc.field(0, "StrategyType", text(&spec["strategy"]["type"]));
    doc.field(0, "MinReadySeconds", number(&spec["minReadySeconds"]).to_string());
    let rolling = &spec["strategy"]["rollingUpdate"];
    if rolling.is_object() {
        doc.field(
            0,
            "RollingUpdateStrategy",
            format!("{} max unavailable, {} max surge", plain(&rolling["maxUnavailable"]), plain(&rolling["maxSurge"])),
        );
    }
    template::add(doc, &spec["template"]);
    conditions(doc, d);
    if let Ok(mut sets) = owned(cx, info, "/apis/apps/v1", "replicasets").await
        && !sets.is_empty()
    {
        sets.sort_by_key(|s| text(&s["metadata"]["creationTimestamp"]).to_owned());
        let (new, old): (Vec<Value>, Vec<Value>) = sets.into_iter().partition(|s| same_template(&s["spec"]["template"], &spec["template"]));
        // Of several that match, the oldest is the deployment's own; old ones are named while they have pods to tell of.
        doc.field(0, "OldReplicaSets", replica_sets(&old));
        doc.field(0, "NewReplicaSet", replica_sets(new.get(..1).unwrap_or_default()));
    }
    Ok(())
}

/// Whether two pod templates are the same but for the hash that the controller adds.
fn same_template(a: &Value, b: &Value) -> bool {
    let strip = |t: &Value| {
        let mut t = t.clone();
        if let Some(labels) = t["metadata"]["labels"].as_object_mut() {
            labels.remove("pod-template-hash");
        }
        if let Some(metadata) = t["metadata"].as_object_mut() {
            metadata.remove("creationTimestamp");
        }
        t
    };
    strip(a) == strip(b)
}

fn replica_sets(sets: &[Value]) -> String {
    let texts: Vec<String> = sets
        .iter()
        .map(|s| {
            format!(
                "{} ({}/{} replicas created)",
                text(&s["metadata"]["name"]),
                number(&s["status"]["replicas"]),
                number(&s["spec"]["replicas"])
            )
        })
        .collect();
    if texts.is_empty() { "<none>".to_owned() } else { texts.join(", ") }
}

async fn pods_status(cx: &Context, info: &Info) -> String {
    match owned(cx, info, "/api/v1", "pods").await {
        Ok(pods) => {
            let count = |phase: &str| pods.iter().filter(|p| p["status"]["phase"] == phase).count();
            format!(
                "{} Running / {} Waiting / {} Succeeded / {} Failed",
                count("Running"),
                count("Pending"),
                count("Succeeded"),
                count("Failed")
            )
        }
        Err(e) => format!("error in fetching pods: {e}"),
    }
}

/// Adds a replica set.
pub async fn replica_set(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let rs = &info.object;
    head(doc, rs);
    doc.field(0, "Selector", selector(&rs["spec"]["selector"]));
    marks(doc, rs);
    if let Some(owner) = controller(rs) {
        doc.field(0, "Controlled By", owner);
    }
    doc.field(0, "Replicas", format!("{} current / {} desired", number(&rs["status"]["replicas"]), number(&rs["spec"]["replicas"])));
    doc.field(0, "Pods Status", pods_status(cx, info).await);
    template::add(doc, &rs["spec"]["template"]);
    conditions(doc, rs);
    Ok(())
}

/// Adds a daemon set.
pub async fn daemon_set(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (ds, status) = (&info.object, &info.object["status"]);
    head(doc, ds);
    doc.field(0, "Selector", selector(&ds["spec"]["selector"]));
    doc.field(0, "Node-Selector", inline_labels(&ds["spec"]["template"]["spec"]["nodeSelector"]));
    marks(doc, ds);
    for (title, key) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        doc.line(0, format!("{title}: {}", number(&status[key])));
    }
    doc.field(0, "Pods Status", pods_status(cx, info).await);
    template::add(doc, &ds["spec"]["template"]);
    Ok(())
}

/// Adds a stateful set.
pub async fn stateful_set(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (set, spec) = (&info.object, &info.object["spec"]);
    head(doc, set);
    doc.field(0, "CreationTimestamp", rfc1123(&set["metadata"]["creationTimestamp"]));
    doc.field(0, "Selector", selector(&spec["selector"]));
    marks(doc, set);
    doc.field(0, "Replicas", format!("{} desired | {} total", number(&spec["replicas"]), number(&set["status"]["replicas"])));
    doc.field(0, "Update Strategy", text(&spec["updateStrategy"]["type"]));
    if let Some(partition) = spec["updateStrategy"]["rollingUpdate"]["partition"].as_i64() {
        doc.field(1, "Partition", partition.to_string());
    }
    doc.field(0, "Pods Status", pods_status(cx, info).await);
    template::add(doc, &spec["template"]);
    match spec["volumeClaimTemplates"].as_array().filter(|l| !l.is_empty()) {
        None => doc.field(0, "Volume Claims", "<none>"),
        Some(claims) => {
            doc.line(0, "Volume Claims:");
            for claim in claims {
                doc.field(1, "Name", text(&claim["metadata"]["name"]));
                doc.field(1, "StorageClass", text(&claim["spec"]["storageClassName"]));
                crate::describe::metadata::labels(doc, "  Labels", &claim["metadata"]["labels"]);
                crate::describe::metadata::annotations(doc, "  Annotations", &claim["metadata"]["annotations"]);
                let request = &claim["spec"]["resources"]["requests"]["storage"];
                doc.field(1, "Capacity", if request.is_null() { "<default>".to_owned() } else { quantity(request) });
                doc.field(1, "Access Modes", format!("[{}]", strings(&claim["spec"]["accessModes"]).join(" ")));
            }
        }
    }
    Ok(())
}
