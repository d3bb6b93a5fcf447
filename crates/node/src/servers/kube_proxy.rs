//! kube-proxy: watches Services and EndpointSlices and writes the rules of its machine (`pkg/proxy/iptables`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use component::client_for;
use component::klog::{Severity, Value};
use component::kubeconfig::Kubeconfig;
use component::watch;
use imbl::OrdMap;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::json;
use tokio::task::JoinSet;

use super::http::{self, Response};
use super::in_cluster;
use crate::fs::Errno;
use crate::kubelet::api::ApiClient;
use crate::kubelet::informer::{Store, reflect};
use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::{Backend, Destination, Listener, Owner, Protocol, ProxyRules, ServiceRule};

/// Changes within this time are written together (`minSyncPeriod`).
const SYNC: Duration = Duration::from_millis(200);

pub(super) async fn run(mut context: ProcessContext) -> ExitStatus {
    let log = context.klog();
    let option = |name: &str| context.argv.iter().find_map(|word| word.strip_prefix(&format!("--{name}="))).map(str::to_owned);
    if context.argv.iter().any(|word| word == "--version") {
        context.stdout.write_now(format!("Kubernetes {}\n", values::KUBERNETES_VERSION).as_bytes());
        return ExitStatus::SUCCESS;
    }
    let node = option("hostname-override").unwrap_or_else(|| context.machine.name());
    let client = match client(&context, option("config").as_deref()) {
        Ok(client) => client,
        Err(error) => {
            log.error("run.go:72", &error, "command failed", &[]);
            return ExitStatus::FAILURE;
        }
    };
    context.signals.handle(&[Signal::Term, Signal::Int]);
    if !context.resumed {
        log.info("server_linux.go:53", "Using iptables proxy", &[]);
        let ip = context.machine.read(|state| state.address.to_string());
        log.info("server.go:710", "Successfully retrieved NodeIPs", &[("NodeIPs", Value::Raw(format!("[\"{ip}\"]")))]);
        log.info("server_linux.go:136", "Using iptables Proxier", &[]);
        log.info("server.go:529", "Version info", &[("version", Value::Text(values::KUBERNETES_VERSION))]);
        for name in ["service", "endpoint slice", "serviceCIDR", "node"] {
            log.plain(Severity::Info, "config.go:200", &format!("\"Starting {name} config controller\""));
        }
    }
    let (service_sender, mut services) = watch::channel(Store::<Service>::default());
    let (slice_sender, mut slices) = watch::channel(Store::<EndpointSlice>::default());
    let mut tasks = JoinSet::new();
    // Upstream leaves out headless Services and those of other proxies by these selectors.
    let selector = "labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name";
    tasks.spawn(reflect(client.clone(), format!("/api/v1/services?{selector}"), service_sender));
    tasks.spawn(reflect(client, format!("/apis/discovery.k8s.io/v1/endpointslices?{selector}"), slice_sender));
    for (address, port) in [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 10256), (IpAddr::V4(Ipv4Addr::LOCALHOST), 10249)] {
        let owner = Owner { pid: context.pid, program: "kube-proxy".to_owned() };
        match context.machine.network().listen(&context.origin, SocketAddr::new(address, port), owner, None) {
            Ok(listener) => {
                tasks.spawn(serve(listener));
            }
            Err(error) => log.error("proxier_health.go:155", &error.to_string(), "Failed to start healthz server", &[]),
        }
    }
    let mut announced = context.resumed;
    loop {
        tokio::select! {
            biased;
            _ = context.signals.recv() => return ExitStatus::SUCCESS,
            Ok(()) = services.changed() => {}
            Ok(()) = slices.changed() => {}
        }
        // Only with both lists is a rule known to be right.
        if !(services.borrow().synced && slices.borrow().synced) {
            continue;
        }
        if !announced {
            announced = true;
            for name in ["service", "endpoint slice"] {
                log.info("shared_informer.go:377", "Caches are synced", &[("controller", Value::Text(&format!("{name} config")))]);
            }
        }
        let rules = {
            let (services, slices) = (services.borrow_and_update(), slices.borrow_and_update());
            rules(services.objects.values(), slices.objects.values(), &node, context.machine.read(|state| state.address))
        };
        if context.machine.read(|state| state.network.proxy != rules) {
            context.machine.write(|state| state.network.proxy = rules);
        }
        tokio::time::sleep(SYNC).await;
    }
}

