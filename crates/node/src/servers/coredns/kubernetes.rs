//! The kubernetes plugin: names from Services and EndpointSlices, pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::network::{Rcode, Record, RecordData, RecordType, Reply};

/// What the plugin answers from.
pub(super) struct Objects<'a> {
    pub(super) services: &'a BTreeMap<String, Arc<Service>>,
    pub(super) slices: &'a BTreeMap<String, Arc<EndpointSlice>>,
}

/// Settings of the plugin.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) zones: Vec<String>,
    /// `disabled`, `insecure`, `verified`.
    pub(super) pods: String,
    pub(super) ttl: u32,
}

struct Endpoint {
    ip: IpAddr,
    name: String,
    ports: Vec<(String, String, u16)>,
}

impl Objects<'_> {
    fn service(&self, namespace: &str, name: &str) -> Option<&Arc<Service>> {
        self.services.get(&format!("{namespace}/{name}"))
    }

    fn namespace_exists(&self, namespace: &str) -> bool {
        self.services.keys().any(|key| key.split('/').next() == Some(namespace))
    }

    fn endpoints(&self, namespace: &str, service: &str) -> Vec<Endpoint> {
        let mut found = Vec::new();
        for slice in self.slices.values() {
            let meta = &slice.metadata;
            let owner = meta.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/service-name"));
            if meta.namespace.as_deref() != Some(namespace) || owner.map(String::as_str) != Some(service) {
                continue;
            }
            let ports: Vec<_> = slice
                .ports
                .iter()
                .flatten()
                .filter_map(|port| {
                    Some((
                        port.name.clone().unwrap_or_default(),
                        port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()).to_lowercase(),
                        u16::try_from(port.port?).ok()?,
                    ))
                })
                .collect();
            for endpoint in &slice.endpoints {
                if endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(false) {
                    continue;
                }
                for ip in endpoint.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
                    let name = endpoint.hostname.clone().unwrap_or_else(|| ip.to_string().replace(['.', ':'], "-"));
                    found.push(Endpoint { ip, name, ports: ports.clone() });
                }
            }
        }
        found.sort_by_key(|endpoint| endpoint.ip);
        found.dedup_by(|a, b| a.ip == b.ip);
        found
    }
}

/// Answers a name, or `None` if it is in none of the plugin's zones.
pub(super) fn answer(objects: &Objects<'_>, settings: &Settings, name: &str, kind: RecordType) -> Option<Reply> {
    if let Some(ip) = reverse(name).filter(|_| settings.zones.iter().any(|zone| name.ends_with(zone.as_str()))) {
        return pointer(objects, settings, ip, name);
    }
    let zone = settings.zones.iter().find(|zone| name == zone.as_str() || name.ends_with(&format!(".{zone}")))?;
    if zone.ends_with("arpa") {
        return None;
    }
    let rest = name.strip_suffix(zone.as_str()).unwrap_or_default().trim_end_matches('.');
    let labels: Vec<&str> = rest.split('.').filter(|label| !label.is_empty()).collect();
    let reply = |rcode, records| Reply { rcode, authoritative: true, records };
    let record = |name: &str, data| Record { name: name.to_owned(), ttl: settings.ttl, data };
    let missing = || Some(reply(Rcode::NxDomain, Vec::new()));
    let soa = || record(zone, RecordData::Soa(format!("ns.dns.{zone}"), format!("hostmaster.{zone}")));
    match labels.as_slice() {
        [] => Some(match kind {
            RecordType::Soa => reply(Rcode::NoError, vec![soa()]),
            RecordType::Ns => reply(Rcode::NoError, vec![record(zone, RecordData::Ns(format!("ns.dns.{zone}")))]),
            _ => reply(Rcode::NoError, Vec::new()),
        }),
        ["dns-version"] if kind == RecordType::Txt => Some(reply(Rcode::NoError, vec![record(name, RecordData::Txt("1.1.0".to_owned()))])),
        ["svc" | "pod"] => Some(reply(Rcode::NoError, Vec::new())),
        [namespace, "svc"] => {
            if objects.namespace_exists(namespace) {
                Some(reply(Rcode::NoError, Vec::new()))
            } else {
                missing()
            }
        }
        [dashed, namespace, "pod"] => {
            let ip: Option<Ipv4Addr> = dashed.replace('-', ".").parse().ok();
            match ip {
                Some(ip) if settings.pods != "disabled" && (settings.pods == "insecure" || objects.namespace_exists(namespace)) => {
                    let records = if kind == RecordType::A { vec![record(name, RecordData::A(ip))] } else { Vec::new() };
                    Some(reply(Rcode::NoError, records))
                }
                _ => missing(),
            }
        }
        [service, namespace, "svc"] => {
            let Some(object) = objects.service(namespace, service) else { return missing() };
            Some(reply(Rcode::NoError, self::service(objects, object, name, zone, kind, settings.ttl)))
        }
        [port, protocol, service, namespace, "svc"] if port.starts_with('_') && protocol.starts_with('_') => {
            let Some(object) = objects.service(namespace, service) else { return missing() };
            let (port, protocol) = (&port[1..], &protocol[1..]);
            let records = srv(objects, object, name, zone, Some((port, protocol)), settings.ttl);
            if records.is_empty() {
                return missing();
            }
            Some(reply(Rcode::NoError, if kind == RecordType::Srv { records } else { Vec::new() }))
        }
        [host, service, namespace, "svc"] => {
            let endpoint = objects.endpoints(namespace, service).into_iter().find(|endpoint| endpoint.name == *host);
            match endpoint {
                Some(endpoint) if objects.service(namespace, service).is_some() => {
                    let records = match (endpoint.ip, kind) {
                        (IpAddr::V4(ip), RecordType::A) => vec![record(name, RecordData::A(ip))],
                        (IpAddr::V6(ip), RecordType::Aaaa) => vec![record(name, RecordData::Aaaa(ip))],
                        _ => Vec::new(),
                    };
                    Some(reply(Rcode::NoError, records))
                }
                _ => missing(),
            }
        }
        _ => missing(),
    }
}

