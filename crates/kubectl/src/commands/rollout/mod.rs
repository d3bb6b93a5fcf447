//! `kubectl rollout`.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::resources::args::Info;
use crate::resources::discovery::escape;

pub mod history;
pub mod pause;
pub mod restart;
pub mod status;
pub mod undo;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["rollout"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Manage the rollout of a resource",
    long: "Manage the rollout of deployments, daemon sets and stateful sets.",
    examples: "kubectl rollout status deployment/web\nkubectl rollout undo deployment/web",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

/// Annotation with the number of a replica set's revision.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// One state in an object's past.
pub struct Revision {
    /// Its number.
    pub number: i64,
    /// The pod template of it.
    pub template: Value,
    /// Why the change was made, if somebody noted it.
    pub cause: Option<String>,
    /// The object that keeps it: a replica set or controller revision.
    pub keeper: Value,
}

/// The revisions of a deployment, daemon set or stateful set, oldest first.
pub async fn revisions(cx: &Context, info: &Info) -> Result<Vec<Revision>, Error> {
    let namespace = info.namespace.as_deref().unwrap_or_default();
    let selector = values::Selector::from_json(&info.object["spec"]["selector"]).map_err(|e| Error::message(e.to_string()))?;
    let kind = if info.resource.kind == "Deployment" { "replicasets" } else { "controllerrevisions" };
    let list = cx.get(&format!("/apis/apps/v1/namespaces/{namespace}/{kind}?labelSelector={}", escape(&selector.to_string()))).await?;
    let uid = &info.object["metadata"]["uid"];
    let owned =
        list["items"].as_array().into_iter().flatten().filter(|o| {
            o["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|r| r["controller"] == true && &r["uid"] == uid)
        });
    let mut out: Vec<Revision> = owned
        .filter_map(|o| {
            let cause = o["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().map(str::to_owned);
            if info.resource.kind == "Deployment" {
                let number = o["metadata"]["annotations"][REVISION].as_str()?.parse().ok()?;
                Some(Revision { number, template: o["spec"]["template"].clone(), cause, keeper: o.clone() })
            } else {
                let number = o["revision"].as_i64()?;
                Some(Revision { number, template: o["data"]["spec"]["template"].clone(), cause, keeper: o.clone() })
            }
        })
        .collect();
    out.sort_by_key(|r| r.number);
    Ok(out)
}

/// The error for kinds that have no rollout.
pub fn unsupported(info: &Info, what: &str) -> Error {
    let (kind, group) = (&info.resource.kind, &info.resource.group);
    Error::message(format!("error retrieving {what} for {:?}, no visitor method exists for {{{group} {kind}}}", info.resource.kind_group()))
}

/// Whether a kind has a history.
pub fn has_history(info: &Info) -> bool {
    matches!(info.resource.kind.as_str(), "Deployment" | "DaemonSet" | "StatefulSet")
}
