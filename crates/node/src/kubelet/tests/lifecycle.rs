//! Init containers, volumes, probes, ends.

use serde_json::json;

use super::World;

#[tokio::test(start_paused = true)]
async fn init_containers_and_volumes_come_first() {
    let world = World::new().await;
    world.pass(12).await;
    world.api.put(
        "/api/v1/namespaces/default/configmaps/settings",
        json!({"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"mode": "blue"}}),
    );
    world.create_pod(
        "job",
        json!({
            "restartPolicy": "Never",
            "volumes": [{"name": "shared", "emptyDir": {}}, {"name": "conf", "configMap": {"name": "settings"}}],
            "initContainers": [{"name": "first", "image": "busybox:1.36", "command": ["sh", "-c", "cat /conf/mode > /shared/out"],
                "volumeMounts": [{"name": "shared", "mountPath": "/shared"}, {"name": "conf", "mountPath": "/conf"}]}],
            "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "echo $MODE $(cat /shared/out); echo bye > /dev/termination-log"],
                "env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}}],
                "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}],
        }),
    );
    world.pass(30).await;
    let pod = world.pod("job");
    assert_eq!(pod["status"]["phase"], "Succeeded", "{pod:#}\n{}", world.journal());
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"], "bye\n", "{pod:#}");
    let log = world.machine.host_files().read_text("/var/log/pods/default_job_uid-job/main/0.log").expect("a log");
    assert!(log.ends_with("stdout F blue blue\n"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_liveness_probe_restarts_and_a_missing_volume_waits() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod(
        "live",
        json!({"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "busybox:1.36", "command": ["sleep", "3600"],
        "livenessProbe": {"exec": {"command": ["cat", "/tmp/healthy"]}, "periodSeconds": 5, "failureThreshold": 2}}]}),
    );
    world.create_pod("wait", json!({"volumes": [{"name": "conf", "configMap": {"name": "late"}}], "containers": [{"name": "c", "image": "nginx:1.27", "volumeMounts": [{"name": "conf", "mountPath": "/conf"}]}]}));
    world.pass(40).await;
    let events = world.events("live");
    assert!(
        events.iter().any(|event| event.starts_with("Unhealthy Liveness probe failed: cat: can't open")
            || event.starts_with("Unhealthy Liveness probe failed: cat: /tmp/healthy: No such file")),
        "{events:?}"
    );
    assert!(events.contains(&"Killing Container c failed liveness probe, will be restarted".to_owned()), "{events:?}");
    assert!(world.pod("live")["status"]["containerStatuses"][0]["restartCount"].as_u64() >= Some(1));
    assert_eq!(world.pod("live")["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 137);
    assert!(
        world
            .events("wait")
            .contains(&"FailedMount MountVolume.SetUp failed for volume \"conf\" : configmap \"late\" not found".to_owned())
    );
    world
        .api
        .put("/api/v1/namespaces/default/configmaps/late", json!({"kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"a": "b"}}));
    world.pass(20).await;
    assert_eq!(world.pod("wait")["status"]["phase"], "Running");
}

#[tokio::test(start_paused = true)]
async fn too_much_memory_is_an_oom_kill() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod(
        "greedy",
        json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "polinux/stress", "command": ["stress"],
        "args": ["--vm", "1", "--vm-bytes", "250M"], "resources": {"limits": {"memory": "100Mi"}}}]}),
    );
    world.pass(20).await;
    let ended = world.pod("greedy")["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    assert_eq!((&ended["reason"], &ended["exitCode"]), (&json!("OOMKilled"), &json!(137)), "{:#}", world.pod("greedy"));
}
