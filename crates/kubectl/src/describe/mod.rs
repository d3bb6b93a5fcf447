//! What `kubectl describe` prints, kind by kind (upstream's `pkg/describe`).

mod access;
mod autoscaling;
mod batch;
mod config;
mod containers;
mod document;
mod events;
mod generic;
mod metadata;
mod namespace;
mod network;
mod node;
mod pod;
mod requests;
mod storage;
pub mod template;
pub mod time;
mod volumes;
mod workloads;

pub use access::rows as role_rows;
pub use document::Document;
pub use events::interval as event_interval;

use crate::context::Context;
use crate::error::Error;
use crate::resources::args::Info;

/// Describes an object that was read.
pub async fn describe(cx: &Context, info: &Info, show_events: bool) -> Result<String, Error> {
    let group = info.resource.group.as_str();
    let mut doc = Document::default();
    let mut with_events = show_events;
    match (group, info.resource.kind.as_str()) {
        ("", "Pod") => pod::describe(&mut doc, &info.object, cx.now()),
        ("", "Node") => node::describe(cx, &mut doc, info).await?,
        ("", "Service") => network::service(cx, &mut doc, info).await?,
        ("", "ConfigMap") => config::config_map(&mut doc, &info.object),
        ("", "Secret") => {
            config::secret(&mut doc, &info.object);
            with_events = false;
        }
        ("", "ServiceAccount") => config::service_account(&mut doc, &info.object),
        ("", "Namespace") => {
            namespace::describe(cx, &mut doc, info).await?;
            with_events = false;
        }
        ("", "ResourceQuota") => {
            namespace::quota(&mut doc, &info.object);
            with_events = false;
        }
        ("", "LimitRange") => {
            namespace::limit_range(&mut doc, &info.object);
            with_events = false;
        }
        ("", "PersistentVolume") => storage::volume(&mut doc, &info.object, cx.now()),
        ("", "PersistentVolumeClaim") => storage::claim(cx, &mut doc, info).await?,
        ("scheduling.k8s.io", "PriorityClass") => config::priority_class(&mut doc, &info.object),
        ("storage.k8s.io", "StorageClass") => storage::class(&mut doc, &info.object),
        ("apps", "Deployment") => workloads::deployment(cx, &mut doc, info).await?,
        ("apps", "ReplicaSet") => workloads::replica_set(cx, &mut doc, info).await?,
        ("apps", "DaemonSet") => workloads::daemon_set(cx, &mut doc, info).await?,
        ("apps", "StatefulSet") => workloads::stateful_set(cx, &mut doc, info).await?,
        ("batch", "Job") => batch::job(&mut doc, &info.object),
        ("batch", "CronJob") => batch::cron_job(&mut doc, &info.object),
        ("networking.k8s.io", "Ingress") => network::ingress(cx, &mut doc, info).await?,
        ("networking.k8s.io", "NetworkPolicy") => {
            network::policy(&mut doc, &info.object);
            with_events = false;
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            access::role(&mut doc, &info.object);
            with_events = false;
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            access::binding(&mut doc, &info.object);
            with_events = false;
        }
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaling::autoscaler(&mut doc, &info.object),
        ("policy", "PodDisruptionBudget") => autoscaling::budget(&mut doc, &info.object),
        _ => generic::describe(&mut doc, &info.object),
    }
    if with_events {
        events::add(cx, &mut doc, info).await;
    }
    Ok(doc.align())
}
