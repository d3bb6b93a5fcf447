//! A kubelet on a whole machine, against a small store that answers like an API server.

mod commands;
mod fake_api;
mod lifecycle;
mod node;
mod pods;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use component::{Clock, Generator};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::image::{HostFile, HostSpec, host_image};
use crate::machine::{Machine, MachineEnv, MachineState};
use crate::network::Network;
use fake_api::FakeApi;

const BOOT: &str = "2026-11-24T06:31:27Z";
const CONFIG: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthentication:\n  x509:\n    clientCAFile: \"\"\ncgroupDriver: systemd\nclusterDNS: [10.96.0.10]\nclusterDomain: cluster.local\nstaticPodPath: /etc/kubernetes/manifests\ncontainerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n";

struct World {
    machine: Arc<Machine>,
    api: Arc<FakeApi>,
}

fn state() -> MachineState {
    let now: Timestamp = BOOT.parse().expect("a time");
    let file = |path: &str, content: &str| HostFile { path: path.to_owned(), mode: 0o644, content: content.to_owned() };
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: \"http://172.18.0.5:6443\"}\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\ncurrent-context: x\nusers:\n- name: u\n  user: {token: t}\n";
    let cni = r#"{"cniVersion":"0.3.1","name":"net","plugins":[{"type":"ptp","ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.1.0/24"}]]}},{"type":"portmap"}]}"#;
    let files = vec![
        file("/var/lib/kubelet/config.yaml", CONFIG),
        file("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"\"\n"),
        file("/etc/kubernetes/kubelet.conf", kubeconfig),
        file("/etc/cni/net.d/10-net.conflist", cni),
        file("/etc/kubernetes/manifests/.keep", ""),
    ];
    let address = [172, 18, 0, 5].into();
    let hosts = [("worker-2".to_owned(), address)];
    let tree = host_image(&HostSpec { name: "worker-2", address, hosts: &hosts, now, files, links: Vec::new() });
    MachineState::new("worker-2", address, tree, Generator::for_part(1, "worker-2"), now)
}

impl World {
    async fn new() -> Self {
        let clock = Clock::starting_at(BOOT.parse().expect("a time"));
        let network = Network::new(clock);
        let machine = Machine::start(state(), MachineEnv { clock, network: network.clone(), programs: Arc::new(crate::programs()) });
        let api = FakeApi::start(&network);
        machine.boot_and_wait().await;
        Self { machine, api }
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let files = self.machine.host_files();
        let text = files.read_text(path).expect("a file").replace(from, to);
        files.write(path, text).expect("written");
    }

    fn journal(&self) -> String {
        self.machine.read(|state| state.journal.entries().map(|entry| format!("{}: {}\n", entry.identifier, entry.message)).collect())
    }

    async fn systemctl(&self, arguments: &[&str]) {
        let mut shell = self.machine.open_shell("root", crate::machine::Input::empty(), None).await.expect("a shell");
        let (status, out, err) = shell.run(&format!("systemctl {}", arguments.join(" "))).await;
        assert!(status.success(), "{out}{err}");
    }

    fn node_condition(&self, kind: &str) -> (String, String, String) {
        let node = self.api.get("/api/v1/nodes/worker-2").expect("a node");
        let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let condition = conditions.iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
        let text = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"), text("message"))
    }

    fn create_pod(&self, name: &str, spec: Value) -> String {
        let uid = format!("uid-{name}");
        let mut spec = spec;
        spec["nodeName"] = json!("worker-2");
        self.api.put(
            &format!("/api/v1/namespaces/default/pods/{name}"),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": uid}, "spec": spec, "status": {"phase": "Pending"}}),
        );
        uid
    }

    fn pod(&self, name: &str) -> Value {
        self.api.get(&format!("/api/v1/namespaces/default/pods/{name}")).unwrap_or_default()
    }

    fn events(&self, name: &str) -> Vec<String> {
        self.api
            .all("/events/")
            .iter()
            .filter(|event| event["involvedObject"]["name"] == name)
            .map(|event| format!("{} {}", event["reason"].as_str().unwrap_or_default(), event["message"].as_str().unwrap_or_default()))
            .collect()
    }
}
