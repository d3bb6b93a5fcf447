//! Holding a document against a schema: the part of JSON Schema that our types produce, with every error and its place.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::content::diagnostic::{Finding, SharedSource};
use crate::content::document::{Kind, Node, Span};

/// All places where `node` is not what `schema` wants.
pub fn check(schema: &Value, node: &Node, source: &SharedSource) -> Vec<Finding> {
    let mut checker = Checker { root: schema, source, findings: Vec::new() };
    checker.node(schema, node, node.span);
    checker.findings
}

struct Checker<'a> {
    root: &'a Value,
    source: &'a SharedSource,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, code: &'static str, span: Span, message: String) -> &mut Finding {
        self.findings.push(Finding::error(code, self.source, span, message));
        // Just pushed, so there is a last one; the index says so without a panic path.
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        while let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            schema = &self.root["$defs"][name];
        }
        schema
    }

    /// `at` is the place of the key that leads here: maps and lists have no extent of their own.
    fn node(&mut self, schema: &'a Value, node: &Node, at: Span) {
        let schema = self.resolve(schema);
        let span = if node.span.length > 0 { node.span } else { at };
        if let Some(only) = schema.get("const") {
            if node.to_json() != *only {
                self.report("yaml/wrong-value", span, format!("expected `{}`, found {}", plain(only), describe(node)));
            }
            return;
        }
        if let Some(alternatives) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            return self.alternatives(alternatives, node, span);
        }
        if let Some(words) = schema["enum"].as_array() {
            return self.word(&words.iter().collect::<Vec<_>>(), node, span);
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect(),
            _ => return, // anything goes
        };
        if !types.iter().any(|t| is_type(t, node)) {
            let wanted: Vec<&str> = types.iter().map(|t| word_for(t)).collect();
            let hint = (types == ["string"]).then(|| quoting(node)).flatten();
            let finding = self.report("yaml/wrong-type", span, format!("expected {}, found {}", wanted.join(" or "), describe(node)));
            finding.help = hint;
            return;
        }
        match &node.kind {
            Kind::Map(_) => self.map(schema, node, span),
            Kind::List(items) => {
                items.iter().for_each(|item| self.node(&schema["items"], item, if item.span.line > 0 { item.span } else { span }))
            }
            Kind::Number(number) => {
                if let (Some(least), Some(actual)) = (schema["minimum"].as_i64(), number.as_i64())
                    && actual < least
                {
                    self.report("yaml/wrong-value", span, format!("expected at least {least}, found {actual}"));
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, schema: &'a Value, node: &Node, span: Span) {
        let Kind::Map(entries) = &node.kind else { return };
        let properties = schema["properties"].as_object();
        let mut seen = BTreeSet::new();
        for (key, value) in entries {
            if !seen.insert(key.text.as_str()) {
                self.report("yaml/duplicate-key", key.span, format!("the key `{}` stands here a second time", key.text)).help =
                    Some("remove one of them".to_owned());
            }
            match properties.and_then(|p| p.get(&key.text)) {
                Some(property) => self.node(property, value, key.span),
                None => match &schema["additionalProperties"] {
                    Value::Bool(false) => {
                        let known: Vec<&str> = properties.into_iter().flat_map(|p| p.keys()).map(String::as_str).collect();
                        let help = likely(&key.text, &known);
                        self.report("yaml/unknown-key", key.span, format!("unknown key `{}`", key.text)).help = Some(help);
                    }
                    Value::Object(_) => self.node(&schema["additionalProperties"], value, key.span),
                    _ => self.doubled(value),
                },
            }
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !seen.contains(required) {
                self.report("yaml/missing-key", span, format!("the key `{required}` is missing"));
            }
        }
    }

    /// Free-form values still must not have a key twice.
    fn doubled(&mut self, node: &Node) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| self.doubled(item)),
            Kind::Map(entries) => {
                let mut seen = BTreeSet::new();
                for (key, value) in entries {
                    if !seen.insert(key.text.as_str()) {
                        self.report("yaml/duplicate-key", key.span, format!("the key `{}` stands here a second time", key.text));
                    }
                    self.doubled(value);
                }
            }
            _ => {}
        }
    }

    /// An optional value, words, tagged variants, or a few plain types.
    fn alternatives(&mut self, alternatives: &'a [Value], node: &Node, span: Span) {
        let alternatives: Vec<&Value> = alternatives.iter().map(|a| self.resolve(a)).filter(|a| a["type"] != "null").collect();
        if let [only] = alternatives.as_slice() {
            return self.node(only, node, span);
        }
        let words: Vec<&Value> =
            alternatives.iter().flat_map(|a| a.get("const").into_iter().chain(a["enum"].as_array().into_iter().flatten())).collect();
        if words.len() >= alternatives.len() {
            return self.word(&words, node, span);
        }
        let tagged: Vec<(&str, &'a Value)> = alternatives.iter().filter_map(|a| Some((a["required"][0].as_str()?, *a))).collect();
        if tagged.len() == alternatives.len() {
            return self.tagged(&tagged, node, span);
        }
        let fits = alternatives.iter().any(|a| fits_plainly(a, node));
        if !fits {
            let wanted: Vec<&str> = alternatives
                .iter()
                .map(|a| if a.get("pattern").is_some() { "a template `{{ … }}`" } else { word_for(a["type"].as_str().unwrap_or_default()) })
                .collect();
            self.report("yaml/wrong-type", span, format!("expected {}, found {}", wanted.join(" or "), describe(node)));
        }
    }

    fn tagged(&mut self, variants: &[(&str, &'a Value)], node: &Node, span: Span) {
        let tags: Vec<&str> = variants.iter().map(|(tag, _)| *tag).collect();
        let Kind::Map(entries) = &node.kind else {
            self.report("yaml/wrong-type", span, format!("expected a map with one of {}, found {}", list(&tags), describe(node)));
            return;
        };
        match entries.as_slice() {
            [(key, _)] => match variants.iter().find(|(tag, _)| *tag == key.text) {
                Some((_, schema)) => self.map(schema, node, span),
                None => {
                    let help = likely(&key.text, &tags);
                    self.report("yaml/unknown-key", key.span, format!("unknown key `{}`", key.text)).help = Some(help);
                }
            },
            _ => {
                let keys: Vec<&str> = entries.iter().map(|(k, _)| k.text.as_str()).collect();
                let found = if keys.is_empty() { "none".to_owned() } else { list(&keys) };
                self.report("yaml/one-key", span, format!("expected exactly one key, found {found}")).help =
                    Some(format!("one of {}", list(&tags)));
            }
        }
    }

    fn word(&mut self, words: &[&Value], node: &Node, span: Span) {
        if words.iter().any(|w| **w == node.to_json()) {
            return;
        }
        let known: Vec<&str> = words.iter().filter_map(|w| w.as_str()).collect();
        let finding_text = format!("expected one of {}, found {}", list(&known), describe(node));
        let help = match &node.kind {
            Kind::Text(text) => closest(text, &known).map(|w| format!("did you mean `{w}`?")),
            _ => None,
        };
        self.report("yaml/wrong-value", span, finding_text).help = help;
    }
}

fn fits_plainly(schema: &Value, node: &Node) -> bool {
    let pattern = schema["pattern"]
        .as_str()
        .is_none_or(|_| matches!(&node.kind, Kind::Text(text) if text.contains("{{") || text.trim().parse::<i64>().is_ok()));
    is_type(schema["type"].as_str().unwrap_or_default(), node) && pattern
}

fn is_type(of_type: &str, node: &Node) -> bool {
    match &node.kind {
        Kind::Null => false,
        Kind::Bool(_) => of_type == "boolean",
        Kind::Number(n) => of_type == "number" || (of_type == "integer" && !n.is_f64()),
        Kind::Text(_) => of_type == "string",
        Kind::List(_) => of_type == "array",
        Kind::Map(_) => of_type == "object",
    }
}

fn word_for(of_type: &str) -> &'static str {
    match of_type {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a map",
        _ => "a value",
    }
}

fn describe(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "nothing".to_owned(),
        Kind::Bool(b) => b.to_string(),
        Kind::Number(n) => n.to_string(),
        Kind::Text(text) => format!("`{}`", crate::grade::text::excerpt(text)),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
    }
}

