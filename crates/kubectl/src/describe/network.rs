//! Services, ingresses and network policies.

use serde_json::Value;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::{annotations, head, inline_labels, labels, marks, plain, selector, strings, text};
use crate::describe::time::parse;
use crate::error::Error;
use crate::resources::args::Info;
use crate::resources::discovery::escape;

async fn slices(cx: &Context, namespace: &str, service: &str) -> Vec<Value> {
    let selector = escape(&format!("kubernetes.io/service-name={service}"));
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selector}");
    match cx.get(&path).await {
        Ok(list) => list["items"].as_array().cloned().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Up to three addresses of a port, and how many more.
fn endpoints(slices: &[Value], port: Option<&str>) -> String {
    if slices.is_empty() {
        return "<none>".to_owned();
    }
    let mut all = Vec::new();
    for slice in slices {
        let ready = |e: &&Value| e["conditions"]["ready"] != false;
        let ends: Vec<&Value> = slice["endpoints"].as_array().into_iter().flatten().filter(ready).collect();
        match slice["ports"].as_array().filter(|p| !p.is_empty()) {
            None => all.extend(ends.iter().map(|e| text(&e["addresses"][0]).to_owned())),
            Some(ports) => {
                for p in ports.iter().filter(|p| port.is_none_or(|name| text(&p["name"]) == name)) {
                    all.extend(ends.iter().map(|e| {
                        let address = text(&e["addresses"][0]);
                        let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
                        format!("{address}:{}", p["port"].as_i64().unwrap_or(0))
                    }));
                }
            }
        }
    }
    let shown = all.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    if all.len() > 3 { format!("{shown} + {} more...", all.len() - 3) } else { shown }
}

/// Adds a service.
pub async fn service(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (service, spec) = (&info.object, &info.object["spec"]);
    let slices = slices(cx, info.namespace.as_deref().unwrap_or_default(), &info.name).await;
    head(doc, service);
    marks(doc, service);
    doc.field(0, "Selector", inline_labels(&spec["selector"]));
    doc.field(0, "Type", text(&spec["type"]));
    if spec["ipFamilyPolicy"].is_string() {
        doc.field(0, "IP Family Policy", text(&spec["ipFamilyPolicy"]));
    }
    let joined = |key: &str| {
        let list = strings(&spec[key]);
        if list.is_empty() { "<none>".to_owned() } else { list.join(",") }
    };
    doc.field(0, "IP Families", joined("ipFamilies"));
    doc.field(0, "IP", text(&spec["clusterIP"]));
    doc.field(0, "IPs", joined("clusterIPs"));
    if joined("externalIPs") != "<none>" {
        doc.field(0, "External IPs", joined("externalIPs"));
    }
    for (title, key) in [("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName")] {
        if !text(&spec[key]).is_empty() {
            doc.field(0, title, text(&spec[key]));
        }
    }
    let balancer = balancer(&service["status"]["loadBalancer"]);
    if !balancer.is_empty() {
        doc.field(0, "LoadBalancer Ingress", balancer);
    }
    for port in spec["ports"].as_array().into_iter().flatten() {
        let name = port["name"].as_str().filter(|n| !n.is_empty()).unwrap_or("<unset>");
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        doc.field(0, "Port", format!("{name}\t{}/{protocol}", plain(&port["port"])));
        doc.field(0, "TargetPort", format!("{}/{protocol}", plain(&port["targetPort"])));
        if let Some(node_port) = port["nodePort"].as_i64().filter(|p| *p != 0) {
            doc.field(0, "NodePort", format!("{name}\t{node_port}/{protocol}"));
        }
        doc.field(0, "Endpoints", endpoints(&slices, Some(text(&port["name"]))));
    }
    doc.field(0, "Session Affinity", text(&spec["sessionAffinity"]));
    for (title, key) in [("External Traffic Policy", "externalTrafficPolicy"), ("Internal Traffic Policy", "internalTrafficPolicy")] {
        if spec[key].is_string() {
            doc.field(0, title, text(&spec[key]));
        }
    }
    if let Some(port) = spec["healthCheckNodePort"].as_i64().filter(|p| *p != 0) {
        doc.field(0, "HealthCheck NodePort", port.to_string());
    }
    if spec["trafficDistribution"].is_string() {
        doc.field(0, "Traffic Distribution", text(&spec["trafficDistribution"]));
    }
    Ok(())
}

fn balancer(status: &Value) -> String {
    let all = status["ingress"].as_array().into_iter().flatten();
    let texts: Vec<&str> = all.map(|i| if text(&i["ip"]).is_empty() { text(&i["hostname"]) } else { text(&i["ip"]) }).collect();
    texts.join(", ")
}

/// `web:80 (10.0.0.1:8080)`, or why there is nothing behind it.
async fn backend(cx: &Context, namespace: &str, backend: &Value) -> String {
    let service = &backend["service"];
    if !service.is_object() {
        let r = &backend["resource"];
        return format!("APIGroup: {}, Kind: {}, Name: {}", text(&r["apiGroup"]), text(&r["kind"]), text(&r["name"]));
    }
    let name = text(&service["name"]);
    let port = if text(&service["port"]["name"]).is_empty() {
        plain(&service["port"]["number"])
    } else {
        text(&service["port"]["name"]).to_owned()
    };
    let found = match cx.get(&format!("/api/v1/namespaces/{namespace}/services/{}", escape(name))).await {
        Err(e) => return format!("{name}:{port} (<error: {e}>)"),
        Ok(found) => found,
    };
    let slices = slices(cx, namespace, name).await;
    let ports = found["spec"]["ports"].as_array().into_iter().flatten();
    let matching = ports.into_iter().find(|p| plain(&p["port"]) == port || text(&p["name"]) == port);
    format!("{name}:{port} ({})", endpoints(&slices, Some(matching.map_or("", |p| text(&p["name"])))))
}

/// Adds an ingress.
pub async fn ingress(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let (ingress, spec) = (&info.object, &info.object["spec"]);
    let namespace = info.namespace.as_deref().unwrap_or_default();
    doc.field(0, "Name", &info.name);
    labels(doc, "Labels", &ingress["metadata"]["labels"]);
    doc.field(0, "Namespace", namespace);
    doc.field(0, "Address", balancer(&ingress["status"]["loadBalancer"]).replace(", ", ","));
    doc.field(0, "Ingress Class", spec["ingressClassName"].as_str().unwrap_or("<none>"));
    let default = match spec["defaultBackend"].is_object() {
        true => backend(cx, namespace, &spec["defaultBackend"]).await,
        false => "<default>".to_owned(),
    };
    doc.field(0, "Default backend", &default);
    if let Some(tls) = spec["tls"].as_array().filter(|l| !l.is_empty()) {
        doc.line(0, "TLS:");
        for entry in tls {
            let hosts = strings(&entry["hosts"]).join(",");
            match text(&entry["secretName"]) {
                "" => doc.line(1, format!("SNI routes {hosts}")),
                secret => doc.line(1, format!("{secret} terminates {hosts}")),
            }
        }
    }
    doc.line(0, "Rules:");
    doc.line(1, "Host\tPath\tBackends");
    doc.line(1, "----\t----\t--------");
    let mut count = 0;
    for rule in spec["rules"].as_array().into_iter().flatten().filter(|r| r["http"].is_object()) {
        count += 1;
        doc.line(1, format!("{}\t", rule["host"].as_str().filter(|h| !h.is_empty()).unwrap_or("*")));
        for path in rule["http"]["paths"].as_array().into_iter().flatten() {
            let to = backend(cx, namespace, &path["backend"]).await;
            doc.line(2, format!("\t{} \t{to}", text(&path["path"])));
        }
    }
    if count == 0 {
        doc.line(1, format!("*\t*\t{default}"));
    }
    annotations(doc, "Annotations", &ingress["metadata"]["annotations"]);
    Ok(())
}

/// Adds a network policy.
pub fn policy(doc: &mut Document, policy: &Value) {
    let spec = &policy["spec"];
    head(doc, policy);
    // Go's default form of a time, unlike everywhere else.
    let created = parse(&policy["metadata"]["creationTimestamp"]).map(|t| t.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string());
    doc.field(0, "Created on", created.unwrap_or_default());
    marks(doc, policy);
    doc.line(0, "Spec:");
    let chosen = match selector(&spec["podSelector"]).as_str() {
        "<none>" => "<none> (Allowing the specific traffic to all pods in this namespace)".to_owned(),
        chosen => chosen.to_owned(),
    };
    doc.line(1, format!("PodSelector:     {chosen}"));
    let types = strings(&spec["policyTypes"]);
    let enabled =
        |name: &str, key: &str| types.iter().any(|t| t == name) || (types.is_empty() && (name == "Ingress" || spec[key].is_array()));
    for (name, key, word, from, isolated) in [
        ("Ingress", "ingress", "ingress", "From", "<none> (Selected pods are isolated for ingress connectivity)"),
        ("Egress", "egress", "egress", "To", "<none> (Selected pods are isolated for egress connectivity)"),
    ] {
        if !enabled(name, key) {
            doc.line(1, format!("Not affecting {word} traffic"));
            continue;
        }
        doc.line(1, format!("Allowing {word} traffic:"));
        rules(doc, &spec[key], from, isolated);
    }
    doc.line(1, format!("Policy Types: {}", types.join(", ")));
}

fn rules(doc: &mut Document, rules: &Value, from: &str, isolated: &str) {
    let list = rules.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        doc.line(2, isolated);
        return;
    }
    for (i, rule) in list.iter().enumerate() {
        match rule["ports"].as_array().filter(|p| !p.is_empty()) {
            None => doc.line(2, "To Port: <any> (traffic allowed to all ports)"),
            Some(ports) => {
                for port in ports {
                    let protocol = port["protocol"].as_str().unwrap_or("TCP");
                    match port["endPort"].as_i64() {
                        Some(end) => doc.line(2, format!("To Port Range: {}-{end}/{protocol}", plain(&port["port"]))),
                        None => doc.line(2, format!("To Port: {}/{protocol}", plain(&port["port"]))),
                    }
                }
            }
        }
        let peers = rule[from.to_lowercase().as_str()].as_array().map(Vec::as_slice).unwrap_or_default();
        if peers.is_empty() {
            let side = if from == "From" { "source" } else { "destination" };
            doc.line(2, format!("{from}: <any> (traffic not restricted by {side})"));
        }
        for peer in peers {
            doc.line(2, format!("{from}:"));
            for (title, key) in [("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")] {
                if peer[key].is_object() {
                    doc.line(3, format!("{title}: {}", selector(&peer[key])));
                }
            }
            if peer["ipBlock"].is_object() {
                doc.line(3, "IPBlock:");
                doc.line(4, format!("CIDR: {}", text(&peer["ipBlock"]["cidr"])));
                doc.line(4, format!("Except: {}", strings(&peer["ipBlock"]["except"]).join(", ")));
            }
        }
        if i + 1 < list.len() {
            doc.line(2, "----------");
        }
    }
}
