//! Roles and role bindings.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{marks, strings, text};

/// Adds a role or cluster role: one row for each resource, as upstream's `BreakdownRule` and `CompactRules` leave it.
pub fn role(doc: &mut Document, role: &Value) {
    doc.field(0, "Name", text(&role["metadata"]["name"]));
    marks(doc, role);
    doc.line(0, "PolicyRule:");
    doc.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    doc.line(1, "---------\t-----------------\t--------------\t-----");
    for row in rows(&role["rules"]) {
        doc.line(1, row.join("\t"));
    }
}

/// Resources, URLs, names and verbs, one row for each resource or URL; verbs of equal subjects are joined.
pub fn rows(rules: &Value) -> Vec<[String; 4]> {
    // group, resource, URL, name → verbs, in the order of their first appearance
    let mut compact: Vec<([String; 4], Vec<String>)> = Vec::new();
    // Only rules about resources are joined.
    let mut note = |key: [String; 4], verbs: &[String]| match compact.iter_mut().find(|(k, _)| *k == key && k[2].is_empty()) {
        Some((_, known)) => {
            for verb in verbs {
                if !known.contains(verb) {
                    known.push(verb.clone());
                }
            }
        }
        None => compact.push((key, verbs.to_vec())),
    };
    for rule in rules.as_array().into_iter().flatten() {
        let verbs = strings(&rule["verbs"]);
        let names = strings(&rule["resourceNames"]);
        let names = if names.is_empty() { vec![String::new()] } else { names };
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                for name in &names {
                    note([group.clone(), resource.clone(), String::new(), name.clone()], &verbs);
                }
            }
        }
        for url in strings(&rule["nonResourceURLs"]) {
            note([String::new(), String::new(), url, String::new()], &verbs);
        }
    }
    // Upstream sorts by the rule's text, in which verbs come first, then group, resource, name and URL.
    compact.sort_by_cached_key(|([group, resource, url, name], verbs)| {
        format!("[{}],[{group}],[{resource}],[{name}],[{url}]", verbs.join(" "))
    });
    let bracket = |text: &str| format!("[{text}]");
    compact
        .into_iter()
        .map(|([group, resource, url, name], verbs)| {
            let shown = match (resource.split_once('/'), group.as_str()) {
                (_, "") => resource.clone(),
                (Some((main, sub)), group) => format!("{main}.{group}/{sub}"),
                (None, group) => format!("{resource}.{group}"),
            };
            [shown, bracket(&url), bracket(&name), format!("[{}]", verbs.join(" "))]
        })
        .collect()
}

/// Adds a role binding or cluster role binding.
pub fn binding(doc: &mut Document, binding: &Value) {
    doc.field(0, "Name", text(&binding["metadata"]["name"]));
    marks(doc, binding);
    doc.line(0, "Role:");
    doc.field(1, "Kind", text(&binding["roleRef"]["kind"]));
    doc.field(1, "Name", text(&binding["roleRef"]["name"]));
    doc.line(0, "Subjects:");
    doc.line(1, "Kind\tName\tNamespace");
    doc.line(1, "----\t----\t---------");
    for s in binding["subjects"].as_array().into_iter().flatten() {
        doc.line(1, format!("{}\t{}\t{}", text(&s["kind"]), text(&s["name"]), text(&s["namespace"])));
    }
}
