//! Ways through the network of two machines.

use std::net::SocketAddr;
use std::sync::Arc;

use component::{Clock, DialError, Dialer, Generator, Origin};
use futures::future::BoxFuture;
use imbl::OrdMap;
use jiff::Timestamp;

use super::{
    Backend, Destination, NameServer, Network, Owner, PodKey, PodNetwork, PodRules, PolicyRules, Protocol, ProxyRules, Query, Rcode,
    Record, RecordData, Reply, ServiceRule,
};
use crate::fs::Tree;
use crate::machine::{Machine, MachineEnv, MachineState, Programs};

fn machine(network: &Arc<Network>, name: &str, last: u8, rules: &ProxyRules) -> Arc<Machine> {
    let now = Timestamp::UNIX_EPOCH;
    let mut state = MachineState::new(name, [172, 18, 0, last].into(), Tree::new(now), Generator::for_part(1, name), now);
    state.files.put_file("/etc/resolv.conf", "nameserver 172.18.0.1\n", 0o644, now).expect("written");
    state
        .files
        .put_file("/pod/resolv.conf", "search shop.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n", 0o644, now)
        .expect("written");
    let pod = PodNetwork {
        sandbox: "s".into(),
        address: Some([10, 244, last, 2].into()),
        veth: "v".into(),
        resolv_conf: "/pod/resolv.conf".into(),
        hosts: "/pod/hosts".into(),
    };
    state.network.pods.insert(PodKey::new("shop", format!("web-{last}")), Arc::new(pod));
    state.network.proxy = rules.clone();
    let env = MachineEnv { clock: network.clock(), network: network.clone(), programs: Arc::new(Programs::new()) };
    Machine::start(state, env)
}

fn rule(backends: &[(&str, u16)]) -> Arc<ServiceRule> {
    let backends = backends.iter().map(|(ip, port)| Backend { address: ip.parse().expect("address"), port: *port, local: false }).collect();
    Arc::new(ServiceRule { name: "shop/web".into(), backends, affinity_seconds: None, local_only: false })
}

fn rules() -> ProxyRules {
    let service = |ip: &str, port, protocol| Destination { address: ip.parse().expect("address"), port, protocol };
    ProxyRules {
        services: OrdMap::from_iter([
            (service("10.96.0.5", 80, Protocol::Tcp), rule(&[("10.244.3.2", 8080)])),
            (service("10.96.0.6", 80, Protocol::Tcp), rule(&[])),
            (service("10.96.0.10", 53, Protocol::Udp), rule(&[("10.244.3.2", 53)])),
        ]),
        node_ports: OrdMap::unit((30080, Protocol::Tcp), rule(&[("10.244.3.2", 8080)])),
    }
}

struct Names;

impl NameServer for Names {
    fn answer<'a>(&'a self, query: Query) -> BoxFuture<'a, Option<Reply>> {
        Box::pin(async move {
            let known = query.name == "web.shop.svc.cluster.local";
            let record = Record { name: query.name, ttl: 30, data: RecordData::A([10, 96, 0, 5].into()) };
            Some(Reply {
                rcode: if known { Rcode::NoError } else { Rcode::NxDomain },
                authoritative: true,
                records: if known { vec![record] } else { Vec::new() },
            })
        })
    }
}

fn pod(node: &str, last: u8) -> Origin {
    PodKey::new("shop", format!("web-{last}")).origin(node)
}

