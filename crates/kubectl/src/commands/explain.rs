//! `kubectl explain`, from the server's OpenAPI v3 (upstream's `explain/v2` plain text template).

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};

const FLAGS: &[Flag] = &[
    flag("recursive", Kind::Bool, "false", "Show the fields of fields too, without descriptions."),
    flag("api-version", Kind::Text, "", "group/version to explain."),
    short("output", 'o', Kind::Text, "plaintext", "plaintext."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["explain"],
    aliases: &[],
    usage: "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]",
    short: "Get documentation for a resource",
    long: "Describe the fields of a resource: TYPE, or TYPE.field.field.",
    examples: "kubectl explain pods.spec.containers\nkubectl explain deployment.spec --recursive",
    flags: &[FLAGS],
    completes: Completes::Types,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let word = match cx.flags.args.as_slice() {
        [] => {
            return Err(Error::message(
                "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.",
            ));
        }
        [word] => word,
        _ => return Err(Error::message("We accept only this format: explain RESOURCE")),
    };
    if cx.flags.text("output") != "plaintext" {
        return Err(Error::message(format!("unsupported output format {:?}: this kubectl has plaintext only", cx.flags.text("output"))));
    }
    let (first, fields) = match word.split_once('.') {
        Some((first, rest)) => (first, rest.split('.').filter(|f| !f.is_empty()).collect()),
        None => (word.as_str(), Vec::new()),
    };
    let discovery = cx.discovery().await?;
    // `deployments.apps` names a group; anything else after the dot is a field.
    let (resource, fields) = match discovery.find(word) {
        Ok(found) if word.contains('.') && found.group == word.split_once('.').map_or("", |(_, g)| g) => (found, Vec::new()),
        _ => (discovery.find(first).map_err(|e| Error::Verbatim(e.to_string()))?, fields),
    };
    let (group, version) = match cx.flags.given("api-version") {
        Some(text) => text.split_once('/').map_or((String::new(), text.to_owned()), |(g, v)| (g.to_owned(), v.to_owned())),
        None => (resource.group.clone(), resource.version.clone()),
    };
    let path = if group.is_empty() { format!("/openapi/v3/api/{version}") } else { format!("/openapi/v3/apis/{group}/{version}") };
    let document = cx.get(&path).await.map_err(|e| match e {
        e if e.is_not_found() => Error::message(format!("couldn't find resource for \"{group}/{version}, Resource={}\"", resource.name)),
        e => e,
    })?;
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let is_kind = |s: &Value| {
        s["x-kubernetes-group-version-kind"].as_array().into_iter().flatten().any(|g| {
            g["group"].as_str().unwrap_or_default() == group && g["version"] == version.as_str() && g["kind"] == resource.kind.as_str()
        })
    };
    let Some(root) = schemas.values().find(|s| is_kind(s)) else {
        return Err(Error::message(format!("GVR ({group}/{version}, Resource={}) not found in OpenAPI schema", resource.name)));
    };
    let explainer = Explainer { schemas: &schemas };
    let mut out = String::new();
    if !group.is_empty() {
        let _ = writeln!(out, "GROUP:      {group}");
    }
    let _ = writeln!(out, "KIND:       {}\nVERSION:    {version}\n", resource.kind);
    let mut schema = root.clone();
    let mut current: Option<(String, Value)> = None;
    for name in &fields {
        let properties = explainer.properties(&schema);
        let Some(field) = properties.get(*name) else {
            cx.print(out).await?;
            return Err(Error::message(format!("field {name:?} does not exist")));
        };
        current = Some(((*name).to_owned(), field.clone()));
        schema = field.clone();
    }
    if let Some((name, field)) = &current {
        let values = enum_text(&explainer.element(field));
        // Where values are listed, they take the place of one of the two empty lines.
        let end = if values.is_empty() { "\n\n" } else { "\n" };
        let _ = writeln!(out, "FIELD: {name} <{}>{values}{end}", explainer.type_name(field));
    }
    out.push_str("DESCRIPTION:\n");
    let own = schema["description"].as_str().filter(|d| !d.is_empty()).map(str::to_owned);
    let element = explainer.element(&schema);
    let inner = element["description"].as_str().map(str::to_owned);
    let texts: Vec<String> = match (own, inner) {
        (Some(a), Some(b)) if a != b => vec![a, b],
        (Some(a), _) => vec![a],
        (None, Some(b)) => vec![b],
        (None, None) => vec!["<empty>".to_owned()],
    };
    for text in texts {
        out.push_str(&wrap(&text, 4));
    }
    out.push_str("    \n");
    let properties = explainer.properties(&schema);
    if !properties.is_empty() {
        out.push_str("FIELDS:\n");
        explainer.fields(&mut out, &schema, 1, cx.flags.on("recursive"), &mut Vec::new());
    }
    out.push('\n');
    cx.print(out).await
}

fn enum_text(schema: &Value) -> String {
    let Some(values) = schema["enum"].as_array().filter(|v| !v.is_empty()) else { return String::new() };
    let shown: Vec<String> = values
        .iter()
        .map(|v| v.as_str().map_or_else(|| v.to_string(), |s| if s.is_empty() { "\"\"".to_owned() } else { s.to_owned() }))
        .collect();
    format!("\nENUM:\n    {}", shown.join("\n    "))
}

struct Explainer<'a> {
    schemas: &'a Map<String, Value>,
}