async fn serve(mut listener: Listener) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        connections.spawn(http::serve(accepted, |request| async move {
            match request.path.as_str() {
                "/healthz" | "/livez" => Response::text(200, json!({"nodeEligible": true}).to_string()),
                "/proxyMode" => Response::text(200, "iptables"),
                _ => Response::text(404, "404 page not found\n"),
            }
        }));
    }
}

/// The client that the configuration names; without one, the pod's service account.
fn client(context: &ProcessContext, config: Option<&str>) -> Result<ApiClient, String> {
    let Some(path) = config else { return in_cluster::client(context) };
    let text = context.files.read_text(path).map_err(|errno| format!("failed complete: open {path}: {}", errno.go()))?;
    let document = component::yaml::to_json(&text).map_err(|error| format!("failed complete: {error}"))?;
    if document["kind"] != "KubeProxyConfiguration" {
        return Err(format!(
            "failed complete: no kind {:?} is registered for version {:?} in scheme \"pkg/proxy/apis/config/scheme/scheme.go:30\"",
            document["kind"].as_str().unwrap_or_default(),
            document["apiVersion"].as_str().unwrap_or_default()
        ));
    }
    let mode = document["mode"].as_str().unwrap_or_default();
    if !matches!(mode, "" | "iptables" | "ipvs" | "nftables") {
        return Err(format!(
            "failed validate: KubeProxyConfiguration.ProxyMode: Invalid value: {mode:?}: must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])"
        ));
    }
    let kubeconfig = document["clientConnection"]["kubeconfig"].as_str().unwrap_or_default();
    if kubeconfig.is_empty() {
        return in_cluster::client(context);
    }
    let bytes = context.files.read(kubeconfig).map_err(|errno| format!("stat {kubeconfig}: {}", errno.go()))?;
    let read = |path: &str| context.files.read(path).map(|bytes| bytes.to_vec()).map_err(Errno::go);
    let parsed = Kubeconfig::parse(kubeconfig, &bytes).map_err(|error| error.to_string())?;
    let mut target = parsed.target(None, &read).map_err(|error| error.to_string())?;
    let origin = context.origin.clone();
    let network = context.machine.network().clone();
    let decoded = network.decoded().clone();
    let token_file = parsed.users.iter().find_map(|user| user.user.token_file.clone());
    Ok(match token_file {
        Some(token) => {
            target.token = None;
            let files = context.files.clone();
            ApiClient::with_token(client_for(network, origin, target), decoded, move || {
                files.read_text(&token).ok().map(|text| text.trim().to_owned())
            })
        }
        None => ApiClient::new(client_for(network, origin, target), decoded),
    })
}

