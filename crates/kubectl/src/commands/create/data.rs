//! `--from-literal`, `--from-file`, `--from-env-file`: the keys of config maps and secrets.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::invocation::FileKind;
use crate::kubeconfig::go_reason;

/// The flags.
pub const SOURCES: &[Flag] = &[
    flag("from-literal", Kind::Array, "", "Key and value: mykey=somevalue; may be repeated."),
    flag("from-file", Kind::List, "", "File or directory whose content becomes keys: [key=]path; may be repeated."),
    flag("from-env-file", Kind::List, "", "File with KEY=value lines; may be repeated."),
];

/// Reads all sources. `kind` names the object in errors.
pub fn read(cx: &Context, kind: &str, name: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let (files, literals, env_files) = (cx.flags.list("from-file"), cx.flags.list("from-literal"), cx.flags.list("from-env-file"));
    if !env_files.is_empty() && (!files.is_empty() || !literals.is_empty()) {
        return Err(Error::message("from-env-file cannot be combined with from-file or from-literal"));
    }
    let mut data = BTreeMap::new();
    for literal in literals {
        let (key, value) = match literal.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key, value),
            _ => return Err(Error::message(format!("invalid literal source {literal}, expected key=value"))),
        };
        // Quotes around a value are the shell's, left over from --from-literal=key='"value"' in scripts.
        let value = strip_quotes(value);
        add(&mut data, kind, name, key, value.as_bytes().to_vec())?;
    }
    for file in files {
        from_file(cx, kind, name, &file, &mut data)?;
    }
    for file in env_files {
        from_env_file(cx, kind, name, &file, &mut data)?;
    }
    Ok(data)
}

fn strip_quotes(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return &value[1..value.len() - 1];
        }
    }
    value
}

fn from_file(cx: &Context, kind: &str, name: &str, source: &str, data: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
    let parts: Vec<&str> = source.split('=').collect();
    let (key, path) = match parts[..] {
        [path] => (None, path),
        [key, path] if !key.is_empty() && !path.is_empty() => (Some(key), path),
        ["", _] => return Err(Error::message(format!("key name for file path {} missing", parts[1]))),
        [key, ""] => return Err(Error::message(format!("file path for key name {key} missing"))),
        _ => return Err(Error::message("key names or file paths cannot contain '='")),
    };
    let absolute = cx.absolute(path);
    let missing = |e: &std::io::Error| Error::message(format!("error reading {path}: {}", go_reason(e)));
    match cx.files.kind(&absolute).map_err(|e| missing(&e))? {
        FileKind::Directory if key.is_some() => Err(Error::message("cannot give a key name for a directory path")),
        FileKind::Directory => {
            for entry in cx.files.list(&absolute).map_err(|e| missing(&e))? {
                if entry.kind == FileKind::File {
                    let content = cx.files.read(&format!("{absolute}/{}", entry.name)).map_err(|e| missing(&e))?;
                    add(data, kind, name, &entry.name, content)?;
                }
            }
            Ok(())
        }
        FileKind::File => {
            let content = cx.files.read(&absolute).map_err(|e| missing(&e))?;
            let base = path.rsplit('/').next().unwrap_or(path);
            add(data, kind, name, key.unwrap_or(base), content)
        }
    }
}

fn from_env_file(cx: &Context, kind: &str, name: &str, path: &str, data: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
    let content = cx
        .files
        .read(&cx.absolute(path))
        .map_err(|e| Error::message(format!("env config file {path} cannot be read: {}", go_reason(&e))))?;
    let text = String::from_utf8_lossy(&content).into_owned();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, value.to_owned()),
            // A bare name takes its value from the environment.
            None => (line, cx.env(line).unwrap_or_default().to_owned()),
        };
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(Error::message(format!(
                "{path} contains an invalid environment variable on line {}: {key:?} is not a valid key name",
                number + 1
            )));
        }
        add(data, kind, name, key, value.into_bytes())?;
    }
    Ok(())
}

fn add(data: &mut BTreeMap<String, Vec<u8>>, kind: &str, name: &str, key: &str, value: Vec<u8>) -> Result<(), Error> {
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) || key == "." || key.starts_with("..") {
        return Err(Error::message(format!(
            "{key:?} is not a valid key name for a {kind}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )));
    }
    if data.contains_key(key) {
        return Err(Error::message(format!("cannot add key {key}, another key by that name already exists in Data for {kind} {name:?}")));
    }
    data.insert(key.to_owned(), value);
    Ok(())
}
