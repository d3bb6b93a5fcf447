//! `-o` for whole objects.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::print::columns::Columns;
use crate::print::jsonpath::Template;
use crate::print::{json, template, yaml};

/// Flags of commands that print objects.
pub const OUTPUT: &[Flag] = &[
    short("output", 'o', Kind::Text, "", "Output format: json, yaml, name, jsonpath=…, custom-columns=…, wide where there is a table."),
    flag("template", Kind::Text, "", "Template for -o jsonpath and go-template."),
    flag("allow-missing-template-keys", Kind::Bool, "true", "Print nothing for fields that a template misses."),
    flag("show-managed-fields", Kind::Bool, "false", "Keep metadata.managedFields in the output."),
];

/// A way to print objects.
pub enum Printer {
    /// YAML documents.
    Yaml,
    /// Indented JSON.
    Json,
    /// `kind.group/name`.
    Name,
    /// A JSONPath template; `true`: each result as JSON.
    JsonPath(Template, String, bool),
    /// Custom columns.
    Columns(Columns),
}

impl Printer {
    /// The printer that the flags ask for; `None` for tables and the commands' own words. `allowed` is listed when the format is unknown.
    pub fn of(cx: &Context, wide_allowed: bool) -> Result<Option<Self>, Error> {
        let output = cx.flags.text("output");
        let (name, mut argument) = match output.split_once('=') {
            Some((name, argument)) => (name, argument.to_owned()),
            None => (output, cx.flags.text("template").to_owned()),
        };
        let file = |path: &str| -> Result<String, Error> {
            let bytes = cx.files.read(&cx.absolute(path));
            let bytes = bytes.map_err(|e| {
                Error::message(format!("error reading --template {path}, open {path}: {}", crate::kubeconfig::go_reason(&e)))
            })?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let missing = || Error::message("template format specified but no template given");
        Ok(Some(match name {
            "" => return Ok(None),
            "wide" if wide_allowed => return Ok(None),
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "name" => Self::Name,
            "kyaml" => return Err(Error::message("the output format \"kyaml\" is not supported by this kubectl; use -o yaml")),
            "jsonpath" | "jsonpath-as-json" | "jsonpath-file" => {
                if argument.is_empty() {
                    return Err(missing());
                }
                if name == "jsonpath-file" {
                    argument = file(&argument)?;
                }
                let template = Template::parse(&argument).map_err(|e| Error::message(format!("error parsing jsonpath {argument}, {e}")))?;
                Self::JsonPath(template, argument, name == "jsonpath-as-json")
            }
            "custom-columns" => Self::Columns(Columns::parse(&argument).map_err(Error::message)?),
            "custom-columns-file" => Self::Columns(Columns::parse_file(&file(&argument)?).map_err(Error::message)?),
            "go-template" | "go-template-file" | "template" | "templatefile" => return Err(Error::message(template::REFUSED)),
            other => {
                let formats = if wide_allowed {
                    "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml"
                } else {
                    "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml"
                };
                return Err(Error::message(format!(
                    "unable to match a printer suitable for the output format {other:?}, allowed formats are: {formats}"
                )));
            }
        }))
    }

    /// Whether the output is a format for machines, where human words would disturb.
    pub fn text(&self, cx: &Context, object: &Value) -> Result<String, Error> {
        let object = if cx.flags.on("show-managed-fields") { object.clone() } else { without_managed_fields(object) };
        Ok(match self {
            Self::Yaml => yaml::document(&object),
            Self::Json => json::pretty(&object) + "\n",
            Self::Name => name_lines(&object),
            Self::JsonPath(template, source, false) => {
                template.render(&object, cx.flags.on("allow-missing-template-keys")).map_err(|e| debugging(&object, source, &e))?
            }
            Self::JsonPath(template, source, true) => {
                let found =
                    template.find(&object, cx.flags.on("allow-missing-template-keys")).map_err(|e| debugging(&object, source, &e))?;
                json::pretty(&Value::Array(found.into_iter().cloned().collect())) + "\n"
            }
            Self::Columns(columns) => {
                let items: Vec<&Value> = match object["items"].as_array() {
                    Some(items) if is_list(&object) => items.iter().collect(),
                    _ => vec![&object],
                };
                columns.render(&items, !cx.flags.on("no-headers")).map_err(Error::message)?
            }
        })
    }
}

fn is_list(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(|k| k.ends_with("List"))
}

/// `kind.group/name` for an object, or for each item of a list.
fn name_lines(object: &Value) -> String {
    match object["items"].as_array() {
        Some(items) if is_list(object) => items.iter().map(name_lines).collect(),
        _ => format!("{}/{}\n", kind_name(object), object["metadata"]["name"].as_str().unwrap_or_default()),
    }
}

/// `deployment.apps` of an object.
pub fn kind_name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    match object["apiVersion"].as_str().unwrap_or_default().split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    }
}

/// The object, or each item of a list, without `metadata.managedFields`.
pub fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    let strip = |o: &mut Value| {
        if let Some(metadata) = o.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    };
    strip(&mut object);
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip);
    }
    object
}

/// Many objects as one `v1 List`, as `get` prints them.
pub fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

fn debugging(object: &Value, template: &str, reason: &str) -> Error {
    Error::message(format!(
        "error executing jsonpath {template:?}: Error executing template: {reason}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{}\n",
        json::go_syntax(object)
    ))
}
