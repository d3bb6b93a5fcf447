//! One file (or folder) per controller.

pub mod certificates;
pub mod cluster_role_aggregation;
pub mod common;
pub mod cronjob;
pub mod daemonset;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod ephemeral_volume;
pub mod garbage;
pub mod horizontal_pod_autoscaler;
pub mod job;
pub mod namespace;
pub mod node_lifecycle;
pub mod nodeipam;
pub mod pod_gc;
pub mod replicaset;
pub mod resource_quota;
pub mod root_ca;
pub mod service_account;
pub mod statefulset;
pub mod taint_eviction;
pub mod ttl;
pub mod ttl_after_finished;
pub mod volumes;

use futures::future::BoxFuture;

use crate::machinery::Kit;

/// Starts every enabled controller.
pub(crate) fn start_all(kit: &Kit) {
    for (name, account, run) in CONTROLLERS {
        if kit.options.enables(name) {
            kit.spawner.spawn(run(kit.for_controller(account)));
        }
    }
}

type Run = fn(Kit) -> BoxFuture<'static, ()>;

/// Controllers by the names that `--controllers` takes (kube-controller-manager's help), in the order of their start, with the
/// ServiceAccount of kube-system that each acts as (`--use-service-account-credentials`).
const CONTROLLERS: &[(&str, &str, Run)] = &[
    ("endpoints-controller", "endpoint-controller", |kit| Box::pin(endpoints::run_endpoints(kit))),
    ("endpointslice-controller", "endpointslice-controller", |kit| Box::pin(endpoints::run_slices(kit))),
    ("endpointslice-mirroring-controller", "endpointslicemirroring-controller", |kit| Box::pin(endpoints::run_mirroring(kit))),
    ("resourcequota-controller", "resourcequota-controller", |kit| Box::pin(resource_quota::run(kit))),
    ("pod-garbage-collector-controller", "pod-garbage-collector", |kit| Box::pin(pod_gc::run(kit))),
    ("namespace-controller", "namespace-controller", |kit| Box::pin(namespace::run(kit))),
    ("serviceaccount-controller", "service-account-controller", |kit| Box::pin(service_account::run(kit))),
    ("garbage-collector-controller", "generic-garbage-collector", |kit| Box::pin(garbage::run(kit))),
    ("daemonset-controller", "daemon-set-controller", |kit| Box::pin(daemonset::run(kit))),
    ("deployment-controller", "deployment-controller", |kit| Box::pin(deployment::run(kit))),
    ("job-controller", "job-controller", |kit| Box::pin(job::run(kit))),
    ("replicaset-controller", "replicaset-controller", |kit| Box::pin(replicaset::run(kit))),
    ("horizontal-pod-autoscaler-controller", "horizontal-pod-autoscaler", |kit| Box::pin(horizontal_pod_autoscaler::run(kit))),
    ("disruption-controller", "disruption-controller", |kit| Box::pin(disruption::run(kit))),
    ("statefulset-controller", "statefulset-controller", |kit| Box::pin(statefulset::run(kit))),
    ("cronjob-controller", "cronjob-controller", |kit| Box::pin(cronjob::run(kit))),
    ("certificatesigningrequest-signing-controller", "certificate-controller", |kit| Box::pin(certificates::run_signer(kit))),
    ("certificatesigningrequest-approving-controller", "certificate-controller", |kit| Box::pin(certificates::run_approver(kit))),
    ("certificatesigningrequest-cleaner-controller", "certificate-controller", |kit| Box::pin(certificates::run_cleaner(kit))),
    ("ttl-controller", "ttl-controller", |kit| Box::pin(ttl::run(kit))),
    ("node-ipam-controller", "node-controller", |kit| Box::pin(nodeipam::run(kit))),
    ("node-lifecycle-controller", "node-controller", |kit| Box::pin(node_lifecycle::run(kit))),
    ("taint-eviction-controller", "node-controller", |kit| Box::pin(taint_eviction::run(kit))),
    ("persistentvolume-binder-controller", "persistent-volume-binder", |kit| Box::pin(volumes::run_binder(kit))),
    ("clusterrole-aggregation-controller", "clusterrole-aggregation-controller", |kit| Box::pin(cluster_role_aggregation::run(kit))),
    ("ephemeral-volume-controller", "ephemeral-volume-controller", |kit| Box::pin(ephemeral_volume::run(kit))),
    ("persistentvolumeclaim-protection-controller", "pvc-protection-controller", |kit| Box::pin(volumes::run_claim_protection(kit))),
    ("persistentvolume-protection-controller", "pv-protection-controller", |kit| Box::pin(volumes::run_volume_protection(kit))),
    // Not one of upstream's: the default class's provisioner, which is a pod of its own elsewhere.
    ("local-path-provisioner", "persistent-volume-binder", |kit| Box::pin(volumes::run_local_path(kit))),
    ("ttl-after-finished-controller", "ttl-after-finished-controller", |kit| Box::pin(ttl_after_finished::run(kit))),
    ("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", |kit| Box::pin(root_ca::run(kit))),
];
