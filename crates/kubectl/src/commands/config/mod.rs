//! `kubectl config`: the kubeconfig file, read and written whole so that nothing in it is lost.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::kubeconfig;
use crate::print::yaml;
use crate::resources::manifest;

pub mod contexts;
pub mod entries;
pub mod set;
pub mod view;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["config"],
    aliases: &[],
    usage: "SUBCOMMAND",
    short: "Modify kubeconfig files",
    long: "Modify kubeconfig files: that of --kubeconfig, of $KUBECONFIG, or ${HOME}/.kube/config.",
    examples: "kubectl config get-contexts\nkubectl config set-context --current --namespace=shop",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

/// A kubeconfig file as plain data.
pub struct File {
    /// Where it is.
    pub path: String,
    /// Its content.
    pub value: Value,
}

impl File {
    /// Reads the file that changes go to: the first that exists, or the one that would be created.
    pub fn open(cx: &Context) -> Result<Self, Error> {
        let paths = kubeconfig::paths(cx);
        let path = paths.iter().find(|p| cx.files.read(&cx.absolute(p)).is_ok()).or(paths.last()).cloned().unwrap_or_default();
        let value = match cx.files.read(&cx.absolute(&path)) {
            Ok(bytes) => manifest::parse(&String::from_utf8_lossy(&bytes))
                .map_err(|e| Error::message(format!("error loading config file \"{path}\": {e}")))?,
            Err(_) => Value::Null,
        };
        let mut file = Self { path, value };
        file.complete();
        Ok(file)
    }

    /// Adds what an empty or partial file lacks.
    fn complete(&mut self) {
        if !self.value.is_object() {
            self.value = json!({});
        }
        for (key, value) in [
            ("apiVersion", json!("v1")),
            ("kind", json!("Config")),
            ("clusters", json!([])),
            ("contexts", json!([])),
            ("users", json!([])),
            ("current-context", json!("")),
        ] {
            if self.value[key].is_null() {
                self.value[key] = value;
            }
        }
    }

    /// Writes the file.
    pub fn save(&self, cx: &Context) -> Result<(), Error> {
        let mut value = self.value.clone();
        for key in ["clusters", "contexts", "users"] {
            if value[key].as_array().is_some_and(Vec::is_empty) {
                value[key] = Value::Null;
            }
        }
        cx.files
            .write(&cx.absolute(&self.path), yaml::document(&value).as_bytes())
            .map_err(|e| Error::message(format!("open {}: {}", self.path, kubeconfig::go_reason(&e))))
    }

    /// The entry called `name` in `list` (`clusters`, `contexts`, `users`).
    pub fn entry(&self, list: &str, name: &str) -> Option<&Value> {
        self.value[list].as_array()?.iter().find(|e| e["name"] == name)
    }

    /// The inner object (`cluster`, `context`, `user`) of an entry, made if it is not there.
    pub fn inner(&mut self, list: &str, name: &str) -> &mut Value {
        let key = list.trim_end_matches('s');
        let at = self.value[list].as_array().and_then(|l| l.iter().position(|e| e["name"] == name));
        let at = at.unwrap_or_else(|| {
            if let Some(entries) = self.value[list].as_array_mut() {
                entries.push(json!({"name": name, key: {}}));
            }
            self.value[list].as_array().map_or(0, |l| l.len().saturating_sub(1))
        });
        &mut self.value[list][at][key]
    }

    /// Removes an entry; whether it was there.
    pub fn remove(&mut self, list: &str, name: &str) -> bool {
        let Some(entries) = self.value[list].as_array_mut() else { return false };
        let before = entries.len();
        entries.retain(|e| e["name"] != name);
        entries.len() < before
    }

    /// The names in a list, sorted.
    pub fn names(&self, list: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.value[list].as_array().into_iter().flatten().filter_map(|e| e["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    }
}