fn cluster_ip(service: &Service) -> Option<IpAddr> {
    service.spec.as_ref()?.cluster_ip.as_deref()?.parse().ok()
}

fn names(service: &Service) -> (&str, &str) {
    (service.metadata.namespace.as_deref().unwrap_or_default(), service.metadata.name.as_deref().unwrap_or_default())
}

fn service(objects: &Objects<'_>, service: &Service, name: &str, zone: &str, kind: RecordType, ttl: u32) -> Vec<Record> {
    let record = |data| Record { name: name.to_owned(), ttl, data };
    let spec = service.spec.clone().unwrap_or_default();
    if spec.type_.as_deref() == Some("ExternalName") {
        let target = spec.external_name.unwrap_or_default();
        return if matches!(kind, RecordType::A | RecordType::Aaaa | RecordType::Cname) {
            vec![record(RecordData::Cname(target))]
        } else {
            Vec::new()
        };
    }
    if kind == RecordType::Srv {
        return srv(objects, service, name, zone, None, ttl);
    }
    let addresses: Vec<IpAddr> = match cluster_ip(service) {
        Some(ip) => vec![ip],
        None => {
            let (namespace, own) = names(service);
            objects.endpoints(namespace, own).into_iter().map(|endpoint| endpoint.ip).collect()
        }
    };
    addresses
        .into_iter()
        .filter_map(|ip| match (ip, kind) {
            (IpAddr::V4(ip), RecordType::A) => Some(record(RecordData::A(ip))),
            (IpAddr::V6(ip), RecordType::Aaaa) => Some(record(RecordData::Aaaa(ip))),
            _ => None,
        })
        .collect()
}

fn srv(objects: &Objects<'_>, service: &Service, name: &str, zone: &str, wanted: Option<(&str, &str)>, ttl: u32) -> Vec<Record> {
    let (namespace, own) = names(service);
    let record = |port, target| Record { name: name.to_owned(), ttl, data: RecordData::Srv { priority: 0, weight: 100, port, target } };
    let fits =
        |port: &str, protocol: &str| wanted.is_none_or(|(wanted_port, wanted_protocol)| wanted_port == port && wanted_protocol == protocol);
    if cluster_ip(service).is_some() {
        return service
            .spec
            .iter()
            .flat_map(|spec| spec.ports.iter().flatten())
            .filter(|port| {
                fits(port.name.as_deref().unwrap_or_default(), &port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()).to_lowercase())
            })
            .filter_map(|port| Some(record(u16::try_from(port.port).ok()?, format!("{own}.{namespace}.svc.{zone}"))))
            .collect();
    }
    objects
        .endpoints(namespace, own)
        .into_iter()
        .flat_map(|endpoint| {
            let target = format!("{}.{own}.{namespace}.svc.{zone}", endpoint.name);
            endpoint
                .ports
                .into_iter()
                .filter(|(port, protocol, _)| fits(port, protocol))
                .map(move |(_, _, port)| (port, target.clone()))
                .collect::<Vec<_>>()
        })
        .map(|(port, target)| record(port, target))
        .collect()
}

