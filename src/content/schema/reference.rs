//! docs/authoring/checks.md: every check with its keys, from the types, and an example of each.

use serde_json::Value;

use super::generate::{DocumentKind, schema};

/// One example of each check, by its tag. `reference` refuses to be written without one.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("node", r#"node: {name: "{{ node }}", conditions: {Ready: "True"}, schedulable: true}"#),
    ("units", r#"units: {node: "{{ node }}", active: [kubelet], enabled: [kubelet]}"#),
    ("workload", r#"workload: {kind: Deployment, namespace: shop, name: web, replicas: 3, image: "nginx:1.27"}"#),
    ("daemonSetPod", r#"daemonSetPod: {namespace: shop, name: probe, node: "{{ node }}"}"#),
    ("podPlacement", r#"podPlacement: {namespace: shop, selector: "app=web", notOnNodes: ["{{ node }}"], minimum: 2}"#),
    (
        "resource",
        r#"resource: {kind: Deployment, namespace: shop, name: web, fields: {spec: {template: {spec: {containers: [{name: web, resources: {limits: {memory: 128Mi}}}]}}}}}"#,
    ),
    ("absent", r#"absent: {kind: Pod, namespace: shop, selector: "app=old"}"#),
    ("condition", r#"condition: {kind: CertificateSigningRequest, name: mira, type: Approved}"#),
    (
        "cel",
        r#"cel: {list: {kind: Pod, namespace: shop}, expr: "size(objects) > 0 && objects.all(o, o.spec.nodeName != '')", expected: every Pod placed}"#,
    ),
    ("logs", r#"logs: {namespace: shop, selector: "app=web", container: sidecar, text: {contains: GET /}}"#),
    ("exec", r#"exec: {namespace: shop, pod: data, command: [cat, /data/marker], stdout: {equals: "{{ marker }}"}}"#),
    ("file", r#"file: {node: "{{ node }}", path: "{{ inventory.kubeletConfig }}", mode: "0644", text: {contains: "clusterDNS"}}"#),
    ("fileAnswer", r#"fileAnswer: {path: /root/pods.txt, lines: [web-0, web-1]}"#),
    (
        "access",
        r#"access: {as: {serviceAccount: {namespace: shop, name: robot}}, can: [{verbs: [get, list], resource: pods, namespace: shop}], cannot: [{verbs: [delete], resource: pods, namespace: shop}]}"#,
    ),
    ("serviceEndpoints", r#"serviceEndpoints: {namespace: shop, name: web, minimum: 2, port: 8080, selector: "app=web"}"#),
    (
        "http",
        r#"http: {from: {pod: {namespace: shop, selector: "app=client"}}, url: "http://web.shop", status: 200, body: {contains: welcome}}"#,
    ),
    (
        "traffic",
        r#"traffic: {paths: [{from: {pod: {namespace: shop, selector: "app=api"}}, to: "db:5432"}, {from: {pod: {namespace: shop, selector: "app=web"}}, to: "db:5432", is: timedOut}]}"#,
    ),
    ("podsReady", r#"podsReady: {namespace: shop, selector: "app=web", minimum: 2}"#),
    ("endpointShare", r#"endpointShare: {namespace: shop, service: web, selector: "version=v2", percent: 25}"#),
    ("claim", r#"claim: {namespace: shop, name: data, volume: pv-orders, reclaimPolicy: Retain}"#),
    ("rbac", r#"rbac: {as: {user: mira}, exactly: [{verbs: [get, list], resource: pods, namespace: shop}]}"#),
    ("kubeconfig", r#"kubeconfig: {path: /root/mira.conf, user: mira, groups: [platform]}"#),
    ("certificate", r#"certificate: {path: /root/mira.crt, commonName: mira, organizations: [platform], lifetime: {atMost: 24h}}"#),
    ("staticPod", r#"staticPod: {name: kube-apiserver, flags: {"--profiling": "false"}, oneManifestIn: "{{ inventory.manifests }}"}"#),
    ("component", r#"component: {name: kube-scheduler}"#),
    (
        "dns",
        r#"dns: {from: {pods: {namespace: shop, selector: "app=client"}}, name: web.shop.svc.cluster.local, service: {namespace: shop, name: web}}"#,
    ),
    ("all", r#"all: [{units: {active: [kubelet]}}, {units: {enabled: [kubelet]}}]"#),
    ("any", r#"any: [{workload: {kind: Deployment, name: web}}, {workload: {kind: StatefulSet, name: web}}]"#),
    ("not", r#"not: {units: {active: [nginx]}}"#),
];

/// The document.
pub fn checks() -> String {
    let root = schema(DocumentKind::Scenario);
    let mut out = String::from(
        "# Checks\n\n\
         What `expect` may be, in checks, gates, `wait` and `visibleWhen`: exactly one of these keys. Keys in **bold** must be given. How \
         selectors, text matches and `fields` are read stands in [format.md](format.md#checks); what a check is worth and when it \
         counts, too.\n\n\
         This page is made from the code; `UPDATE_DOCS=1 cargo test committed_docs` writes it anew.\n",
    );
    let mut shared: Vec<String> = Vec::new();
    for variant in alternatives(&root["$defs"]["Expect"]) {
        let Some(tag) = variant["required"][0].as_str() else { continue };
        out.push_str(&format!("\n## `{tag}`\n\n{}\n", variant["description"].as_str().unwrap_or_default()));
        let example = EXAMPLES.iter().find(|(name, _)| *name == tag).map_or("", |(_, example)| example);
        out.push_str(&format!("\n```yaml\nexpect:\n  {example}\n```\n"));
        if let Some(name) = name_of(&variant["properties"][tag]).filter(|name| name != "Expect") {
            out.push_str(&keys(&root["$defs"][&name], &mut shared));
        }
    }
    out.push_str("\n# Parts of checks\n");
    let mut at = 0;
    while let Some(name) = shared.get(at).cloned() {
        let part = &root["$defs"][&name];
        out.push_str(&format!("\n## {name}\n\n{}\n", one_line(part["description"].as_str().unwrap_or_default())));
        let words: Vec<String> = alternatives(part)
            .iter()
            .filter_map(|a| word(a))
            .chain(part["enum"].as_array().into_iter().flatten().filter_map(|w| Some(format!("`{}`", w.as_str()?))))
            .collect();
        if !words.is_empty() {
            out.push_str(&format!("\n{}\n", words.join("\n")));
        }
        out.push_str(&keys(part, &mut shared));
        at += 1;
    }
    out
}

/// A table of a map's keys. Types with a name of their own are remembered.
fn keys(part: &Value, shared: &mut Vec<String>) -> String {
    let Some(properties) = part["properties"].as_object() else { return String::new() };
    let required: Vec<&str> = part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut out = String::from("\n| key | value | what |\n|---|---|---|\n");
    for (key, property) in properties {
        let shown = if required.contains(&key.as_str()) { format!("**`{key}`**") } else { format!("`{key}`") };
        let default = property
            .get("default")
            .filter(|d| !d.is_null() && **d != Value::Array(vec![]) && !d.as_object().is_some_and(serde_json::Map::is_empty));
        let default = default.map_or_else(String::new, |d| format!(" `{d}` unless given."));
        let what = one_line(property["description"].as_str().unwrap_or_default());
        out.push_str(&format!("| {shown} | {} | {what}{default} |\n", kind(property, shared)));
    }
    out
}

/// What a value is, in words.
fn kind(property: &Value, shared: &mut Vec<String>) -> String {
    if let Some(name) = name_of(property) {
        return match name.as_str() {
            "Number" => "number".to_owned(),
            "Expect" => "a check".to_owned(),
            _ => {
                if !shared.contains(&name) {
                    shared.push(name.clone());
                }
                format!("[{name}](#{})", name.to_lowercase())
            }
        };
    }
    if let Some(several) = property["anyOf"].as_array() {
        let several: Vec<&Value> = several.iter().filter(|a| a["type"] != "null").collect();
        if let [only] = several.as_slice() {
            return kind(only, shared);
        }
    }
    let types: Vec<&str> = match &property["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
        _ => return "anything".to_owned(),
    };
    match types.as_slice() {
        ["string"] => "text".to_owned(),
        ["integer" | "number"] => "number".to_owned(),
        ["boolean"] => "true or false".to_owned(),
        ["array"] => format!("list of {}", kind(&property["items"], shared)),
        ["object"] => match &property["additionalProperties"] {
            Value::Object(_) => format!("map to {}", kind(&property["additionalProperties"], shared)),
            _ => "map".to_owned(),
        },
        other => other.join(" or "),
    }
}

/// The name of the type that a property refers to.
fn name_of(property: &Value) -> Option<String> {
    let reference = |value: &Value| value["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")).map(str::to_owned);
    reference(property).or_else(|| reference(&property["items"]).filter(|name| name == "Expect"))
}

fn alternatives(part: &Value) -> Vec<&Value> {
    part["oneOf"].as_array().or_else(|| part["anyOf"].as_array()).into_iter().flatten().collect()
}

fn word(alternative: &Value) -> Option<String> {
    let word = alternative["const"].as_str().or_else(|| alternative["enum"][0].as_str())?;
    Some(format!("- `{word}`: {}", one_line(alternative["description"].as_str().unwrap_or_default())))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::grade::Expect;

    #[test]
    fn every_check_has_an_example_that_decodes() {
        let root = schema(DocumentKind::Scenario);
        let tags: Vec<&str> = alternatives(&root["$defs"]["Expect"]).iter().filter_map(|v| v["required"][0].as_str()).collect();
        assert!(tags.len() > 15, "{tags:?}");
        let examples: Vec<&str> = EXAMPLES.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, examples, "each check has one example, in the order of `Expect`");
        for (tag, example) in EXAMPLES {
            let value: Value = serde_saphyr::from_str(example).unwrap_or_else(|e| panic!("{tag}: {e}"));
            let _: Expect = serde_json::from_value(value).unwrap_or_else(|e| panic!("{tag}: {e}"));
        }
    }

    /// The committed pages and schemas are those of the code. `UPDATE_DOCS=1 cargo test committed_docs` writes them anew.
    #[test]
    fn the_committed_docs_are_current() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let mut files = vec![
            (docs.join("authoring/checks.md"), checks()),
            (docs.join("authoring/findings.md"), crate::content::lint::codes::document()),
        ];
        for kind in DocumentKind::ALL {
            let path = docs.join(format!("schema/content/{}.schema.json", kind.as_str().to_lowercase()));
            files.push((path, format!("{}\n", serde_json::to_string_pretty(&schema(kind)).expect("a schema is JSON"))));
        }
        let mut stale = Vec::new();
        for (path, text) in files {
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                std::fs::write(&path, text).expect("written");
            } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                stale.push(path);
            }
        }
        assert!(stale.is_empty(), "out of date: {stale:?}; run UPDATE_DOCS=1 cargo test committed_docs");
    }

    /// Every document says by its first line where its schema is, for editors. `UPDATE_DOCS=1 cargo test committed_docs` puts it there.
    #[test]
    fn documents_name_their_schema_in_the_committed_docs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let kinds = [("curricula/", "curriculum"), ("questions/", "question"), ("scenarios/", "scenario"), ("faults/", "fault")];
        let mut missing = Vec::new();
        for (path, _) in crate::content::Source::built_in().iter() {
            let Some((_, kind)) =
                kinds.iter().find(|(folder, kind)| path.starts_with(folder) && (*kind != "scenario" || path.ends_with("/scenario.yaml")))
            else {
                continue;
            };
            if !path.ends_with(".yaml") {
                continue;
            }
            let up = "../".repeat(path.matches('/').count());
            let line = format!("# yaml-language-server: $schema={up}docs/schema/content/{kind}.schema.json\n");
            // The file itself: what the binary carries is as it was when it was built.
            let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
            if text.starts_with(&line) {
                continue;
            }
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(root.join(path), line + &text).expect("written");
            } else {
                missing.push(path.to_owned());
            }
        }
        assert!(missing.is_empty(), "no schema is named in {missing:?}; run UPDATE_DOCS=1 cargo test committed_docs");
    }
}
