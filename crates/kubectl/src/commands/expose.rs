//! `kubectl expose`.

use serde_json::{Map, Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{self, DRY_RUN, DryRun, SAVE_CONFIG, builtin};
use crate::print::OUTPUT;
use crate::resources::args::{Info, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("port", Kind::Text, "", "Port of the service."),
    flag("target-port", Kind::Text, "", "Port, or name of a port, of the pods; the service's own unless given."),
    flag("protocol", Kind::Text, "", "TCP, UDP or SCTP."),
    flag("type", Kind::Text, "", "ClusterIP, NodePort, LoadBalancer or ExternalName."),
    flag("name", Kind::Text, "", "Name of the service; the object's own unless given."),
    flag("selector", Kind::Text, "", "Labels of the pods; the object's own unless given."),
    short("labels", 'l', Kind::Text, "", "Labels of the service."),
    flag("cluster-ip", Kind::Text, "", "Cluster IP; None for a headless service."),
    flag("external-ip", Kind::Text, "", "Address that the service answers on too."),
    flag("load-balancer-ip", Kind::Text, "", "Address for the load balancer."),
    flag("session-affinity", Kind::Text, "", "None or ClientIP."),
    flag("overrides", Kind::Text, "", "JSON that is merged into the service."),
    flag("override-type", Kind::Text, "merge", "merge only."),
    flag("field-manager", Kind::Text, "kubectl-expose", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["expose"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
    short: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    long: "Create a service for the pods of an object.",
    examples: "kubectl expose deployment web --port=80 --target-port=8080\nkubectl expose pod web --port=80 --name=front --type=NodePort",
    flags: &[FLAGS, FILENAME, DRY_RUN, SAVE_CONFIG, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let dry_run = DryRun::of(cx).await?;
    let mut selection = Selection::of(cx);
    // `--selector` is the new service's here, not a choice of objects.
    selection.labels = None;
    let (infos, errors) = selection.fetch(cx).await?;
    if let Some(error) = Error::collect(errors) {
        return Err(error);
    }
    for info in infos {
        let mut service = build(cx, &info)?;
        if cx.namespace_enforced() {
            service["metadata"]["namespace"] = info.namespace.clone().into();
        }
        if let Some(text) = cx.flags.given("overrides") {
            let change: Value = serde_json::from_str(text).map_err(|e| Error::message(format!("invalid overrides: {e}")))?;
            json_patch::merge(&mut service, &change);
        }
        if cx.flags.on("save-config") {
            operation::annotate_last_applied(&mut service);
        }
        if dry_run != DryRun::Client {
            let resource = builtin("", "v1", "services", "Service", true);
            let path =
                format!("{}{}", resource.collection(info.namespace.as_deref()), operation::write_query(cx, dry_run, "kubectl-expose")?);
            service = cx.post(&path, &service).await?;
        }
        operation::announce(cx, &service, "exposed", dry_run).await?;
    }
    Ok(())
}

fn build(cx: &Context, info: &Info) -> Result<Value, Error> {
    let (object, kind) = (&info.object, info.resource.kind.as_str());
    let selector = match cx.flags.given("selector") {
        Some(text) => labels(text)?,
        None => selector_of(object, kind)?,
    };
    let mut ports = Vec::new();
    let protocols = ports_of(object, kind);
    match cx.flags.given("port") {
        Some(text) => {
            let many = text.contains(',');
            for (i, port) in text.split(',').enumerate() {
                let number: i32 =
                    port.trim().parse().map_err(|_| Error::message(format!("strconv.Atoi: parsing {port:?}: invalid syntax")))?;
                let protocol = cx
                    .flags
                    .given("protocol")
                    .map(str::to_uppercase)
                    .or_else(|| protocols.iter().find(|(p, _)| *p == i64::from(number)).map(|(_, proto)| proto.clone()));
                let mut entry = json!({"port": number, "protocol": protocol.unwrap_or_else(|| "TCP".to_owned())});
                if many {
                    entry["name"] = format!("port-{}", i + 1).into();
                }
                ports.push(entry);
            }
        }
        None => {
            if protocols.is_empty() {
                return Err(Error::message("couldn't find port via --port flag or introspection"));
            }
            let many = protocols.len() > 1;
            for (i, (port, protocol)) in protocols.iter().enumerate() {
                let mut entry = json!({"port": port, "protocol": protocol});
                if many {
                    entry["name"] = format!("port-{}", i + 1).into();
                }
                ports.push(entry);
            }
        }
    }
    let headless = cx.flags.text("cluster-ip") == "None";
    for port in &mut ports {
        let target = match cx.flags.given("target-port") {
            Some(text) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            None => port["port"].clone(),
        };
        port["targetPort"] = target;
    }
    let name = cx.flags.given("name").unwrap_or(&info.name).chars().take(63).collect::<String>();
    let mut service = crate::commands::create::object(&builtin("", "v1", "services", "Service", true), &name);
    let own = match cx.flags.given("labels") {
        Some(text) => Value::Object(labels(text)?),
        None => object["metadata"]["labels"].clone(),
    };
    if own.as_object().is_some_and(|m| !m.is_empty()) {
        service["metadata"]["labels"] = own;
    }
    service["spec"] = json!({"ports": ports, "selector": selector});
    for (flag, key) in
        [("type", "type"), ("cluster-ip", "clusterIP"), ("load-balancer-ip", "loadBalancerIP"), ("session-affinity", "sessionAffinity")]
    {
        if let Some(value) = cx.flags.given(flag) {
            service["spec"][key] = value.into();
        }
    }
    if headless {
        service["spec"]["clusterIP"] = "None".into();
    }
    if let Some(ip) = cx.flags.given("external-ip") {
        service["spec"]["externalIPs"] = json!([ip]);
    }
    service["status"] = json!({"loadBalancer": {}});
    Ok(service)
}

fn labels(text: &str) -> Result<Map<String, Value>, Error> {
    let pairs = text.split(',').map(|part| {
        let (key, value) = part.split_once('=').ok_or_else(|| Error::message(format!("unexpected label spec: {part}")))?;
        Ok((key.to_owned(), value.into()))
    });
    pairs.collect()
}

fn selector_of(object: &Value, kind: &str) -> Result<Map<String, Value>, Error> {
    let labels = match kind {
        "Pod" => &object["metadata"]["labels"],
        "Service" | "ReplicationController" => &object["spec"]["selector"],
        "Deployment" | "ReplicaSet" => {
            if object["spec"]["selector"]["matchExpressions"].as_array().is_some_and(|l| !l.is_empty()) {
                return Err(Error::message("couldn't convert expressions - \"matchExpressions\" to map-based selector format"));
            }
            &object["spec"]["selector"]["matchLabels"]
        }
        other => return Err(Error::message(format!("cannot expose a {other}"))),
    };
    match labels.as_object().filter(|m| !m.is_empty()) {
        Some(map) => Ok(map.clone()),
        None if kind == "Pod" => Err(Error::message(
            "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
        )),
        None => Err(Error::message(
            "couldn't retrieve selectors via --selector flag or introspection: invalid deployment: no selectors, therefore cannot be exposed",
        )),
    }
}

/// Ports and protocols that the object declares.
fn ports_of(object: &Value, kind: &str) -> Vec<(i64, String)> {
    let (lists, key): (Vec<&Value>, _) = match kind {
        "Service" => (vec![&object["spec"]["ports"]], "port"),
        "Pod" => (object["spec"]["containers"].as_array().into_iter().flatten().map(|c| &c["ports"]).collect(), "containerPort"),
        _ => (
            object["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten().map(|c| &c["ports"]).collect(),
            "containerPort",
        ),
    };
    let ports = lists.into_iter().filter_map(Value::as_array).flatten();
    ports.filter_map(|p| Some((p[key].as_i64()?, p["protocol"].as_str().unwrap_or("TCP").to_owned()))).collect()
}
