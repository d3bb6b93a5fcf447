//! The program: watches, and writes its machine's rules.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use component::klog::Value;
use component::watch;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use tokio::task::JoinSet;

use super::compile::{Known, compile};
use crate::kubelet::informer::{Store, reflect};
use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::PodKey;
use crate::servers::in_cluster;

/// Changes within this time are written together.
const SYNC: Duration = Duration::from_millis(20);

pub(in crate::servers) async fn run(mut context: ProcessContext) -> ExitStatus {
    let log = context.klog();
    let option = |name: &str| context.argv.iter().find_map(|word| word.strip_prefix(&format!("--{name}="))).map(str::to_owned);
    let node = option("hostname-override").unwrap_or_else(|| context.machine.name());
    let client = match in_cluster::client(&context) {
        Ok(client) => client,
        Err(error) => {
            log.error("main.go:136", &error, "can not create client-go configuration", &[]);
            return ExitStatus::FAILURE;
        }
    };
    context.signals.handle(&[Signal::Term, Signal::Int]);
    if !context.resumed {
        log.info("controller.go:436", "Starting controller", &[("name", Value::Text("kube-network-policies"))]);
        log.info("controller.go:440", "Waiting for informer caches to sync", &[]);
    }
    let (policy_sender, mut policies) = watch::channel(Store::<NetworkPolicy>::default());
    let (pod_sender, mut pods) = watch::channel(Store::<Pod>::default());
    let (namespace_sender, mut namespaces) = watch::channel(Store::<Namespace>::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(reflect(client.clone(), "/apis/networking.k8s.io/v1/networkpolicies".to_owned(), policy_sender));
    tasks.spawn(reflect(client.clone(), "/api/v1/pods".to_owned(), pod_sender));
    tasks.spawn(reflect(client, "/api/v1/namespaces".to_owned(), namespace_sender));
    // The sandboxes of this node tell addresses before the API does (NRI): no pod here is ever open for want of a status.
    let addresses = |context: &ProcessContext| -> BTreeMap<PodKey, IpAddr> {
        let pods = context.machine.read(|state| state.network.pods.clone());
        pods.iter().filter_map(|(key, pod)| Some((key.clone(), IpAddr::V4(pod.address?)))).collect()
    };
    let mut machine = context.machine.changes();
    let mut local = addresses(&context);
    let mut announced = context.resumed;
    loop {
        tokio::select! {
            biased;
            _ = context.signals.recv() => return ExitStatus::SUCCESS,
            Ok(()) = policies.changed() => {}
            Ok(()) = pods.changed() => {}
            Ok(()) = namespaces.changed() => {}
            Ok(()) = machine.changed() => {
                let now = addresses(&context);
                if now == local {
                    continue;
                }
                local = now;
            }
        }
        if !(policies.borrow().synced && pods.borrow().synced && namespaces.borrow().synced) {
            continue;
        }
        if !announced {
            announced = true;
            log.info("controller.go:457", "Syncing nftables rules", &[]);
        }
        local = addresses(&context);
        let rules = {
            let (policies, pods, namespaces) = (policies.borrow_and_update(), pods.borrow_and_update(), namespaces.borrow_and_update());
            compile(&Known { policies: &policies.objects, pods: &pods.objects, namespaces: &namespaces.objects, local: &local }, &node)
        };
        if context.machine.read(|state| state.network.policies != rules) {
            context.machine.write(|state| state.network.policies = rules);
        }
        tokio::time::sleep(SYNC).await;
    }
}