/// `2.1.244.10.in-addr.arpa` as an address.
fn reverse(name: &str) -> Option<IpAddr> {
    let labels: Vec<&str> = name.strip_suffix(".in-addr.arpa")?.split('.').rev().collect();
    labels.join(".").parse().ok()
}

/// Name of an address; `None` (fall through) if it is nobody's.
fn pointer(objects: &Objects<'_>, settings: &Settings, ip: IpAddr, name: &str) -> Option<Reply> {
    let zone = settings.zones.iter().find(|zone| !zone.ends_with("arpa"))?;
    let found = objects.services.values().find_map(|service| {
        let (namespace, own) = names(service);
        if cluster_ip(service) == Some(ip) {
            return Some(format!("{own}.{namespace}.svc.{zone}"));
        }
        let endpoint = objects.endpoints(namespace, own).into_iter().find(|endpoint| endpoint.ip == ip)?;
        Some(format!("{}.{own}.{namespace}.svc.{zone}", endpoint.name))
    })?;
    let record = Record { name: name.to_owned(), ttl: settings.ttl, data: RecordData::Ptr(found) };
    Some(Reply { rcode: Rcode::NoError, authoritative: true, records: vec![record] })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn ask(name: &str, kind: RecordType) -> String {
        let services: BTreeMap<String, Arc<Service>> = [
            ("shop/web", json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.0.5", "ports": [{"name": "http", "port": 80}]}})),
            ("shop/db", json!({"metadata": {"name": "db", "namespace": "shop"}, "spec": {"clusterIP": "None"}})),
            ("shop/ext", json!({"metadata": {"name": "ext", "namespace": "shop"}, "spec": {"type": "ExternalName", "externalName": "example.org"}})),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Arc::new(serde_json::from_value(value).expect("a Service"))))
        .collect();
        let slice = json!({"metadata": {"name": "db-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "db"}}, "addressType": "IPv4",
            "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.244.1.7"], "hostname": "db-0", "conditions": {"ready": true}}, {"addresses": ["10.244.2.8"], "conditions": {"ready": false}}]});
        let slices = BTreeMap::from([("shop/db-1".to_owned(), Arc::new(serde_json::from_value(slice).expect("a slice")))]);
        let settings = Settings { zones: vec!["cluster.local".into(), "in-addr.arpa".into()], pods: "insecure".into(), ttl: 30 };
        match answer(&Objects { services: &services, slices: &slices }, &settings, name, kind) {
            None => "falls through".to_owned(),
            Some(reply) if reply.records.is_empty() => reply.rcode.name().to_owned(),
            Some(reply) => reply.records.iter().map(|record| format!("{:?}", record.data)).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn names_of_services_endpoints_and_pods_are_answered() {
        for (name, kind, expected) in [
            ("web.shop.svc.cluster.local", RecordType::A, "A(10.96.0.5)"),
            ("web.shop.svc.cluster.local", RecordType::Aaaa, "NOERROR"),
            ("nosuch.shop.svc.cluster.local", RecordType::A, "NXDOMAIN"),
            ("db.shop.svc.cluster.local", RecordType::A, "A(10.244.1.7)"),
            ("db-0.db.shop.svc.cluster.local", RecordType::A, "A(10.244.1.7)"),
            ("10-244-1-9.shop.pod.cluster.local", RecordType::A, "A(10.244.1.9)"),
            ("ext.shop.svc.cluster.local", RecordType::A, "Cname(\"example.org\")"),
            (
                "_sql._tcp.db.shop.svc.cluster.local",
                RecordType::Srv,
                "Srv { priority: 0, weight: 100, port: 5432, target: \"db-0.db.shop.svc.cluster.local\" }",
            ),
            ("5.0.96.10.in-addr.arpa", RecordType::Ptr, "Ptr(\"web.shop.svc.cluster.local\")"),
            ("9.9.9.9.in-addr.arpa", RecordType::Ptr, "falls through"),
            ("example.org", RecordType::A, "falls through"),
        ] {
            assert_eq!(ask(name, kind), expected, "{name}");
        }
    }
}
