//! `kubectl create service clusterip|nodeport|loadbalancer|externalname`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["create", "service"],
    aliases: &["svc"],
    usage: "(clusterip | externalname | loadbalancer | nodeport)",
    short: "Create a service using a specified subcommand",
    long: "",
    examples: "",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

const TCP: &[Flag] = &[flag("tcp", Kind::List, "", "Port, or port and target port: 80:8080; may be repeated.")];
const CLUSTER_IP_FLAGS: &[Flag] = &[flag("clusterip", Kind::Text, "", "Cluster IP; None for a headless service.")];
const NODE_PORT_FLAGS: &[Flag] = &[flag("node-port", Kind::Int, "0", "Port on every node; 0 lets the server choose.")];
const EXTERNAL_NAME_FLAGS: &[Flag] = &[flag("external-name", Kind::Text, "", "Name that DNS answers with.")];

/// `kubectl create service clusterip`.
pub const CLUSTER_IP: Command = Command {
    path: &["create", "service", "clusterip"],
    aliases: &[],
    usage: "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
    short: "Create a ClusterIP service",
    long: "",
    examples: "kubectl create service clusterip web --tcp=80:8080",
    flags: &[TCP, CLUSTER_IP_FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx, "ClusterIP"))),
};

/// `kubectl create service nodeport`.
pub const NODE_PORT: Command = Command {
    path: &["create", "service", "nodeport"],
    aliases: &[],
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    short: "Create a NodePort service",
    long: "",
    examples: "kubectl create service nodeport web --tcp=80:8080 --node-port=30080",
    flags: &[TCP, NODE_PORT_FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx, "NodePort"))),
};

/// `kubectl create service loadbalancer`.
pub const LOAD_BALANCER: Command = Command {
    path: &["create", "service", "loadbalancer"],
    aliases: &[],
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    short: "Create a LoadBalancer service",
    long: "",
    examples: "kubectl create service loadbalancer web --tcp=80",
    flags: &[TCP, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx, "LoadBalancer"))),
};

/// `kubectl create service externalname`.
pub const EXTERNAL_NAME: Command = Command {
    path: &["create", "service", "externalname"],
    aliases: &[],
    usage: "NAME --external-name external.name [--dry-run=server|client|none]",
    short: "Create an ExternalName service",
    long: "",
    examples: "kubectl create service externalname db --external-name=db.example.com",
    flags: &[TCP, EXTERNAL_NAME_FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx, "ExternalName"))),
};

async fn run(cx: &Context, kind: &str) -> Result<(), Error> {
    if kind == "ExternalName" {
        create::required(cx, &["external-name"])?;
    }
    let name = create::name(cx)?;
    let headless = kind == "ClusterIP" && cx.flags.text("clusterip") == "None";
    let mut ports = Vec::new();
    for text in cx.flags.list("tcp") {
        let mut port = parse_port(&text)?;
        if kind == "NodePort" && cx.flags.int("node-port") != 0 {
            port["nodePort"] = cx.flags.int("node-port").into();
        }
        ports.push(port);
    }
    if ports.is_empty() && !headless && kind != "ExternalName" {
        return Err(Error::message("at least one tcp port specifier must be provided"));
    }
    let resource = builtin("", "v1", "services", "Service", true);
    let mut object = create::object(&resource, &name);
    object["metadata"]["labels"] = json!({"app": name});
    object["spec"] = json!({"selector": {"app": name}, "type": kind});
    if !ports.is_empty() {
        object["spec"]["ports"] = Value::Array(ports);
    }
    if let Some(ip) = cx.flags.given("clusterip") {
        object["spec"]["clusterIP"] = ip.into();
    }
    if let Some(external) = cx.flags.given("external-name") {
        object["spec"]["externalName"] = external.into();
    }
    object["status"] = json!({"loadBalancer": {}});
    create::submit(cx, &resource, object, &format!("{kind} service")).await
}

/// `80`, `80:8080` or `80:name`.
fn parse_port(text: &str) -> Result<Value, Error> {
    let (port, target) = text.split_once(':').unwrap_or((text, text));
    // Whether a number may be a port is for the server to say.
    let number: i32 = port.parse().map_err(|_| Error::message(format!("strconv.ParseInt: parsing {port:?}: invalid syntax")))?;
    let target = target.parse::<i32>().map_or_else(|_| Value::from(target), Value::from);
    Ok(json!({"name": text.replace(':', "-"), "port": number, "protocol": "TCP", "targetPort": target}))
}
