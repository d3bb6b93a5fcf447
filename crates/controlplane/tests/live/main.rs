//! The controllers and the scheduler against a real kube-apiserver, with hollow kubelets. Opt in:
//! `CONTROLPLANE_KUBECONFIG=… cargo test -p ckaprep-controlplane --test live -- --ignored --nocapture`
//! (an API server and etcd alone; no other controllers may run beside these).

// A real server has the real time; a test that cannot go on says where by panicking.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod dialer;
mod hollow;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use component::kubeconfig::Kubeconfig;
use component::{Clock, Generator, Klog, Origin, client_for};
use controlplane::machinery::{Meta, Rest};
use controlplane::{Context, ControllerManagerOptions, SchedulerOptions, Shared, controller_manager, scheduler};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

fn context<O>(options: O, target: component::Target, part: &str) -> Context<O> {
    let name = part.to_owned();
    let clock = Clock::starting_at(jiff::Timestamp::now());
    Context {
        clock,
        dialer: Arc::new(dialer::Tcp),
        origin: Origin::Host,
        target,
        clients: None,
        options,
        hostname: "control-plane".to_owned(),
        generator: Generator::for_part(jiff::Timestamp::now().as_nanosecond() as u64, part),
        resumed: false,
        decoded: Default::default(),
        log: Klog::new(clock, 1, Arc::new(move |line| eprintln!("{name}: {line}"))),
    }
}

async fn apply(rest: &Rest, value: Value) {
    let result = match value["kind"].as_str().unwrap() {
        "Namespace" => rest.create(&serde_json::from_value::<Namespace>(value).unwrap()).await.map(|_| ()),
        "Deployment" => rest.create(&serde_json::from_value::<Deployment>(value).unwrap()).await.map(|_| ()),
        "DaemonSet" => rest.create(&serde_json::from_value::<DaemonSet>(value).unwrap()).await.map(|_| ()),
        "StatefulSet" => rest.create(&serde_json::from_value::<StatefulSet>(value).unwrap()).await.map(|_| ()),
        "StorageClass" => rest.create(&serde_json::from_value::<StorageClass>(value).unwrap()).await.map(|_| ()),
        "Job" => rest.create(&serde_json::from_value::<Job>(value).unwrap()).await.map(|_| ()),
        "Service" => rest.create(&serde_json::from_value::<Service>(value).unwrap()).await.map(|_| ()),
        other => panic!("{other}"),
    };
    result.unwrap();
}

async fn until<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
    for _ in 0..1000 {
        if check().await {
            eprintln!("== {what}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not reached: {what}");
}

fn template(app: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "100m"}}}]}})
}

