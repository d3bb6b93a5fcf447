//! Changing an object and sending only the difference, as `label`, `set`, `cordon` and others do.

use serde_json::Value;

use crate::commands::apply::style_of;
use crate::context::Context;
use crate::error::Error;
use crate::operation::{self, DryRun};
use crate::patch::{self, Style, two_way};
use crate::resources::args::{Info, Selection, info_of};
use crate::resources::manifest;

/// Sends what differs between the object as read and `wanted`; returns the object as it is then.
pub async fn send(cx: &Context, info: &Info, wanted: &Value, dry_run: DryRun, manager: &str) -> Result<Value, Error> {
    if dry_run == DryRun::Client {
        return Ok(wanted.clone());
    }
    let (style, content_type) = style_of(info);
    let change = two_way(style, &info.object, wanted);
    if change.as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(info.object.clone());
    }
    let query = operation::write_query(cx, dry_run, manager)?;
    cx.patch(&format!("{}{query}", info.path()), content_type, &change).await
}

/// Sends a JSON merge patch.
pub async fn merge(cx: &Context, info: &Info, wanted: &Value, dry_run: DryRun, manager: &str) -> Result<Value, Error> {
    if dry_run == DryRun::Client {
        return Ok(wanted.clone());
    }
    let change = two_way(Style::Merge, &info.object, wanted);
    let query = operation::write_query(cx, dry_run, manager)?;
    cx.patch(&format!("{}{query}", info.path()), patch::MERGE, &change).await
}

/// Whether `--local` was given.
pub fn is_local(cx: &Context) -> bool {
    cx.flags.on("local")
}

/// The objects that a command is about: from the server, or with `--local` as the manifests have them.
pub async fn objects(cx: &Context, selection: &Selection) -> Result<(Vec<Info>, Vec<Error>), Error> {
    if !is_local(cx) {
        return selection.fetch(cx).await;
    }
    if !manifest::named(cx) {
        return Err(Error::Verbatim("error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'".to_owned()));
    }
    let mut infos = Vec::new();
    for manifest in manifest::read(cx).await? {
        infos.push(info_of(cx, manifest).await?);
    }
    Ok((infos, Vec::new()))
}

/// The pod template of an object that has one, or the spec of a pod itself (`polymorphichelpers.UpdatePodSpecForObject`).
pub fn pod_spec(object: &mut Value) -> Option<&mut Value> {
    let path = match object["kind"].as_str()? {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => "/spec/template/spec",
        _ => return None,
    };
    object.pointer_mut(path)
}
