//! Pods from creation to removal.

use std::sync::Arc;

use component::Clock;
use serde_json::json;

use super::World;
use crate::machine::{Machine, MachineEnv};
use crate::network::Network;

#[tokio::test(start_paused = true)]
async fn a_pod_runs_answers_is_logged_and_goes() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod("web", json!({"containers": [{"name": "nginx", "image": "nginx:1.27", "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 2}}]}));
    world.pass(20).await;
    let pod = world.pod("web");
    assert_eq!(pod["status"]["phase"], "Running", "{pod:#}\n{}", world.journal());
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true, "{pod:#}");
    assert_eq!(pod["status"]["podIP"], "10.244.1.2");
    let events: Vec<String> = world.events("web").iter().map(|event| event.split(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(events, ["Pulling", "Pulled", "Created", "Started"], "{events:?}");
    let logs = world.machine.host_files().read_text("/var/log/pods/default_web_uid-web/nginx/0.log").expect("a log");
    assert!(logs.contains("\"GET / HTTP/1.1\" 200 615 \"-\" \"kube-probe/1.35\""), "{logs}");
    let mut deleted = pod;
    deleted["metadata"]["deletionTimestamp"] = json!("2026-11-24T06:32:00Z");
    deleted["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    world.api.put("/api/v1/namespaces/default/pods/web", deleted);
    world.pass(5).await;
    assert!(world.pod("web").is_null());
    assert!(world.events("web").iter().any(|event| event == "Killing Stopping container nginx"));
    assert_eq!(
        world.machine.read(|state| (state.containers.containers.len(), state.containers.sandboxes.len(), state.rootfs.len())),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn crash_loops_back_off_and_missing_images_are_told() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod("crash", json!({"containers": [{"name": "c", "image": "busybox:1.36", "command": ["false"]}]}));
    world.create_pod("missing", json!({"containers": [{"name": "c", "image": "nginx:1.99"}]}));
    world.create_pod("config", json!({"containers": [{"name": "c", "image": "busybox:1.36", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nosuch", "key": "k"}}}]}]}));
    world.create_pod("typo", json!({"containers": [{"name": "c", "image": "busybox:1.36", "command": ["nosuch"]}]}));
    world.pass(70).await;
    let waiting = |name: &str| {
        let state = world.pod(name)["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        (state["reason"].as_str().unwrap_or_default().to_owned(), state["message"].as_str().unwrap_or_default().to_owned())
    };
    let (reason, message) = waiting("crash");
    assert_eq!(reason, "CrashLoopBackOff", "{:#}\n{}", world.pod("crash"), world.journal());
    assert!(message.ends_with("restarting failed container=c pod=crash_default(uid-crash)"), "{message}");
    let restarts = world.pod("crash")["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0);
    assert!((2..=4).contains(&restarts), "{restarts}");
    let (reason, message) = waiting("missing");
    assert!(matches!(reason.as_str(), "ImagePullBackOff" | "ErrImagePull"), "{reason}");
    assert!(message.contains("docker.io/library/nginx:1.99: not found"), "{message}");
    assert_eq!(waiting("config"), ("CreateContainerConfigError".into(), "configmap \"nosuch\" not found".into()));
    let typo = world.pod("typo")["status"]["containerStatuses"][0].clone();
    assert_eq!(typo["lastState"]["terminated"]["exitCode"], 128, "{typo:#}");
    assert!(
        typo["lastState"]["terminated"]["message"].as_str().is_some_and(|text| text.contains("executable file not found in $PATH")),
        "{typo:#}"
    );
}

#[tokio::test(start_paused = true)]
async fn static_pods_have_mirrors_and_follow_their_manifests() {
    let world = World::new().await;
    world.pass(12).await;
    let manifest =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default}\nspec:\n  containers: [{name: c, image: \"httpd:2.4\"}]\n";
    world.machine.host_files().write("/etc/kubernetes/manifests/web.yaml", manifest).expect("written");
    world.pass(40).await;
    let mirror = world.pod("web-worker-2");
    assert_eq!(mirror["status"]["phase"], "Running", "{mirror:#}\n{}", world.journal());
    world.machine.host_files().unlink("/etc/kubernetes/manifests/web.yaml").expect("removed");
    world.pass(40).await;
    assert!(world.pod("web-worker-2").is_null());
}

#[tokio::test(start_paused = true)]
async fn a_fork_goes_on_without_a_restart() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod("web", json!({"containers": [{"name": "nginx", "image": "nginx:1.27"}]}));
    world.pass(20).await;
    let events = world.api.all("/events/").len();
    let snapshot = world.machine.snapshot();
    let json = serde_json::to_string(&snapshot).expect("serialises");
    let snapshot = serde_json::from_str(&json).expect("comes back");
    let clock = Clock::starting_at(world.machine.clock().now());
    let network = Network::new(clock);
    let fork = Machine::start(snapshot, MachineEnv { clock, network: network.clone(), programs: Arc::new(crate::programs()) });
    world.pass(30).await;
    let (containers, journal) = fork.read(|state| {
        let lines: Vec<String> = state.journal.entries().map(|entry| entry.message.to_string()).collect();
        (state.containers.containers.values().map(|container| (container.config.attempt, container.state)).collect::<Vec<_>>(), lines)
    });
    assert_eq!(containers, [(0, crate::containerd::ContainerState::Running)]);
    assert_eq!(journal.iter().filter(|line| line.contains("Starting kubelet main sync loop")).count(), 1);
    let pod = "10.244.1.2:80".parse().expect("an address");
    assert!(network.connect_tcp(&component::Origin::Node("worker-2".into()), pod, None).await.is_ok());
    assert_eq!(world.api.all("/events/").len(), events);
}