/// The rules of a node: pure.
fn rules<'a>(
    services: impl Iterator<Item = &'a Arc<Service>>,
    slices: impl Iterator<Item = &'a Arc<EndpointSlice>>,
    node: &str,
    _address: IpAddr,
) -> ProxyRules {
    let mut by_service: BTreeMap<String, Vec<&EndpointSlice>> = BTreeMap::new();
    for slice in slices {
        let labels = slice.metadata.labels.as_ref();
        if let Some(service) = labels.and_then(|labels| labels.get("kubernetes.io/service-name")) {
            let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
            by_service.entry(format!("{namespace}/{service}")).or_default().push(slice);
        }
    }
    let mut rules = ProxyRules { services: OrdMap::new(), node_ports: OrdMap::new() };
    for service in services {
        let key = format!(
            "{}/{}",
            service.metadata.namespace.as_deref().unwrap_or_default(),
            service.metadata.name.as_deref().unwrap_or_default()
        );
        let Some(spec) = &service.spec else { continue };
        let Some(ip) = spec.cluster_ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok()) else { continue };
        let affinity_seconds = (spec.session_affinity.as_deref() == Some("ClientIP")).then(|| {
            let configured = spec.session_affinity_config.as_ref().and_then(|config| config.client_ip.as_ref()?.timeout_seconds);
            i64::from(configured.unwrap_or(10_800))
        });
        for port in spec.ports.iter().flatten() {
            let protocol = Protocol::parse(port.protocol.as_deref());
            let name = port.name.clone().unwrap_or_default();
            let backends = backends(by_service.get(&key).map(Vec::as_slice).unwrap_or_default(), &name, protocol, node);
            let full = if name.is_empty() { key.clone() } else { format!("{key}:{name}") };
            let rule = |local_only| Arc::new(ServiceRule { name: full.clone(), backends: backends.clone(), affinity_seconds, local_only });
            let internal = rule(spec.internal_traffic_policy.as_deref() == Some("Local"));
            let external = rule(spec.external_traffic_policy.as_deref() == Some("Local"));
            let Ok(number) = u16::try_from(port.port) else { continue };
            rules.services.insert(Destination { address: ip, port: number, protocol }, internal);
            let ingress = service.status.iter().flat_map(|status| status.load_balancer.iter().flat_map(|lb| lb.ingress.iter().flatten()));
            let outside = spec.external_ips.iter().flatten().cloned().chain(ingress.filter_map(|ingress| ingress.ip.clone()));
            for address in outside.filter_map(|ip| ip.parse::<IpAddr>().ok()) {
                rules.services.insert(Destination { address, port: number, protocol }, external.clone());
            }
            if let Some(node_port) = port.node_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0) {
                rules.node_ports.insert((node_port, protocol), external);
            }
        }
    }
    rules
}

/// Ready endpoints of a port; if there is none, those that serve while they end.
fn backends(slices: &[&EndpointSlice], port_name: &str, protocol: Protocol, node: &str) -> Vec<Backend> {
    let (mut ready, mut ending) = (Vec::new(), Vec::new());
    for slice in slices {
        let port = slice
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref().unwrap_or_default() == port_name && Protocol::parse(port.protocol.as_deref()) == protocol)
            .and_then(|port| u16::try_from(port.port?).ok());
        let Some(port) = port else { continue };
        for endpoint in &slice.endpoints {
            let conditions = endpoint.conditions.clone().unwrap_or_default();
            let list = if conditions.ready != Some(false) {
                &mut ready
            } else if conditions.serving == Some(true) && conditions.terminating == Some(true) {
                &mut ending
            } else {
                continue;
            };
            let local = endpoint.node_name.as_deref() == Some(node);
            list.extend(endpoint.addresses.iter().filter_map(|ip| ip.parse().ok()).map(|address| Backend { address, port, local }));
        }
    }
    let mut chosen = if ready.is_empty() { ending } else { ready };
    chosen.sort();
    chosen.dedup();
    chosen
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::rules;
    use crate::network::{Destination, Protocol};

    #[test]
    fn rules_follow_services_and_ready_endpoints() {
        let service = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.0.5", "type": "NodePort", "externalTrafficPolicy": "Local",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080}]}});
        let headless = json!({"metadata": {"name": "h", "namespace": "shop"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}});
        let slice = json!({"metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.244.1.2"], "conditions": {"ready": true}, "nodeName": "n1"},
                {"addresses": ["10.244.2.2"], "conditions": {"ready": false, "serving": false}, "nodeName": "n2"},
                {"addresses": ["10.244.2.3"], "conditions": {"ready": true}, "nodeName": "n2"}]});
        let services = [service, headless].map(|object| Arc::new(serde_json::from_value(object).expect("a Service")));
        let slices = [Arc::new(serde_json::from_value(slice).expect("a slice"))];
        let rules = rules(services.iter(), slices.iter(), "n1", [172, 18, 0, 2].into());
        assert_eq!(rules.services.len(), 1);
        let rule = &rules.services[&Destination { address: [10, 96, 0, 5].into(), port: 80, protocol: Protocol::Tcp }];
        let shown: Vec<String> = rule.backends.iter().map(|b| format!("{}:{} {}", b.address, b.port, b.local)).collect();
        assert_eq!(shown, ["10.244.1.2:8080 true", "10.244.2.3:8080 false"]);
        assert!(rules.node_ports[&(30080, Protocol::Tcp)].local_only && !rule.local_only);
    }
}
