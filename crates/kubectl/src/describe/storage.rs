//! Persistent volumes, claims, storage classes.

use jiff::Timestamp;
use serde_json::Value;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::{go_slice, head, inline_labels, marks, quantity, strings, text, timed_conditions, title_bool};
use crate::describe::time::since;
use crate::describe::volumes;
use crate::error::Error;
use crate::resources::args::Info;

/// `RWO,ROX`.
fn modes(value: &Value) -> String {
    let short = strings(value).into_iter().map(|m| match m.as_str() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    });
    short.collect::<Vec<_>>().join(",")
}

/// Adds a persistent volume.
pub fn volume(doc: &mut Document, volume: &Value, now: Timestamp) {
    let (metadata, spec) = (&volume["metadata"], &volume["spec"]);
    doc.field(0, "Name", text(&metadata["name"]));
    marks(doc, volume);
    doc.field(0, "Finalizers", go_slice(&metadata["finalizers"]));
    doc.field(0, "StorageClass", text(&spec["storageClassName"]));
    match metadata["deletionTimestamp"].is_string() {
        true => doc.field(0, "Status", format!("Terminating (lasts {})", since(&metadata["deletionTimestamp"], now))),
        false => doc.field(0, "Status", text(&volume["status"]["phase"])),
    }
    let claim = &spec["claimRef"];
    doc.field(
        0,
        "Claim",
        if claim.is_object() { format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])) } else { String::new() },
    );
    doc.field(0, "Reclaim Policy", text(&spec["persistentVolumeReclaimPolicy"]));
    doc.field(0, "Access Modes", modes(&spec["accessModes"]));
    if spec["volumeMode"].is_string() {
        doc.field(0, "VolumeMode", text(&spec["volumeMode"]));
    }
    doc.field(0, "Capacity", quantity(&spec["capacity"]["storage"]));
    affinity(doc, &spec["nodeAffinity"]);
    doc.field(0, "Message", text(&volume["status"]["message"]));
    doc.line(0, "Source:");
    volumes::source(doc, spec);
}

fn affinity(doc: &mut Document, affinity: &Value) {
    if !affinity.is_object() {
        doc.field(0, "Node Affinity", "<none>");
        return;
    }
    doc.line(0, "Node Affinity:\t");
    let terms = affinity["required"]["nodeSelectorTerms"].as_array().map(Vec::as_slice).unwrap_or_default();
    if terms.is_empty() {
        doc.line(1, "Required Terms:\t<none>");
        return;
    }
    doc.line(1, "Required Terms:\t");
    for (i, term) in terms.iter().enumerate() {
        let expressions: Vec<String> = term["matchExpressions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|e| {
                let (key, operator) = (text(&e["key"]), text(&e["operator"]).to_lowercase());
                let list = strings(&e["values"]);
                if list.is_empty() { format!("{key} {operator}") } else { format!("{key} {operator} [{}]", list.join(", ")) }
            })
            .collect();
        let first = expressions.first().map_or("<none>", String::as_str);
        doc.line(2, format!("Term {i}:\t{first}"));
        for more in expressions.iter().skip(1) {
            doc.line(2, format!("\t{more}"));
        }
    }
}

/// Adds a claim and the pods that use it.
pub async fn claim(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (claim, spec) = (&info.object, &info.object["spec"]);
    head(doc, claim);
    doc.field(0, "StorageClass", text(&spec["storageClassName"]));
    match claim["metadata"]["deletionTimestamp"].is_string() {
        true => doc.field(0, "Status", format!("Terminating (lasts {})", since(&claim["metadata"]["deletionTimestamp"], cx.now()))),
        false => doc.field(0, "Status", text(&claim["status"]["phase"])),
    }
    doc.field(0, "Volume", text(&spec["volumeName"]));
    marks(doc, claim);
    doc.field(0, "Finalizers", go_slice(&claim["metadata"]["finalizers"]));
    let bound = !text(&spec["volumeName"]).is_empty();
    doc.field(0, "Capacity", if bound { quantity(&claim["status"]["capacity"]["storage"]) } else { String::new() });
    doc.field(0, "Access Modes", if bound { modes(&claim["status"]["accessModes"]) } else { String::new() });
    if spec["volumeMode"].is_string() {
        doc.field(0, "VolumeMode", text(&spec["volumeMode"]));
    }
    if spec["dataSource"].is_object() {
        doc.line(0, "DataSource:");
        for (title, key) in [("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")] {
            doc.field(1, title, text(&spec["dataSource"][key]));
        }
    }
    let namespace = info.namespace.as_deref().unwrap_or_default();
    let pods = cx.get(&format!("/api/v1/namespaces/{namespace}/pods")).await?;
    let uses = |pod: &&Value| {
        pod["spec"]["volumes"].as_array().into_iter().flatten().any(|v| v["persistentVolumeClaim"]["claimName"] == info.name.as_str())
    };
    let names: Vec<String> =
        pods["items"].as_array().into_iter().flatten().filter(uses).map(|p| text(&p["metadata"]["name"]).to_owned()).collect();
    doc.lines("Used By", &names);
    timed_conditions(doc, claim, "LastProbeTime");
    Ok(())
}

/// Adds a storage class.
pub fn class(doc: &mut Document, class: &Value) {
    let annotations = &class["metadata"]["annotations"];
    doc.field(0, "Name", text(&class["metadata"]["name"]));
    let default = annotations["storageclass.kubernetes.io/is-default-class"] == "true";
    doc.field(0, "IsDefaultClass", if default { "Yes" } else { "No" });
    doc.field(0, "Annotations", inline_labels(annotations));
    doc.field(0, "Provisioner", text(&class["provisioner"]));
    doc.field(0, "Parameters", inline_labels(&class["parameters"]));
    let expansion = &class["allowVolumeExpansion"];
    doc.field(0, "AllowVolumeExpansion", if expansion.is_null() { "<unset>" } else { title_bool(expansion) });
    match strings(&class["mountOptions"]) {
        options if options.is_empty() => doc.field(0, "MountOptions", "<none>"),
        options => {
            doc.line(0, "MountOptions:");
            options.iter().for_each(|o| doc.line(1, o));
        }
    }
    for (title, key) in [("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")] {
        if class[key].is_string() {
            doc.field(0, title, text(&class[key]));
        }
    }
}
