//! From policies, pods and namespaces to the rules of one node: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Container, Namespace, Pod};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use values::Selector;

use crate::network::{Cidr, PeerMatch, PodKey, PodRules, PolicyRule, PolicyRules, PortMatch, Protocol};

/// What the agent knows.
pub(super) struct Known<'a> {
    pub(super) policies: &'a BTreeMap<String, Arc<NetworkPolicy>>,
    pub(super) pods: &'a BTreeMap<String, Arc<Pod>>,
    pub(super) namespaces: &'a BTreeMap<String, Arc<Namespace>>,
    /// Addresses of the sandboxes on this node.
    pub(super) local: &'a BTreeMap<PodKey, IpAddr>,
}

/// A pod that policies can speak of: it runs, and has an address of its own.
struct Candidate<'a> {
    pod: &'a Pod,
    namespace: &'a str,
    address: IpAddr,
    here: bool,
}

/// The rules for the pods of `node`. Rules of several policies add up; a pod that one policy selects is closed to
/// everything else in that policy's directions.
pub(super) fn compile(known: &Known<'_>, node: &str) -> PolicyRules {
    if known.policies.is_empty() {
        return PolicyRules::default();
    }
    let pods: Vec<Candidate<'_>> = known.pods.values().filter_map(|pod| candidate(known, pod, node)).collect();
    let mut rules: BTreeMap<IpAddr, PodRules> = BTreeMap::new();
    for policy in known.policies.values() {
        let namespace = policy.metadata.namespace.as_deref().unwrap_or_default();
        let Some(spec) = &policy.spec else { continue };
        let everything = LabelSelector::default();
        let Some(selector) = selector(spec.pod_selector.as_ref().unwrap_or(&everything)) else { continue };
        let types: Vec<&str> = spec.policy_types.iter().flatten().map(String::as_str).collect();
        for target in pods.iter().filter(|pod| pod.here && pod.namespace == namespace && matches(&selector, pod.pod)) {
            let entry = rules.entry(target.address).or_default();
            if types.contains(&"Ingress") || types.is_empty() {
                let list = entry.ingress.get_or_insert_default();
                list.extend(spec.ingress.iter().flatten().map(|rule| PolicyRule {
                    peers: peers(known, &pods, namespace, rule.from.as_deref()),
                    ports: ports(&pods, rule.ports.as_deref()),
                }));
            }
            if types.contains(&"Egress") || (types.is_empty() && spec.egress.is_some()) {
                let list = entry.egress.get_or_insert_default();
                list.extend(spec.egress.iter().flatten().map(|rule| PolicyRule {
                    peers: peers(known, &pods, namespace, rule.to.as_deref()),
                    ports: ports(&pods, rule.ports.as_deref()),
                }));
            }
        }
    }
    PolicyRules(rules.into_iter().map(|(address, rules)| (address, Arc::new(rules))).collect())
}

fn candidate<'a>(known: &Known<'_>, pod: &'a Pod, node: &str) -> Option<Candidate<'a>> {
    let spec = pod.spec.as_ref()?;
    let status = pod.status.as_ref();
    let ended = status.and_then(|status| status.phase.as_deref()).is_some_and(|phase| matches!(phase, "Succeeded" | "Failed"));
    if spec.host_network == Some(true) || ended {
        return None;
    }
    let namespace = pod.metadata.namespace.as_deref()?;
    let here = spec.node_name.as_deref() == Some(node);
    let sandbox = || known.local.get(&PodKey::new(namespace, pod.metadata.name.as_deref()?)).copied();
    let told = || status?.pod_ip.as_deref()?.parse().ok();
    let address = if here { sandbox().or_else(told) } else { told() }?;
    Some(Candidate { pod, namespace, address, here })
}

/// An invalid selector, which the API server would not have let in, selects nothing.
fn selector(selector: &LabelSelector) -> Option<Selector> {
    Selector::from_label_selector(selector).ok()
}

fn matches(selector: &Selector, pod: &Pod) -> bool {
    selector.matches(pod.metadata.labels.as_ref().unwrap_or(&BTreeMap::new()))
}

