//! `kubectl create role` and `kubectl create clusterrole`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;
use crate::resources::discovery::Discovery;

const FLAGS: &[Flag] = &[
    flag("verb", Kind::List, "", "Verbs that the rule allows."),
    flag("resource", Kind::List, "", "Resources that the rule is about: name[.group][/subresource]."),
    flag("resource-name", Kind::Array, "", "Names that the rule is limited to; may be repeated."),
];
const CLUSTER_FLAGS: &[Flag] = &[
    flag("non-resource-url", Kind::List, "", "URL paths that the rule allows."),
    flag("aggregation-rule", Kind::List, "", "Labels of the cluster roles to aggregate: key=value."),
];

/// `kubectl create role`.
pub const ROLE: Command = Command {
    path: &["create", "role"],
    aliases: &[],
    usage: "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]",
    short: "Create a role with single rule",
    long: "",
    examples: "kubectl create role reader --verb=get,list,watch --resource=pods,pods/log",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(role(cx))),
};

/// `kubectl create clusterrole`.
pub const CLUSTER_ROLE: Command = Command {
    path: &["create", "clusterrole"],
    aliases: &[],
    usage: "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]",
    short: "Create a cluster role",
    long: "",
    examples: "kubectl create clusterrole node-reader --verb=get,list --resource=nodes",
    flags: &[FLAGS, CLUSTER_FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(cluster_role(cx))),
};

const RESOURCE_VERBS: &[&str] = &[
    "get",
    "delete",
    "list",
    "create",
    "update",
    "patch",
    "watch",
    "proxy",
    "deletecollection",
    "use",
    "bind",
    "approve",
    "sign",
    "attest",
    "escalate",
    "impersonate",
    "*",
];

async fn role(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("rbac.authorization.k8s.io", "v1", "roles", "Role", true);
    let mut object = create::object(&resource, &name);
    if cx.flags.list("verb").is_empty() {
        return Err(Error::message("at least one verb must be specified"));
    }
    if cx.flags.list("resource").is_empty() {
        return Err(Error::message("at least one resource must be specified"));
    }
    object["rules"] = rules(cx).await?;
    create::submit(cx, &resource, object, "").await
}

async fn cluster_role(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false);
    let mut object = create::object(&resource, &name);
    let aggregation = cx.flags.list("aggregation-rule");
    if !aggregation.is_empty() {
        if cx.flags.changed("verb") || cx.flags.changed("resource") || cx.flags.changed("non-resource-url") {
            return Err(Error::message("aggregation rule must be specified without other flags"));
        }
        let labels: serde_json::Map<String, Value> =
            aggregation.iter().filter_map(|t| t.split_once('=')).map(|(k, v)| (k.to_owned(), v.into())).collect();
        object["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        object["rules"] = Value::Null;
        return create::submit(cx, &resource, object, "").await;
    }
    let (verbs, urls) = (cx.flags.list("verb"), cx.flags.list("non-resource-url"));
    if verbs.is_empty() {
        return Err(Error::message("at least one verb must be specified"));
    }
    if cx.flags.list("resource").is_empty() && urls.is_empty() {
        return Err(Error::message("at least one resource or nonResourceURL must be specified"));
    }
    let mut all = match cx.flags.list("resource").is_empty() {
        true => Vec::new(),
        false => rules(cx).await?.as_array().cloned().unwrap_or_default(),
    };
    if !urls.is_empty() {
        all.push(json!({"nonResourceURLs": urls, "verbs": verbs}));
    }
    object["rules"] = Value::Array(all);
    create::submit(cx, &resource, object, "").await
}

/// One rule for each API group, as upstream's `generateResourcePolicyRules` makes them.
async fn rules(cx: &Context) -> Result<Value, Error> {
    let mut verbs: Vec<String> = Vec::new();
    for verb in cx.flags.list("verb") {
        if verb == "*" {
            verbs = vec![verb];
            break;
        }
        if !RESOURCE_VERBS.contains(&verb.as_str()) {
            cx.eprintln(format!("Warning: '{verb}' is not a standard resource verb")).await?;
        }
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    let names = cx.flags.list("resource-name");
    let wanted = cx.flags.list("resource");
    if !names.is_empty() && wanted.len() > 1 && wanted.iter().any(|r| r == "*") {
        return Err(Error::message("resource name(s) can not be applied to multiple resources"));
    }
    let mut by_group: Vec<(String, Vec<String>)> = Vec::new();
    for text in wanted {
        let (group, resource) = locate(&text, || async { cx.discovery().await }).await?;
        match by_group.iter_mut().find(|(g, _)| *g == group) {
            Some((_, resources)) if !resources.contains(&resource) => resources.push(resource),
            Some(_) => {}
            None => by_group.push((group, vec![resource])),
        }
    }
    by_group.sort();
    let rules = by_group.into_iter().map(|(group, mut resources)| {
        resources.sort();
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    });
    Ok(rules.collect())
}

async fn locate<F, Fut>(text: &str, discovery: F) -> Result<(String, String), Error>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<Arc<Discovery>, Error>>,
{
    let (main, sub) = match text.split_once('/') {
        Some((main, sub)) => (main, Some(sub)),
        None => (text, None),
    };
    if main.is_empty() {
        return Err(Error::message(format!("resource is required in {text:?}")));
    }
    if main == "*" {
        return Ok((String::new(), "*".to_owned()));
    }
    if let Some(group) = main.strip_prefix("*.") {
        return Ok((group.to_owned(), "*".to_owned()));
    }
    // Upstream passes the mapper's error on without a prefix.
    let found = discovery().await?.find(main).map_err(|e| Error::Verbatim(e.to_string()))?;
    let name = sub.map_or_else(|| found.name.clone(), |sub| format!("{}/{sub}", found.name));
    Ok((found.group.clone(), name))
}