#[tokio::test(start_paused = true)]
async fn connections_go_where_rules_and_routes_lead() {
    let network = Network::new(Clock::starting_at(Timestamp::UNIX_EPOCH));
    let (a, b) = (machine(&network, "a", 2, &rules()), machine(&network, "b", 3, &rules()));
    let owner = || Owner { pid: 9, program: "nginx".into() };
    let any = |port| SocketAddr::new([0, 0, 0, 0].into(), port);
    let mut listener = network.listen(&pod("b", 3), any(8080), owner(), None).expect("free");
    let _names = network.serve_names(&pod("b", 3), any(53), owner(), Arc::new(Names)).expect("free");
    let from = pod("a", 2);
    for (origin, host, port, reached) in [
        (&from, "10.96.0.5", 80, "10.244.3.2:8080"),
        (&from, "web", 80, "10.244.3.2:8080"),
        (&from, "10.244.3.2", 8080, "10.244.3.2:8080"),
        (&from, "172.18.0.3", 30080, "10.244.3.2:8080"),
        (&Origin::Host, "172.18.0.2", 30080, "10.244.3.2:8080"),
        (&Origin::Node("a".into()), "127.0.0.1", 30080, "10.244.3.2:8080"),
    ] {
        let connection = network.connect(origin, host, port, None).await.unwrap_or_else(|error| panic!("{host}:{port}: {error}"));
        assert_eq!(format!("{}:{}", connection.remote.0, connection.remote.1), reached, "{host}:{port}");
        listener.accept().await;
    }
    for (host, port, text) in [
        ("10.96.0.6", 80, "dial tcp 10.96.0.6:80: connect: connection refused"),
        ("10.244.3.2", 81, "dial tcp 10.244.3.2:81: connect: connection refused"),
        ("10.244.3.9", 80, "dial tcp 10.244.3.9:80: connect: no route to host"),
        ("10.96.0.99", 80, "dial tcp 10.96.0.99:80: i/o timeout"),
        ("nosuch", 80, "dial tcp: lookup nosuch on 10.96.0.10:53: no such host"),
    ] {
        let error = network.connect(&from, host, port, None).await.err().unwrap_or_else(|| panic!("{host} is not reached"));
        assert_eq!(error.to_string(), text);
    }
    // Policies drop what they do not allow, on whichever side they stand, and never what comes from the pod's own node.
    let deny = |last: u8, rules| PolicyRules(OrdMap::unit([10, 244, last, 2].into(), Arc::new(rules)));
    let closed = Some(Vec::new());
    for (machine, rules) in [
        (&a, deny(2, PodRules { ingress: None, egress: closed.clone() })),
        (&b, deny(3, PodRules { ingress: closed.clone(), egress: None })),
    ] {
        machine.write(|state| state.network.policies = rules);
        assert!(matches!(network.connect(&from, "10.96.0.5", 80, None).await, Err(DialError::Timeout { .. })));
        assert!(network.ping(&from, [10, 244, 3, 2].into()).is_err());
        assert!(network.connect(&Origin::Node("b".into()), "10.244.3.2", 8080, None).await.is_ok());
        machine.write(|state| state.network.policies = PolicyRules::default());
    }
    b.write(|state| state.network.policies = deny(3, PodRules { ingress: closed, egress: None }));
    assert!(matches!(network.connect(&Origin::Host, "172.18.0.2", 30080, None).await, Err(DialError::Timeout { .. })));
    assert!(
        matches!(network.connect(&Origin::Host, "172.18.0.3", 30080, None).await, Err(DialError::Timeout { .. })),
        "it comes from outside"
    );
    b.write(|state| state.network.policies = PolicyRules::default());
    // A machine that is gone has no route, and its pods' names are lost with its DNS server.
    b.halt();
    assert!(matches!(network.connect(&from, "10.244.3.2", 8080, None).await, Err(DialError::NoRoute { .. })));
    let error = network.connect(&from, "web", 80, None).await.err().expect("no answer").to_string();
    assert!(
        error.starts_with("dial tcp: lookup web on 10.96.0.10:53: read udp 10.244.2.2:") && error.ends_with("->10.96.0.10:53: i/o timeout"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_port_is_bound_once_and_freed_with_its_listener() {
    let network = Network::new(Clock::starting_at(Timestamp::UNIX_EPOCH));
    let machine = machine(&network, "a", 2, &ProxyRules::default());
    let node = Origin::Node("a".into());
    let address = "0.0.0.0:10250".parse().expect("an address");
    let listener = network.listen(&node, address, Owner { pid: 1, program: "kubelet".into() }, None).expect("free");
    let second = network.listen(&node, address, Owner { pid: 2, program: "x".into() }, None);
    assert_eq!(second.err().map(|error| error.to_string()).as_deref(), Some("listen tcp :10250: bind: address already in use"));
    assert_eq!(machine.read(|state| state.network.sockets.len()), 1);
    drop(listener);
    assert_eq!(machine.read(|state| state.network.sockets.len()), 0);
    assert!(network.listen(&node, address, Owner { pid: 2, program: "x".into() }, None).is_ok());
}