#[tokio::test]
#[ignore = "needs a real API server: set CONTROLPLANE_KUBECONFIG"]
async fn a_workload_lives_through_a_lost_node() {
    let path = std::env::var("CONTROLPLANE_KUBECONFIG").expect("CONTROLPLANE_KUBECONFIG names a kubeconfig");
    let config = Kubeconfig::parse(&path, &std::fs::read(&path).unwrap()).unwrap();
    let target = config.target(None, &|file| std::fs::read(file).map_err(|e| e.to_string())).unwrap();
    let flags = ["--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16", "--node-monitor-grace-period=6s", "--node-monitor-period=1s"];
    let options = ControllerManagerOptions::parse(&flags.map(str::to_owned)).unwrap();
    let shared: Shared = Arc::new(Mutex::default());
    let manager = tokio::spawn(controller_manager(context(options, target.clone(), "controller-manager"), shared.clone()));
    let placing = tokio::spawn(scheduler(context(SchedulerOptions::parse(&[]).unwrap(), target.clone(), "scheduler"), shared.clone()));
    let rest = Rest::new(client_for(Arc::new(dialer::Tcp), Origin::Host, target), "test");
    let run = format!("live-{}", jiff::Timestamp::now().as_second() % 100_000);
    let names = [format!("{run}-a"), format!("{run}-b"), format!("{run}-c")];
    let kubelets: Vec<_> = names.iter().map(|name| tokio::spawn(hollow::kubelet(rest.clone(), name.clone()))).collect();
    apply(&rest, json!({"kind": "Namespace", "metadata": {"name": run}})).await;
    let account = || async { rest.get::<k8s_openapi::api::core::v1::ServiceAccount>(&run, "default").await.is_ok() };
    until("the default service account exists", account).await;
    apply(&rest, json!({"kind": "Service", "metadata": {"name": "web", "namespace": run}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})).await;
    let tolerations = json!([
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}]);
    let mut web = template("web");
    web["spec"]["tolerations"] = tolerations;
    apply(&rest, json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": run}, "spec": {"replicas": 6, "selector": {"matchLabels": {"app": "web"}}, "template": web}})).await;
    apply(&rest, json!({"kind": "DaemonSet", "metadata": {"name": "probe", "namespace": run}, "spec": {"selector": {"matchLabels": {"app": "probe"}}, "template": template("probe")}})).await;
    let available = |n: i32| {
        let (rest, run) = (rest.clone(), run.clone());
        move || {
            let (rest, run) = (rest.clone(), run.clone());
            async move {
                rest.get::<Deployment>(&run, "web").await.is_ok_and(|d| {
                    d.status.is_some_and(|s| s.available_replicas == Some(n) && s.updated_replicas == Some(n) && s.replicas == Some(n))
                })
            }
        }
    };
    until("six replicas are available", available(6)).await;
    until("three daemons are ready", || async {
        rest.get::<DaemonSet>(&run, "probe").await.is_ok_and(|d| d.status.is_some_and(|s| s.number_ready == 3))
    })
    .await;
    until("a slice has six endpoints", || async {
        let slices = rest.list::<k8s_openapi::api::discovery::v1::EndpointSlice>(&run).await.unwrap_or_default();
        slices
            .iter()
            .map(|s| s.endpoints.iter().filter(|e| e.conditions.as_ref().is_some_and(|c| c.ready == Some(true))).count())
            .sum::<usize>()
            == 6
    })
    .await;
    // A new template rolls out.
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}});
    rest.strategic::<Deployment>(&run, "web", "", &patch).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    until("the new template is everywhere", || async {
        let all = rest.get::<Deployment>(&run, "web").await.unwrap();
        let s = all.status.unwrap_or_default();
        s.observed_generation == all.metadata.generation
            && s.updated_replicas == Some(6)
            && s.replicas == Some(6)
            && s.available_replicas == Some(6)
    })
    .await;
    // A StatefulSet with storage, a Job, and claims.
    apply(&rest, json!({"kind": "StorageClass", "metadata": {"name": format!("{run}-local")}, "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer"})).await;
    apply(&rest, json!({"kind": "StatefulSet", "metadata": {"name": "db", "namespace": run}, "spec": {"serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}},
        "template": template("db"), "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": format!("{run}-local"), "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}})).await;
    until("two databases are ready", || async {
        rest.get::<StatefulSet>(&run, "db")
            .await
            .is_ok_and(|d| d.status.is_some_and(|s| s.ready_replicas == Some(2) && s.current_replicas == Some(2)))
    })
    .await;
    let mut once = template("once");
    once["spec"]["restartPolicy"] = json!("Never");
    apply(&rest, json!({"kind": "Job", "metadata": {"name": "once", "namespace": run}, "spec": {"completions": 2, "template": once}}))
        .await;
    until("the job is complete", || async {
        rest.get::<Job>(&run, "once").await.is_ok_and(|j| j.status.is_some_and(|s| s.succeeded == Some(2) && s.completion_time.is_some()))
    })
    .await;
    // A node is lost.
    kubelets[0].abort();
    let lost = names[0].clone();
    until("the lost node is tainted", || async {
        let node: Node = rest.get("", &lost).await.unwrap();
        node.spec.iter().flat_map(|s| s.taints.iter().flatten()).filter(|t| t.key == "node.kubernetes.io/unreachable").count() == 2
    })
    .await;
    until("six replicas are available again", available(6)).await;
    until("no web pod counts on the lost node", || async {
        let pods: Vec<Pod> = rest.list(&run).await.unwrap();
        pods.iter().all(|p| p.label("app") != Some("web") || p.deleting() || p.spec.as_ref().unwrap().node_name.as_deref() != Some(&lost))
    })
    .await;
    let events: Vec<Event> = rest.list(&run).await.unwrap();
    for event in &events {
        eprintln!(
            "{:24} {:30} {}",
            event.reason.as_deref().unwrap_or_default(),
            event.involved_object.name.as_deref().unwrap_or_default(),
            event.message.as_deref().unwrap_or_default()
        );
    }
    // The namespace goes, and all that is in it.
    rest.delete::<Namespace>("", &run, &Default::default()).await.unwrap();
    for name in &names {
        rest.delete::<Node>("", name, &Default::default()).await.unwrap();
    }
    until("the pods of the lost node are collected and the namespace is gone", || async { rest.get::<Namespace>("", &run).await.is_err() })
        .await;
    assert!(!manager.is_finished() && !placing.is_finished());
}