/// No list and an empty list both mean everybody. In one item, pod and namespace selector must both match.
fn peers(known: &Known<'_>, pods: &[Candidate<'_>], namespace: &str, peers: Option<&[NetworkPolicyPeer]>) -> Option<Vec<PeerMatch>> {
    let peers = peers.filter(|peers| !peers.is_empty())?;
    let compiled = peers.iter().filter_map(|peer| {
        if let Some(block) = &peer.ip_block {
            let except = block.except.iter().flatten().filter_map(|cidr| Cidr::parse(cidr)).collect();
            return Some(PeerMatch::Block { cidr: Cidr::parse(&block.cidr)?, except });
        }
        let by_namespace = match &peer.namespace_selector {
            Some(chosen) => Some(selector(chosen)?),
            None => None,
        };
        let by_pod = match &peer.pod_selector {
            Some(chosen) => selector(chosen)?,
            None => Selector::everything(),
        };
        let none = BTreeMap::new();
        let chosen = pods.iter().filter(|pod| match &by_namespace {
            None => pod.namespace == namespace,
            Some(by_namespace) => known
                .namespaces
                .get(pod.namespace)
                .is_some_and(|namespace| by_namespace.matches(namespace.metadata.labels.as_ref().unwrap_or(&none))),
        });
        Some(PeerMatch::Pods(chosen.filter(|pod| matches(&by_pod, pod.pod)).map(|pod| pod.address).collect()))
    });
    Some(compiled.collect())
}