impl Explainer<'_> {
    /// The schema that a reference (or a single `allOf`) stands for; descriptions beside the reference win.
    fn resolve(&self, schema: &Value) -> Value {
        let target = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        match target.and_then(|r| self.schemas.get(r.rsplit('/').next().unwrap_or(r))) {
            Some(found) => found.clone(),
            None => schema.clone(),
        }
    }

    /// What a list or map holds, or the thing itself.
    fn element(&self, schema: &Value) -> Value {
        let resolved = self.resolve(schema);
        if resolved["items"].is_object() {
            return self.element(&resolved["items"]);
        }
        if resolved["additionalProperties"].is_object() {
            return self.element(&resolved["additionalProperties"]);
        }
        resolved
    }

    fn properties(&self, schema: &Value) -> Map<String, Value> {
        self.element(schema)["properties"].as_object().cloned().unwrap_or_default()
    }

    fn type_name(&self, schema: &Value) -> String {
        let target = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(reference) = target {
            let resolved = self.resolve(schema);
            if resolved["properties"].is_object() || resolved["type"].is_null() || resolved["type"] == "object" {
                return reference.rsplit('.').next().unwrap_or(reference).to_owned();
            }
            return self.type_name(&resolved);
        }
        match schema["type"].as_str() {
            Some("array") => format!("[]{}", self.type_name(&schema["items"])),
            Some("object") if schema["additionalProperties"].is_object() => {
                format!("map[string]{}", self.type_name(&schema["additionalProperties"]))
            }
            Some("object") => "Object".to_owned(),
            Some(kind) => kind.to_owned(),
            None if schema["x-kubernetes-int-or-string"] == true || schema["oneOf"].is_array() => "IntOrString".to_owned(),
            None => "Object".to_owned(),
        }
    }

    /// The line that lists what an enumerated field may be.
    fn values(&self, out: &mut String, field: &Value, indent: &str) {
        let values = enum_text(&self.element(field));
        if !values.is_empty() {
            let list = values.trim_start_matches("\nENUM:\n").split_whitespace().collect::<Vec<_>>().join(", ");
            let _ = writeln!(out, "{indent}enum: {list}");
        }
    }

    fn fields(&self, out: &mut String, schema: &Value, level: usize, recursive: bool, seen: &mut Vec<String>) {
        let element = self.element(schema);
        let required = crate::resources::discovery::strings(&element["required"]);
        let properties = self.properties(schema);
        let mut names: Vec<&String> = properties.keys().collect();
        names.sort();
        let indent = "  ".repeat(level);
        for name in names {
            let field = &properties[name];
            let kind = self.type_name(field);
            let mark = if required.contains(name) { " -required-" } else { "" };
            if recursive {
                let _ = writeln!(out, "{indent}{name}\t<{kind}>{mark}");
                self.values(out, field, &indent);
                // Types that hold themselves (JSONSchemaProps) are shown once on each path.
                if !seen.contains(&kind) {
                    seen.push(kind);
                    self.fields(out, field, level + 1, true, seen);
                    seen.pop();
                }
            } else {
                let _ = writeln!(out, "{indent}{name}\t<{kind}>{mark}");
                self.values(out, field, &indent);
                let own = field["description"].as_str().filter(|d| !d.is_empty()).map(str::to_owned);
                let text = own
                    .or_else(|| self.resolve(field)["description"].as_str().map(str::to_owned))
                    .unwrap_or_else(|| "<no description>".to_owned());
                out.push_str(&wrap(&text, level * 2 + 2));
                out.push('\n');
            }
        }
    }
}

/// Folds text to 80 columns behind an indent; paragraphs stay.
fn wrap(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    let mut out = String::new();
    for paragraph in text.split('\n') {
        // Lists inside descriptions keep their own indent.
        let mut line: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        let mut started = false;
        for word in paragraph.split_whitespace() {
            if started && line.chars().count() + 1 + word.chars().count() > 80 - indent {
                let _ = writeln!(out, "{space}{line}");
                line.clear();
                started = false;
            }
            if started {
                line.push(' ');
            }
            line.push_str(word);
            started = true;
        }
        let _ = writeln!(out, "{space}{line}");
    }
    out
}