fn quoting(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Bool(b) => Some(format!("write \"{}\" in quotes to make it a text", if *b { "True" } else { "False" })),
        Kind::Number(n) => Some(format!("write \"{n}\" in quotes to make it a text")),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

fn likely(word: &str, known: &[&str]) -> String {
    match closest(word, known) {
        Some(similar) => format!("did you mean `{similar}`?"),
        None => format!("known here: {}", list(known)),
    }
}

/// The word of `known` that is most like `word`, if any is.
fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::jaro_winkler(&word.to_lowercase(), &k.to_lowercase()), *k))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::super::{DocumentKind, schema};
    use super::*;
    use crate::content::diagnostic::shared_source;
    use crate::content::document::parse;

    fn findings(kind: DocumentKind, text: &str) -> Vec<String> {
        let source = shared_source("t.yaml", text);
        let nodes = parse(text).expect("YAML");
        check(&schema(kind), &nodes[0], &source)
            .iter()
            .map(|f| {
                format!(
                    "{}:{} {} {}{}",
                    f.span.line,
                    f.span.column,
                    f.code,
                    f.message,
                    f.help.as_ref().map(|h| format!(" ({h})")).unwrap_or_default()
                )
            })
            .collect()
    }

    const FAULT: &str = r#"
apiVersion: ckaprep.dev/v1
kind: Fault
id: a
title: t
do: [{stopUnit: kubelet}, {writeFile: {path: /a, content: b, mode: 0600}}]
undo: [{daemonReload: {}}]
visibleWhen: {expect: {node: {conditions: {Ready: "Unknown"}}}}
solution: {steps: [{on: node, run: systemctl start kubelet}]}
debrief: {text: x, link: https://kubernetes.io/docs/a}
"#;

    #[test]
    fn a_good_document_is_clean() {
        assert_eq!(findings(DocumentKind::Fault, FAULT), Vec::<String>::new());
    }

    #[test]
    fn every_error_is_found_at_once_with_its_place() {
        let bad = FAULT
            .replace("title: t", "tittle: t")
            .replace("stopUnit: kubelet", "stopunit: kubelet")
            .replace("\"Unknown\"", "True")
            .replace("on: node", "on: nod")
            .replace("debrief: {text: x,", "debrief: {text: 3, text: x,");
        assert_eq!(
            findings(DocumentKind::Fault, &bad),
            [
                "5:1 yaml/unknown-key unknown key `tittle` (did you mean `title`?)",
                "6:7 yaml/unknown-key unknown key `stopunit` (did you mean `stopUnit`?)",
                "8:51 yaml/wrong-type expected a text, found true (write \"True\" in quotes to make it a text)",
                "9:25 yaml/wrong-value expected one of `shell`, `node`, found `nod` (did you mean `node`?)",
                "10:17 yaml/wrong-type expected a text, found 3 (write \"3\" in quotes to make it a text)",
                "10:20 yaml/duplicate-key the key `text` stands here a second time (remove one of them)",
                "2:1 yaml/missing-key the key `title` is missing",
            ]
        );
    }

    #[test]
    fn tagged_values_have_one_key() {
        let two = FAULT.replace("{stopUnit: kubelet}", "{stopUnit: kubelet, startUnit: kubelet}");
        let found = findings(DocumentKind::Fault, &two);
        assert!(found[0].contains("expected exactly one key, found `stopUnit`, `startUnit`"), "{found:?}");
        let text = FAULT.replace("undo: [{daemonReload: {}}]", "undo: [daemonReload]");
        let found = findings(DocumentKind::Fault, &text);
        assert!(found[0].contains("expected a map with one of"), "{found:?}");
    }

    #[test]
    fn numbers_may_be_templates() {
        let with =
            |n: &str| FAULT.replace("node: {conditions: {Ready: \"Unknown\"}}", &format!("podPlacement: {{selector: a=b, minimum: {n}}}"));
        assert_eq!(findings(DocumentKind::Fault, &with("\"{{ n }}\"")), Vec::<String>::new());
        assert_eq!(findings(DocumentKind::Fault, &with("3")), Vec::<String>::new());
        let found = findings(DocumentKind::Fault, &with("many"));
        assert!(found[0].contains("expected a whole number or a template"), "{found:?}");
    }
}
