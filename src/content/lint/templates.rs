//! Rules for templates: names that are not there, hidden names in what learners read, literals that the inventory has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::report::At;
use crate::content::document::{Path, Segment};
use crate::content::template;
use crate::content::variable::Variable;
use crate::model::Inventory;

/// What a document's templates may name.
pub struct Names<'a> {
    pub variables: &'a BTreeMap<String, Variable>,
    pub captured: BTreeSet<String>,
    pub extra: &'a [&'a str],
}

impl Names<'_> {
    /// Why a name is not there, if it is not.
    fn problem(&self, name: &str) -> Option<String> {
        let mut parts = name.split('.');
        let root = parts.next().unwrap_or_default();
        let field = parts.next();
        match (root, field) {
            ("inventory", Some(field)) => {
                let known = Inventory::example(3).to_template();
                known.get(field).is_none().then(|| format!("the inventory has no `{field}`"))
            }
            ("captured", Some(field)) => (!self.captured.contains(field)).then(|| format!("nothing captures `{field}`")),
            ("inventory" | "captured", None) => None,
            (root, _) if self.extra.contains(&root) => None,
            (root, field) => match self.variables.get(root) {
                None => Some(format!("there is no variable `{root}`")),
                Some(variable) => {
                    field.and_then(|field| missing_field(variable, field)).map(|f| format!("not every value of `{root}` has `{f}`"))
                }
            },
        }
    }

    /// Whether a name is a hidden variable.
    fn is_hidden(&self, name: &str) -> bool {
        self.variables.get(name.split('.').next().unwrap_or_default()).is_some_and(|v| v.hidden)
    }
}

fn missing_field<'a>(variable: &Variable, field: &'a str) -> Option<&'a str> {
    let values = variable.one_of.as_deref().unwrap_or_default();
    let missing = values.is_empty() || values.iter().any(|v| v.get(field).is_none());
    missing.then_some(field)
}

/// Looks at every text of the document itself.
pub fn lint_document(names: &Names<'_>, skip: &[&str], at: &mut At<'_>) {
    for (path, text) in at.node.texts() {
        let top = match path.0.first() {
            Some(Segment::Key(key)) => key.as_str(),
            _ => continue,
        };
        if skip.contains(&top) {
            continue;
        }
        let keys = keys_of(&path);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        lint_text(names, text, &keys, at);
    }
}

/// Looks at one text; problems are reported at `keys`.
pub fn lint_text(names: &Names<'_>, text: &str, keys: &[&str], at: &mut At<'_>) {
    match template::names(text) {
        Ok(used) => {
            for problem in used.iter().filter_map(|name| names.problem(name)) {
                at.error("template/unknown-name", keys, problem);
            }
        }
        Err(error) => {
            at.error("template/syntax", keys, format!("{} (line {} of the text)", error.message, error.line));
        }
    }
    if let Some(literal) = literal(text) {
        at.warning("template/literal", keys, format!("`{}` is what one backend calls it", literal.0)).help =
            Some(format!("write `{{{{ {} }}}}`", literal.1));
    }
}

/// A text that learners see before the end must not show what is to be found: neither the name nor a value of a hidden variable.
pub fn lint_shown(names: &Names<'_>, what: &str, text: &str, keys: &[&str], at: &mut At<'_>) {
    if let Ok(used) = template::names(text) {
        for name in used.iter().filter(|n| names.is_hidden(n)) {
            at.error("hidden/named", keys, format!("the {what} shows the hidden variable `{name}`"));
        }
    }
    for (name, variable) in names.variables.iter().filter(|(_, v)| v.hidden) {
        let shown = |value: &Value| value.as_str().is_some_and(|v| contains_word(text, v));
        let values = || variable.one_of.iter().flatten();
        if values().count() > 1 && values().all(shown) {
            // "One of these three": a text that shows all of them gives none away.
            continue;
        }
        for value in variable.one_of.iter().flatten() {
            let texts: Vec<&str> = match value {
                Value::String(text) => vec![text],
                Value::Object(map) => map.values().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            for value in texts.into_iter().filter(|v| v.len() > 2 && contains_word(text, v)) {
                at.error("hidden/value", keys, format!("the {what} shows `{value}`, a value of the hidden variable `{name}`"));
            }
        }
    }
}

/// Whether a text has this word, as a whole.
pub fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// A path of the inventory, or a node's name, that stands in a text as such.
fn literal(text: &str) -> Option<(String, String)> {
    let inventory = Inventory::example(3);
    let Value::Object(paths) = inventory.to_template() else { return None };
    let path = paths
        .iter()
        .filter_map(|(key, value)| Some((value.as_str()?, key)))
        .find(|(value, _)| value.starts_with('/') && contains_path(text, value));
    if let Some((value, key)) = path {
        return Some((value.to_owned(), format!("inventory.{key}")));
    }
    (1..=3).map(|n| format!("worker-{n}")).find(|name| contains_word(text, name)).map(|name| (name, "node".to_owned()))
}

fn contains_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(start, _)| !text[start + path.len()..].starts_with(|c: char| c.is_alphanumeric() || "/-_".contains(c)))
}

fn keys_of(path: &Path) -> Vec<String> {
    path.0
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Index(index) => index.to_string(),
        })
        .collect()
}
