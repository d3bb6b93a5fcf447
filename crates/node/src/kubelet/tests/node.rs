//! Registration, health and the faults of a node.

use super::World;

#[tokio::test(start_paused = true)]
async fn a_node_registers_and_turns_ready() {
    let world = World::new().await;
    world.pass(15).await;
    assert_eq!(
        world.node_condition("Ready"),
        ("True".into(), "KubeletReady".into(), "kubelet is posting ready status".into()),
        "{}",
        world.journal()
    );
    assert_eq!(world.node_condition("MemoryPressure").1, "KubeletHasSufficientMemory");
    let lease = world.api.get("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/worker-2").expect("a lease");
    assert_eq!(lease["spec"]["holderIdentity"], "worker-2");
    let events = world.events("worker-2");
    let reasons: Vec<&str> = events.iter().filter_map(|event| event.split(' ').next()).collect();
    for reason in ["Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeAllocatableEnforced"] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_the_unhealthy_node_has_its_words() {
    for (name, path, from, to, expected) in [
        (
            "ca path",
            "/var/lib/kubelet/config.yaml",
            "clientCAFile: \"\"",
            "clientCAFile: /etc/kubernetes/pki/kubelet-ca.crt",
            "\"command failed\" err=\"failed to construct kubelet dependencies: unable to load client CA file /etc/kubernetes/pki/kubelet-ca.crt: open /etc/kubernetes/pki/kubelet-ca.crt: no such file or directory\"",
        ),
        (
            "config syntax",
            "/var/lib/kubelet/config.yaml",
            "cgroupDriver: systemd",
            "cgroupDriver systemd",
            "error failed to decode: yaml: line 7: could not find expected ':'\"",
        ),
        (
            "flag",
            "/var/lib/kubelet/kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=\"",
            "KUBELET_KUBEADM_ARGS=\"--network-plugin=cni",
            "\"command failed\" err=\"failed to parse kubelet flag: unknown flag: --network-plugin\"",
        ),
        (
            "runtime socket",
            "/var/lib/kubelet/config.yaml",
            "containerd.sock",
            "container.sock",
            "\"command failed\" err=\"failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint \\\"unix:///run/containerd/container.sock\\\": rpc error: code = Unavailable desc = connection error: desc = \\\"transport: Error while dialing: dial unix /run/containerd/container.sock: connect: no such file or directory\\\"\"",
        ),
        (
            "API port",
            "/etc/kubernetes/kubelet.conf",
            ":6443",
            ":6553",
            "\"Unable to register node with API server\" err=\"Post \\\"http://172.18.0.5:6553/api/v1/nodes\\\": dial tcp 172.18.0.5:6553: connect: connection refused\" node=\"worker-2\"",
        ),
    ] {
        let world = World::new().await;
        world.pass(12).await;
        world.edit(path, from, to);
        world.systemctl(&["restart", "kubelet"]).await;
        world.pass(5).await;
        let journal = world.journal();
        assert!(journal.contains(expected), "{name}:\n{}", &journal[journal.len().saturating_sub(3000)..]);
        world.edit(path, to, from);
        world.systemctl(&["restart", "kubelet"]).await;
        world.pass(15).await;
        assert_eq!(world.node_condition("Ready").0, "True", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_runtime_makes_the_node_not_ready_and_back() {
    let world = World::new().await;
    world.pass(12).await;
    world.systemctl(&["stop", "containerd"]).await;
    world.pass(45).await;
    assert_eq!(world.node_condition("Ready"), ("False".into(), "KubeletNotReady".into(), "container runtime is down".into()));
    let journal = world.journal();
    for line in [
        "\"Skipping pod synchronization\" err=\"container runtime is down\"",
        "\"GenericPLEG: Unable to retrieve pods\" err=\"rpc error: code = Unavailable desc = connection error: desc = \\\"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory\\\"\"",
        "\"Container runtime sanity check failed\"",
    ] {
        assert!(journal.contains(line), "{line}");
    }
    world.pass(300).await;
    let failed = "ContainerGCFailed rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory\"";
    assert!(world.events("worker-2").iter().any(|event| event == failed), "{:?}", world.events("worker-2"));
    let (_, _, message) = world.node_condition("Ready");
    assert!(message.starts_with("[container runtime is down, PLEG is not healthy: pleg was last seen active "), "{message}");
    world.systemctl(&["start", "containerd"]).await;
    world.pass(15).await;
    assert_eq!(world.node_condition("Ready").0, "True");
}
