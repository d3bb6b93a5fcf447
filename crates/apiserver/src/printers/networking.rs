//! Services, endpoints, ingresses and network policies.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{age, at_most, labels, name, selector, text_or};
use super::table::Printer;
use crate::json::Json;

pub const SERVICE: Printer = Printer { columns: "Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector+", cells: service };
pub const ENDPOINTS: Printer = Printer { columns: "Name,Endpoints,Age", cells: endpoints };
pub const ENDPOINT_SLICE: Printer = Printer { columns: "Name,AddressType,Ports,Endpoints,Age", cells: endpoint_slice };
pub const INGRESS: Printer = Printer { columns: "Name,Class,Hosts,Address,Ports,Age", cells: ingress };
pub const INGRESS_CLASS: Printer = Printer { columns: "Name,Controller,Parameters,Age", cells: ingress_class };
pub const NETWORK_POLICY: Printer = Printer { columns: "Name,Pod-Selector,Age", cells: network_policy };
pub const IP_ADDRESS: Printer = Printer { columns: "Name,ParentRef", cells: ip_address };
pub const SERVICE_CIDR: Printer = Printer { columns: "Name,CIDRs,Age", cells: service_cidr };

fn load_balancer(object: &Value) -> String {
    let mut addresses: Vec<&str> =
        object.list("status.loadBalancer.ingress").iter().map(|i| text_or(i, "ip", i.text("hostname"))).filter(|a| !a.is_empty()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    // Upstream clips long lists only in narrow output; the server's tables are always the wide ones.
    addresses.join(",")
}

fn external_ip(object: &Value) -> String {
    let external: Vec<&str> = object.list("spec.externalIPs").iter().filter_map(Value::as_str).collect();
    match object.text("spec.type") {
        "ClusterIP" | "NodePort" if external.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => external.join(","),
        "LoadBalancer" => {
            let balancer = load_balancer(object);
            let all: Vec<&str> = balancer.split(',').filter(|a| !a.is_empty()).chain(external).collect();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => object.text("spec.externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn ports(object: &Value) -> String {
    let ports: Vec<String> = object
        .list("spec.ports")
        .iter()
        .map(|p| match p.int("nodePort") {
            Some(node_port) if node_port > 0 => format!("{}:{node_port}/{}", p.at("port"), p.text("protocol")),
            _ => format!("{}/{}", p.at("port"), p.text("protocol")),
        })
        .collect();
    if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }
}

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let cluster_ip = object.list("spec.clusterIPs").first().and_then(Value::as_str).unwrap_or("<none>");
    vec![
        name(object),
        object.text("spec.type").into(),
        cluster_ip.into(),
        external_ip(object).into(),
        ports(object).into(),
        age(object, now),
        labels(object, "spec.selector").into(),
    ]
}

fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut list = Vec::new();
    for subset in object.list("subsets") {
        let addresses = || subset.list("addresses").iter().map(|a| a.text("ip"));
        if subset.list("ports").is_empty() {
            list.extend(addresses().map(str::to_owned));
        }
        for port in subset.list("ports") {
            let join =
                |ip: &str| if ip.contains(':') { format!("[{ip}]:{}", port.at("port")) } else { format!("{ip}:{}", port.at("port")) };
            list.extend(addresses().map(join));
        }
    }
    let text = if object.list("subsets").is_empty() { "<none>".to_owned() } else { at_most(&list, 3, ",") };
    vec![name(object), text.into(), age(object, now)]
}

fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let unset = |text: String| if text.is_empty() { "<unset>".to_owned() } else { text };
    let ports: Vec<String> = object
        .list("ports")
        .iter()
        .map(|p| p.int("port").map_or_else(|| text_or(p, "name", "*").to_owned(), |port| port.to_string()))
        .collect();
    let addresses: Vec<String> =
        object.list("endpoints").iter().flat_map(|e| e.list("addresses")).filter_map(|a| a.as_str().map(str::to_owned)).collect();
    vec![
        name(object),
        object.text("addressType").into(),
        unset(at_most(&ports, 3, ",")).into(),
        unset(at_most(&addresses, 3, ",")).into(),
        age(object, now),
    ]
}

fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let rules = object.list("spec.rules");
    let (mut hosts, mut more) = (Vec::new(), false);
    for rule in rules {
        more |= hosts.len() == 3;
        if !more && !rule.text("host").is_empty() {
            hosts.push(rule.text("host"));
        }
    }
    let hosts = match (hosts.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - 3),
        (false, false) => hosts.join(","),
    };
    vec![
        name(object),
        text_or(object, "spec.ingressClassName", "<none>").into(),
        hosts.into(),
        load_balancer(object).into(),
        if object.list("spec.tls").is_empty() { "80" } else { "80, 443" }.into(),
        age(object, now),
    ]
}

fn ingress_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let parameters = object.at("spec.parameters");
    let text = if parameters.is_null() {
        "<none>".to_owned()
    } else {
        let group = parameters.at("apiGroup").as_str().map(|g| format!(".{g}")).unwrap_or_default();
        format!("{}{group}/{}", parameters.text("kind"), parameters.text("name"))
    };
    vec![name(object), object.text("spec.controller").into(), text.into(), age(object, now)]
}

fn network_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), selector(object, "spec.podSelector").into(), age(object, now)]
}

fn ip_address(object: &Value, _: Timestamp) -> Vec<Value> {
    let parent = object.at("spec.parentRef");
    let text = if parent.is_null() {
        "<none>".to_owned()
    } else {
        let group = parent.text("group");
        let resource = if group.is_empty() { parent.text("resource").to_owned() } else { format!("{}.{group}", parent.text("resource")) };
        let parts = [resource.as_str(), parent.text("namespace"), parent.text("name")];
        parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/").to_ascii_lowercase()
    };
    vec![name(object), text.into()]
}

fn service_cidr(object: &Value, now: Timestamp) -> Vec<Value> {
    let cidrs: Vec<&str> = object.list("spec.cidrs").iter().filter_map(Value::as_str).collect();
    vec![name(object), cidrs.join(",").into(), age(object, now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn services_show_addresses_and_ports_by_type() {
        let cases = [
            (
                json!({"type": "ClusterIP", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 443, "protocol": "TCP"}]}),
                ["ClusterIP", "10.96.0.1", "<none>", "443/TCP"],
            ),
            (
                json!({"type": "NodePort", "clusterIPs": ["10.96.0.2"], "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]}),
                ["NodePort", "10.96.0.2", "<none>", "80:30080/TCP"],
            ),
            (json!({"type": "LoadBalancer", "clusterIPs": ["None"]}), ["LoadBalancer", "None", "<pending>", "<none>"]),
            (json!({"type": "ExternalName", "externalName": "a.b"}), ["ExternalName", "<none>", "a.b", "<none>"]),
        ];
        for (spec, want) in cases {
            let cells = service(&json!({"metadata": {"name": "s"}, "spec": spec}), Timestamp::UNIX_EPOCH);
            assert_eq!(cells[1..5], want.map(Value::from));
        }
    }

    #[test]
    fn endpoints_show_three_and_count_the_rest() {
        let object = json!({"subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.2"}], "ports": [{"port": 80}, {"port": 81}]}]});
        assert_eq!(endpoints(&object, Timestamp::UNIX_EPOCH)[1], "1.1.1.1:80,1.1.1.2:80,1.1.1.1:81 + 1 more...");
        assert_eq!(endpoints(&json!({}), Timestamp::UNIX_EPOCH)[1], "<none>");
    }
}
