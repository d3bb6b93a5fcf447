//! Namespaces, resource quotas, limit ranges.

use serde_json::Value;

use crate::context::Context;
use crate::describe::document::Document;
use crate::describe::metadata::{head, marks, quantity, strings, text};
use crate::describe::time::rfc1123;
use crate::error::Error;
use crate::resources::args::Info;

/// Adds a namespace with its quotas and limits.
pub async fn describe(cx: &Context, doc: &mut Document, info: &Info) -> Result<(), Error> {
    let namespace = &info.object;
    let list = async |kind: &str| -> Vec<Value> {
        match cx.get(&format!("/api/v1/namespaces/{}/{kind}", info.name)).await {
            Ok(list) => list["items"].as_array().cloned().unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    };
    let (mut quotas, limits) = (list("resourcequotas").await, list("limitranges").await);
    doc.field(0, "Name", &info.name);
    marks(doc, namespace);
    doc.field(0, "Status", text(&namespace["status"]["phase"]));
    if let Some(conditions) = namespace["status"]["conditions"].as_array().filter(|l| !l.is_empty()) {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
        doc.line(1, "----\t------\t------------------\t------\t-------");
        for c in conditions {
            doc.line(
                1,
                format!(
                    "{}\t{}\t{}\t{}\t{}",
                    text(&c["type"]),
                    text(&c["status"]),
                    rfc1123(&c["lastTransitionTime"]),
                    text(&c["reason"]),
                    text(&c["message"])
                ),
            );
        }
    }
    doc.line(0, "");
    if quotas.is_empty() {
        doc.line(0, "No resource quota.");
    } else {
        quotas.sort_by_key(|q| text(&q["metadata"]["name"]).to_owned());
        doc.line(0, "Resource Quotas");
        for q in &quotas {
            doc.field(1, "Name", text(&q["metadata"]["name"]));
            scopes(doc, q, 1);
            amounts(doc, q, 1, "---");
        }
    }
    doc.line(0, "");
    if limits.is_empty() {
        doc.line(0, "No LimitRange resource.");
    } else {
        doc.line(0, "Resource Limits");
        limit_table(doc, limits.iter(), " ");
    }
    Ok(())
}

fn scopes(doc: &mut Document, quota: &Value, level: usize) {
    let mut scopes = strings(&quota["spec"]["scopes"]);
    if scopes.is_empty() {
        return;
    }
    scopes.sort();
    doc.field(level, "Scopes", scopes.join(", "));
    for scope in scopes {
        let help = match scope.as_str() {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
            }
            _ => continue,
        };
        doc.line(level, format!(" * {help}"));
    }
}

fn amounts(doc: &mut Document, quota: &Value, level: usize, rule: &str) {
    doc.line(level, "Resource\tUsed\tHard");
    doc.line(level, format!("--------\t{rule}\t{rule}"));
    let hard = quota["status"]["hard"].as_object().cloned().unwrap_or_default();
    let mut names: Vec<&String> = hard.keys().collect();
    names.sort();
    for name in names {
        doc.line(level, format!("{name}\t{}\t{}", quantity(&quota["status"]["used"][name]), quantity(&hard[name])));
    }
}

/// Adds a resource quota.
pub fn quota(doc: &mut Document, quota: &Value) {
    head(doc, quota);
    scopes(doc, quota, 0);
    amounts(doc, quota, 0, "----");
}

/// Adds a limit range.
pub fn limit_range(doc: &mut Document, range: &Value) {
    head(doc, range);
    limit_table(doc, std::iter::once(range), "");
}

fn limit_table<'a>(doc: &mut Document, ranges: impl Iterator<Item = &'a Value>, indent: &str) {
    doc.line(0, format!("{indent}Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio"));
    doc.line(0, format!("{indent}----\t--------\t---\t---\t---------------\t-------------\t-----------------------"));
    for range in ranges {
        for limit in range["spec"]["limits"].as_array().into_iter().flatten() {
            const KEYS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
            let mut names: Vec<&String> = KEYS.iter().flat_map(|k| limit[*k].as_object().into_iter().flatten().map(|(n, _)| n)).collect();
            names.sort();
            names.dedup();
            for name in names {
                let cells = KEYS.map(|k| if limit[k][name].is_null() { "-".to_owned() } else { quantity(&limit[k][name]) });
                doc.line(0, format!("{indent}{}\t{name}\t{}", text(&limit["type"]), cells.join("\t")));
            }
        }
    }
}