fn ports(pods: &[Candidate<'_>], ports: Option<&[NetworkPolicyPort]>) -> Option<Vec<PortMatch>> {
    let ports = ports.filter(|ports| !ports.is_empty())?;
    let compiled = ports.iter().filter_map(|port| {
        let protocol = Protocol::parse(port.protocol.as_deref());
        match &port.port {
            None => Some(PortMatch::Range(protocol, 0, u16::MAX)),
            Some(IntOrString::Int(first)) => {
                let first = u16::try_from(*first).ok()?;
                let last = port.end_port.and_then(|last| u16::try_from(last).ok()).unwrap_or(first);
                Some(PortMatch::Range(protocol, first, last))
            }
            Some(IntOrString::String(name)) => {
                let mut numbers: BTreeMap<IpAddr, BTreeSet<u16>> = BTreeMap::new();
                for pod in pods {
                    for number in named(pod.pod, name, protocol) {
                        numbers.entry(pod.address).or_default().insert(number);
                    }
                }
                Some(PortMatch::Named(protocol, numbers))
            }
        }
    });
    Some(compiled.collect())
}

fn named<'a>(pod: &'a Pod, name: &'a str, protocol: Protocol) -> impl Iterator<Item = u16> + 'a {
    let containers = pod.spec.iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    containers
        .flat_map(|container: &Container| container.ports.iter().flatten())
        .filter(move |port| port.name.as_deref() == Some(name) && Protocol::parse(port.protocol.as_deref()) == protocol)
        .filter_map(|port| u16::try_from(port.container_port).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::network::{Endpoint, Flow};

    fn keyed<T: serde::de::DeserializeOwned>(objects: &[Value]) -> BTreeMap<String, Arc<T>> {
        let key =
            |object: &Value| format!("{}/{}", object["metadata"]["namespace"].as_str().unwrap_or_default(), object["metadata"]["name"]);
        objects.iter().map(|object| (key(object), Arc::new(serde_json::from_value(object.clone()).expect("of the kind")))).collect()
    }

    fn pod(namespace: &str, name: &str, node: &str, address: &str) -> Value {
        json!({"metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
            "spec": {"nodeName": node, "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"podIP": address, "phase": "Running"}})
    }

    /// Whether `from` reaches `to` on node n1, under one policy in namespace `shop`.
    fn reaches(spec: &Value, from: &Value, to: &Value, port: u16) -> bool {
        let pods = [
            pod("shop", "web", "n1", "10.244.1.2"),
            pod("shop", "api", "n1", "10.244.1.3"),
            pod("ops", "api", "n2", "10.244.2.3"),
            pod("ops", "web", "n2", "10.244.2.4"),
        ];
        let namespaces: BTreeMap<String, Arc<Namespace>> = ["shop", "ops"]
            .map(|name| {
                let namespace = json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}});
                (name.to_owned(), Arc::new(serde_json::from_value(namespace).expect("a Namespace")))
            })
            .into();
        let policies = keyed(&[json!({"metadata": {"namespace": "shop", "name": "p"}, "spec": spec})]);
        let pods = keyed(&pods);
        let known = Known { policies: &policies, pods: &pods, namespaces: &namespaces, local: &BTreeMap::new() };
        let end = |pod: &Value| Endpoint {
            node: Some(pod["spec"]["nodeName"].as_str().expect("a node").into()),
            pod: Some(PodKey::new(pod["metadata"]["namespace"].as_str().expect("text"), pod["metadata"]["name"].as_str().expect("text"))),
            address: pod["status"]["podIP"].as_str().expect("text").parse().expect("an address"),
        };
        let flow = Flow { from: end(from), to: end(to), transport: Some((Protocol::Tcp, port)) };
        let rules = |node: &str| compile(&known, node);
        rules(&flow.from.node.clone().expect("a node")).may_leave(&flow) && rules(&flow.to.node.clone().expect("a node")).may_enter(&flow)
    }

    #[test]
    fn policies_mean_what_the_documentation_says() {
        let (web, api) = (pod("shop", "web", "n1", "10.244.1.2"), pod("shop", "api", "n1", "10.244.1.3"));
        let (far_api, far_web) = (pod("ops", "api", "n2", "10.244.2.3"), pod("ops", "web", "n2", "10.244.2.4"));
        let app = |name: &str| json!({"matchLabels": {"app": name}});
        let ops = json!({"matchLabels": {"kubernetes.io/metadata.name": "ops"}});
        let ingress = |from: Value, ports: Value| json!({"podSelector": app("web"), "policyTypes": ["Ingress"], "ingress": [{"from": from, "ports": ports}]});
        let egress =
            |to: Value, ports: Value| json!({"podSelector": app("web"), "policyTypes": ["Egress"], "egress": [{"to": to, "ports": ports}]});
        let one_item = ingress(json!([{"namespaceSelector": ops, "podSelector": app("api")}]), json!([]));
        let two_items = ingress(json!([{"namespaceSelector": ops}, {"podSelector": app("api")}]), json!([]));
        for (name, spec, from, to, port, expected) in [
            ("default deny", json!({"podSelector": {}, "policyTypes": ["Ingress"]}), &api, &web, 80, false),
            ("default deny, other namespace's pod", json!({"podSelector": {}, "policyTypes": ["Ingress"]}), &web, &far_web, 80, true),
            ("deny of egress only", json!({"podSelector": {}, "policyTypes": ["Egress"]}), &far_api, &web, 80, true),
            ("deny of egress", json!({"podSelector": {}, "policyTypes": ["Egress"]}), &web, &far_api, 80, false),
            ("one item: both selectors", one_item.clone(), &far_api, &web, 80, true),
            ("one item: wrong pod", one_item.clone(), &far_web, &web, 80, false),
            ("one item: wrong namespace", one_item, &api, &web, 80, false),
            ("two items: either", two_items.clone(), &far_web, &web, 80, true),
            ("two items: own namespace's pod", two_items, &api, &web, 80, true),
            ("own namespace only", ingress(json!([{"podSelector": {}}]), json!([])), &far_api, &web, 80, false),
            ("all namespaces", ingress(json!([{"namespaceSelector": {}}]), json!([])), &far_api, &web, 80, true),
            ("named port of the target", ingress(json!([]), json!([{"port": "http"}])), &api, &web, 8080, true),
            ("named port, another number", ingress(json!([]), json!([{"port": "http"}])), &api, &web, 80, false),
            ("named port of the peer", egress(json!([{"namespaceSelector": ops}]), json!([{"port": "http"}])), &web, &far_api, 8080, true),
            ("range", egress(json!([]), json!([{"port": 8000, "endPort": 8100}])), &web, &far_api, 8080, true),
            ("past the range", egress(json!([]), json!([{"port": 8000, "endPort": 8079}])), &web, &far_api, 8080, false),
            (
                "block",
                egress(json!([{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.2.3/32"]}}]), json!([])),
                &web,
                &far_web,
                80,
                true,
            ),
            (
                "hole",
                egress(json!([{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.2.3/32"]}}]), json!([])),
                &web,
                &far_api,
                80,
                false,
            ),
        ] {
            assert_eq!(reaches(&spec, from, to, port), expected, "{name}");
        }
    }
}
