//! `kubectl create ingress`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[
    flag("rule", Kind::Array, "", "host/path=service:port[,tls[=secret]]; may be repeated."),
    flag("class", Kind::Text, "", "Ingress class."),
    flag("default-backend", Kind::Text, "", "Service for everything else: service:port."),
    flag("annotation", Kind::Array, "", "Annotation: key=value; may be repeated."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "ingress"],
    aliases: &["ing"],
    usage: "NAME --rule=host/path=service:port[,tls[=secret]]",
    short: "Create an ingress with the specified name",
    long: "",
    examples: "# One path, exactly\nkubectl create ingress web --class=nginx --rule=\"shop.example/cart=cart:80\"\n\n# Everything below a path\nkubectl create ingress web --rule=\"shop.example/*=web:80\"",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

struct Rule {
    host: String,
    path: Value,
    /// `None`: no TLS. `Some("")`: TLS without a secret.
    tls: Option<String>,
}

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let (texts, default) = (cx.flags.list("rule"), cx.flags.given("default-backend"));
    if texts.is_empty() && default.is_none() {
        return Err(Error::message(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    let resource = builtin("networking.k8s.io", "v1", "ingresses", "Ingress", true);
    let mut object = create::object(&resource, &name);
    for text in cx.flags.list("annotation") {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Error::message(format!("annotation {text} is invalid and should be in format key=value")))?;
        object["metadata"]["annotations"][key] = value.into();
    }
    let mut spec = json!({});
    if let Some(text) = default {
        let backend = backend(text).ok_or_else(|| Error::message("default-backend should be in format servicename:serviceport"))?;
        spec["defaultBackend"] = backend;
    }
    if let Some(class) = cx.flags.given("class") {
        spec["ingressClassName"] = class.into();
    }
    let parsed = texts.iter().map(|t| rule(t)).collect::<Result<Vec<_>, _>>()?;
    let (mut rules, mut tls): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for Rule { host, path, tls: secret } in parsed {
        match rules.iter_mut().find(|r| r["host"].as_str().unwrap_or_default() == host) {
            Some(rule) => {
                if let Some(paths) = rule["http"]["paths"].as_array_mut() {
                    paths.push(path);
                }
            }
            None => {
                let mut rule = json!({"http": {"paths": [path]}});
                if !host.is_empty() {
                    rule["host"] = host.clone().into();
                }
                rules.push(rule);
            }
        }
        let Some(secret) = secret else { continue };
        match tls.iter_mut().find(|t| t["secretName"].as_str().unwrap_or_default() == secret) {
            Some(entry) => {
                if let Some(hosts) = entry["hosts"].as_array_mut().filter(|h| !host.is_empty() && !h.contains(&json!(host))) {
                    hosts.push(host.into());
                }
            }
            None => {
                let mut entry = json!({});
                if !host.is_empty() {
                    entry["hosts"] = json!([host]);
                }
                if !secret.is_empty() {
                    entry["secretName"] = secret.into();
                }
                tls.push(entry);
            }
        }
    }
    if !rules.is_empty() {
        spec["rules"] = Value::Array(rules);
    }
    if !tls.is_empty() {
        spec["tls"] = Value::Array(tls);
    }
    object["spec"] = spec;
    object["status"] = json!({"loadBalancer": {}});
    create::submit(cx, &resource, object, "ingress").await
}

fn backend(text: &str) -> Option<Value> {
    let (service, port) = text.split_once(':').filter(|(s, p)| !s.is_empty() && !p.is_empty())?;
    let port = match port.parse::<u16>() {
        Ok(number) => json!({"number": number}),
        Err(_) => json!({"name": port}),
    };
    Some(json!({"service": {"name": service, "port": port}}))
}

/// `host/path=service:port[,tls[=secret]]`; a path that ends in `*` is a prefix.
fn rule(text: &str) -> Result<Rule, Error> {
    let wrong = || Error::message(format!("rule {text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"));
    let (target, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (host, path) = target.split_once('/').ok_or_else(wrong)?;
    let (service, tls) = match rest.split_once(',') {
        Some((service, tls)) => (service, Some(tls)),
        None => (rest, None),
    };
    let tls = match tls {
        None => None,
        Some("tls") => Some(String::new()),
        Some(other) => Some(other.strip_prefix("tls=").ok_or_else(wrong)?.to_owned()),
    };
    let backend = backend(service).ok_or_else(wrong)?;
    let (path, kind) = match path.strip_suffix('*') {
        Some(prefix) => (prefix, "Prefix"),
        None => (path, "Exact"),
    };
    Ok(Rule { host: host.to_owned(), path: json!({"backend": backend, "path": format!("/{path}"), "pathType": kind}), tls })
}

#[cfg(test)]
mod tests {
    use super::rule;

    #[test]
    fn rules() {
        let r = rule("a.com/x*=svc:80,tls=sec").unwrap();
        assert_eq!((r.host.as_str(), r.tls.as_deref()), ("a.com", Some("sec")));
        assert_eq!(r.path["path"], "/x");
        assert_eq!(r.path["pathType"], "Prefix");
        assert_eq!(rule("/y=svc:http").unwrap().path["backend"]["service"]["port"]["name"], "http");
        assert!(rule("a.com=svc:80").is_err() && rule("/a=svc").is_err());
    }
}
