//! Reading manifests: files, directories, standard input; several documents; YAML and JSON.

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, short};
use crate::invocation::FileKind;
use crate::kubeconfig::go_reason;

/// `-f`, `-k`, `-R`.
pub const FILENAME: &[Flag] = &[
    short("filename", 'f', Kind::List, "", "File, directory or - (standard input) with manifests."),
    short("kustomize", 'k', Kind::Text, "", "Kustomization directory (not supported here)."),
    short("recursive", 'R', Kind::Bool, "false", "Read directories below the directory too."),
];

/// An object of a manifest and where it stood.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// File name as given, or `STDIN`.
    pub source: String,
    /// The object.
    pub object: Value,
}

/// Whether manifests were named on the command line.
pub fn named(cx: &Context) -> bool {
    cx.flags.changed("filename") || cx.flags.changed("kustomize")
}

/// Commands that need manifests say so this way (`FilenameOptions.RequireFilenameOrKustomize`).
pub fn require(cx: &Context) -> Result<(), Error> {
    if cx.flags.list("filename").is_empty() && cx.flags.given("kustomize").is_none() {
        return Err(Error::message("must specify one of -f and -k"));
    }
    if cx.flags.changed("filename") && cx.flags.given("kustomize").is_some() {
        return Err(Error::message("only one of -f or -k can be specified"));
    }
    Ok(())
}

/// All objects of the manifests that the flags name, lists taken apart.
pub async fn read(cx: &Context) -> Result<Vec<Manifest>, Error> {
    if cx.flags.given("kustomize").is_some() {
        return Err(Error::message("kustomize is not supported by this kubectl: write the manifests out and use -f"));
    }
    let mut out = Vec::new();
    for name in cx.flags.list("filename") {
        if name == "-" {
            let bytes = cx.read_stdin().await?;
            documents(&String::from_utf8_lossy(&bytes), "STDIN", &mut out)?;
        } else if name.starts_with("http://") || name.starts_with("https://") {
            return Err(Error::message(format!("reading manifests from a URL is not supported by this kubectl: {name}")));
        } else {
            read_path(cx, &name, &mut out)?;
        }
    }
    Ok(out)
}

fn read_path(cx: &Context, name: &str, out: &mut Vec<Manifest>) -> Result<(), Error> {
    let path = cx.absolute(name);
    let kind = cx.files.kind(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::message(format!("the path {name:?} does not exist")),
        _ => Error::message(format!("the path {name:?} cannot be accessed: stat {name}: {}", go_reason(&e))),
    })?;
    if kind == FileKind::File {
        return read_file(cx, name, out);
    }
    let before = out.len();
    read_directory(cx, name, out)?;
    if out.len() == before {
        return Err(Error::message(format!("error reading [{name}]: recognized file extensions are [.json .yaml .yml]")));
    }
    Ok(())
}

fn read_directory(cx: &Context, name: &str, out: &mut Vec<Manifest>) -> Result<(), Error> {
    let entries = cx.files.list(&cx.absolute(name)).map_err(|e| Error::message(format!("error reading {name:?}: {}", go_reason(&e))))?;
    for entry in entries {
        let child = format!("{}/{}", name.trim_end_matches('/'), entry.name);
        match entry.kind {
            FileKind::Directory if cx.flags.on("recursive") => read_directory(cx, &child, out)?,
            FileKind::Directory => {}
            FileKind::File if [".json", ".yaml", ".yml"].iter().any(|end| entry.name.ends_with(end)) => read_file(cx, &child, out)?,
            FileKind::File => {}
        }
    }
    Ok(())
}

fn read_file(cx: &Context, name: &str, out: &mut Vec<Manifest>) -> Result<(), Error> {
    let bytes = cx.files.read(&cx.absolute(name)).map_err(|e| Error::message(format!("open {name}: {}", go_reason(&e))))?;
    documents(&String::from_utf8_lossy(&bytes), name, out)
}

/// Splits a text into documents and adds their objects.
pub fn documents(text: &str, source: &str, out: &mut Vec<Manifest>) -> Result<(), Error> {
    for document in split(text) {
        let value = parse(&document).map_err(|reason| Error::message(format!("error parsing {source}: {reason}")))?;
        if value.is_null() {
            continue;
        }
        add(value, source, out);
    }
    Ok(())
}

fn add(value: Value, source: &str, out: &mut Vec<Manifest>) {
    let is_list = value["kind"].as_str().is_some_and(|k| k.ends_with("List")) && value["items"].is_array();
    match value {
        Value::Object(mut map) if is_list => {
            if let Some(Value::Array(items)) = map.remove("items") {
                items.into_iter().for_each(|item| add(item, source, out));
            }
        }
        object => out.push(Manifest { source: source.to_owned(), object }),
    }
}

/// Documents between lines that begin with `---` (apimachinery's `YAMLReader`).
fn split(text: &str) -> Vec<String> {
    if text.trim_start().starts_with('{') {
        return vec![text.to_owned()];
    }
    let mut out = vec![String::new()];
    for line in text.lines() {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) {
            out.push(String::new());
        } else if let Some(current) = out.last_mut() {
            current.push_str(line);
            current.push('\n');
        }
    }
    out
}

/// One YAML or JSON document; an empty one is null.
pub fn parse(text: &str) -> Result<Value, String> {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options::<Value>(text, options).map_err(|e| {
        let line = e.location().map_or(1, |l| l.line());
        let text = e.without_snippet().to_string();
        let reason = text.lines().next().unwrap_or_default();
        // go-yaml counts the lines of parser errors from zero, those of scanner errors from one.
        let (reason, line) = match reason.strip_prefix("while parsing").and_then(|r| r.split_once(", ")) {
            Some((_, reason)) => (reason, line.saturating_sub(1)),
            None => (reason, line),
        };
        let reason = reason.split(" at line ").next().unwrap_or(reason);
        format!("error converting YAML to JSON: yaml: line {line}: {reason}")
    })
}

/// What is missing in an object before it can be sent (`validation.go`).
pub fn check_type(manifest: &Manifest) -> Result<(), Error> {
    let unset = |key: &str| manifest.object[key].as_str().is_none_or(str::is_empty);
    let problems = match (unset("apiVersion"), unset("kind")) {
        (true, true) => "[apiVersion not set, kind not set]",
        (true, false) => "apiVersion not set",
        (false, true) => "kind not set",
        (false, false) => return Ok(()),
    };
    Err(Error::message(format!(
        "error validating {:?}: error validating data: {problems}; if you choose to ignore these errors, turn validation off with --validate=false",
        manifest.source
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_lists() {
        let mut out = Vec::new();
        let text = "# comment\n---\nkind: A\nv: 0644\n---\nkind: List\nitems:\n- kind: B\n- kind: C\n---\n\n";
        documents(text, "f.yaml", &mut out).unwrap();
        assert_eq!(out.iter().map(|m| m.object["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert_eq!(out[0].object["v"], 420);
        documents("{\"kind\": \"J\"}", "x", &mut out).unwrap();
        assert_eq!(out[3].object["kind"], "J");
    }

    #[test]
    fn broken_yaml_names_file_and_line() {
        let error = documents("a:\n  b: c\n d: e\n", "x.yaml", &mut Vec::new()).unwrap_err().to_string();
        assert!(error.starts_with("error parsing x.yaml: error converting YAML to JSON: yaml: line 2: "), "{error}");
    }
}
