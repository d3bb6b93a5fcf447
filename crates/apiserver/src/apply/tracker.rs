//! The field manager: apply, and the record of every other write.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::compare::Changes;
use super::element::Element;
use super::managers::{Manager, Managers, Owned};
use super::merge::merge;
use super::remove::remove;
use super::set::Set;
use super::typed::{Atom, Typed};
use crate::json::Json;
use crate::schema::Shape;
use crate::server::{FieldManager, FieldWrite};
use crate::status::{ApiError, Cause, Reason};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Upstream's field manager.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracker;

impl FieldManager for Tracker {
    fn apply(&self, write: &FieldWrite<'_>, live: Option<&Value>, patch: &Value, force: bool) -> Result<Value, ApiError> {
        if !patch.list("metadata.managedFields").is_empty() {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        let shape = Shape::Named(write.resource.type_id);
        Application { write, typed: Typed::new(&write.resource.schema, &shape), live, patch }.run(force)
    }

    fn track(&self, write: &FieldWrite<'_>, live: Option<&Value>, new: &mut Value) {
        let shape = Shape::Named(write.resource.type_id);
        let typed = Typed::new(&write.resource.schema, &shape);
        let mut managers = known(write, live, new);
        // A new object is compared with its type's zero value (`scope.Creater.New`): what Go prints anyway belongs to nobody.
        let zero = || crate::schema::zero_object(&write.resource.schema, write.resource.type_id);
        let before = live.map_or_else(|| Cow::Owned(zero()), Cow::Borrowed);
        let changes = ignore(write, Changes::between(typed, &before, new));
        let me = manager(write, false);
        // An object that nobody tracked before it was created with tracking stays untracked (`skipNonAppliedManager`).
        if live.is_some() && managers.0.is_empty() {
            new.remove("metadata.managedFields");
            return;
        }
        let version = write.resource.gvk.api_version();
        take_over(&mut managers, &changes, &version, None);
        let written = strip(changes.written());
        if !written.is_empty() {
            let previous = managers.0.remove(&me).map(|o| o.set).unwrap_or_default();
            let owned = Owned { set: previous.union(&written), api_version: version, time: write.now.to_owned() };
            managers.0.insert(me, owned);
        }
        managers.tidy();
        managers.cap();
        store(new, &managers);
    }
}

/// Managed fields of a write: those that the client sent, unless it sent none or writes a subresource (`decodeLiveOrNew`).
fn known(write: &FieldWrite<'_>, live: Option<&Value>, new: &Value) -> Managers {
    let of_live = || live.map(Managers::of).unwrap_or_default();
    if !write.subresource.is_empty() {
        return of_live();
    }
    if let [only] = new.list("metadata.managedFields")
        && only.as_object().is_some_and(|o| o.values().all(|v| v.is_null() || v == ""))
    {
        return Managers::default();
    }
    let sent = Managers::of(new);
    if sent.0.is_empty() { of_live() } else { sent }
}

fn manager(write: &FieldWrite<'_>, applies: bool) -> Manager {
    Manager {
        applies,
        name: if write.manager.is_empty() { "unknown" } else { write.manager }.to_owned(),
        api_version: if applies { String::new() } else { write.resource.gvk.api_version() },
        subresource: write.subresource.to_owned(),
    }
}

fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    object.remove("metadata.managedFields");
    object
}

fn store(object: &mut Value, managers: &Managers) {
    if managers.0.is_empty() {
        object.remove("metadata.managedFields");
    } else {
        object.put("metadata.managedFields", managers.encode());
    }
}

/// Fields that a write cannot change are not compared: the status of a whole object, all but the status of a status
/// (`GetResetFields`).
fn reset(write: &FieldWrite<'_>) -> &'static [&'static str] {
    match write.subresource {
        "" if write.resource.hooks.has_status => &["status"],
        "status" => &["spec"],
        _ => &[],
    }
}

fn ignore(write: &FieldWrite<'_>, changes: Changes) -> Changes {
    changes.without_fields(reset(write))
}

/// What nobody owns (`stripMetaManager`).
fn strip(set: Set) -> Set {
    const METADATA: [&str; 9] =
        ["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"];
    let field = |name: &str| Element::Field(name.to_owned());
    let mut stripped = Set::default();
    for name in ["apiVersion", "kind", "metadata"] {
        stripped.insert(&[field(name)]);
    }
    for name in METADATA {
        stripped.insert(&[field("metadata"), field(name)]);
    }
    set.difference(&stripped)
}

/// Other managers lose what was written over and what is gone; only managers of the same version are compared.
fn take_over(managers: &mut Managers, changes: &Changes, version: &str, except: Option<&Manager>) {
    let written = changes.written();
    for (manager, owned) in &mut managers.0 {
        if owned.api_version == version && Some(manager) != except {
            owned.set = owned.set.difference(&written).difference(&changes.removed);
        }
    }
}

struct Application<'a> {
    write: &'a FieldWrite<'a>,
    typed: Typed<'a>,
    live: Option<&'a Value>,
    patch: &'a Value,
}

impl Application<'_> {
    fn run(&self, force: bool) -> Result<Value, ApiError> {
        let version = self.write.resource.gvk.api_version();
        let config = bare(self.patch);
        self.no_duplicates(&config)?;
        let empty = json!({"apiVersion": config.at("apiVersion"), "kind": config.at("kind")});
        let live = bare(self.live.unwrap_or(&empty));
        let mut managers = self.live.map(Managers::of).unwrap_or_default();
        if let Some(object) = self.live
            && managers.0.is_empty()
        {
            self.adopt(object, &mut managers, &version);
        }
        let me = manager(self.write, true);
        let last = managers.0.get(&me).cloned();
        let merged = merge(self.typed, &live, &config);
        let set = self.typed.fields_of(&config).without_fields(reset(self.write));
        let time = self.write.now.to_owned();
        managers.0.insert(me.clone(), Owned { set, api_version: version.clone(), time });
        let new = match &last {
            Some(last) if last.api_version == version && !last.set.is_empty() => self.prune(&merged, &managers, &last.set),
            _ => merged,
        };
        let changes = ignore(self.write, Changes::between(self.typed, &live, &new));
        if !force {
            self.conflicts(&managers, &changes, &me, &version, &live)?;
        }
        take_over(&mut managers, &changes, &version, Some(&me));
        if let Some(owned) = managers.0.get_mut(&me) {
            owned.set = strip(std::mem::take(&mut owned.set));
            // Nothing changed: the entry keeps its time, so that nothing has to be written; one that is new has none
            // (`managedFieldsUpdater.Apply`).
            if new == live && self.live.is_some() {
                owned.time = last.map(|last| last.time).unwrap_or_default();
            }
        }
        managers.tidy();
        let mut new = new;
        self.keep_last_applied(&mut new);
        store(&mut new, &managers);
        Ok(new)
    }

    /// Fields of an object that was never tracked belong to `before-first-apply`.
    fn adopt(&self, object: &Value, managers: &mut Managers, version: &str) {
        let changes = ignore(self.write, Changes::between(self.typed, &json!({}), object));
        let owner = Manager {
            applies: false,
            name: "before-first-apply".into(),
            api_version: version.to_owned(),
            subresource: self.write.subresource.to_owned(),
        };
        let owned = Owned { set: strip(changes.written()), api_version: version.to_owned(), time: self.write.now.to_owned() };
        managers.0.insert(owner, owned);
    }

    /// Takes away what this manager applied before and no longer does, unless somebody else owns it (`prune`).
    fn prune(&self, merged: &Value, managers: &Managers, last: &Set) -> Value {
        let typed = self.typed;
        let without = |value: &Value, set: &Set| remove(typed, value, set).unwrap_or_else(|| json!({}));
        let named = |set: &Set| set.with_named_fields(typed);
        let fields = |value: &Value| named(&typed.fields_of(value));
        let all = fields(merged);
        let last = named(last);
        let pruned = fields(&without(merged, &last));
        let owned = managers.0.values().fold(Set::default(), |sum, o| sum.union(&o.set));
        let pruned = fields(&without(merged, &all.difference(&pruned.union(&named(&owned)))));
        without(merged, &all.difference(&pruned).intersection(&last))
    }

    fn conflicts(&self, managers: &Managers, changes: &Changes, me: &Manager, version: &str, live: &Value) -> Result<(), ApiError> {
        let written = changes.written();
        let mut conflicts: Vec<(&Manager, Vec<Vec<Element>>)> = Vec::new();
        let allowed = self.allowed(live);
        for (manager, owned) in managers.0.iter().filter(|(m, o)| *m != me && o.api_version == version) {
            let paths = owned.set.intersection(&written).difference(&allowed).paths();
            if !paths.is_empty() {
                conflicts.push((manager, paths));
            }
        }
        if conflicts.is_empty() { Ok(()) } else { Err(conflict(&conflicts)) }
    }

    /// `kubectl apply --server-side` takes over what `kubectl apply` applied (`lastAppliedManager`).
    fn allowed(&self, live: &Value) -> Set {
        let annotation = live.object("metadata.annotations").and_then(|a| a.get(LAST_APPLIED)).and_then(Value::as_str);
        let Some(last) = annotation.filter(|_| self.write.manager == "kubectl").and_then(|text| serde_json::from_str::<Value>(text).ok())
        else {
            return Set::default();
        };
        if last.text("apiVersion") != self.write.resource.gvk.api_version() {
            return Set::default();
        }
        let changes = Changes::between(self.typed, &last, live);
        self.typed.fields_of(&last).difference(&changes.written()).difference(&changes.removed)
    }

    /// The annotation of client-side apply follows what `kubectl apply --server-side` applies (`lastAppliedUpdater`).
    fn keep_last_applied(&self, new: &mut Value) {
        let has = new.object("metadata.annotations").is_some_and(|a| a.contains_key(LAST_APPLIED));
        if self.write.manager != "kubectl" || !has || !self.write.subresource.is_empty() {
            return;
        }
        let mut config = bare(self.patch);
        if let Some(annotations) = config.slot("metadata.annotations").as_object_mut() {
            annotations.shift_remove(LAST_APPLIED);
        }
        if config.object("metadata.annotations").is_none_or(serde_json::Map::is_empty) {
            config.remove("metadata.annotations");
        }
        if let Some(annotations) = new.slot("metadata.annotations").as_object_mut() {
            annotations.insert(LAST_APPLIED.into(), format!("{config}\n").into());
        }
    }

    /// An applied list may not name an item twice.
    fn no_duplicates(&self, config: &Value) -> Result<(), ApiError> {
        let mut found = Vec::new();
        duplicates(self.typed, config, String::new(), &mut found);
        let Some(first) = found.first() else { return Ok(()) };
        let text = if found.len() == 1 { first.clone() } else { format!("errors:\n  {}", found.join("\n  ")) };
        let (name, namespace) = (config.text("metadata.name"), config.text("metadata.namespace"));
        let gvk = &self.write.resource.gvk;
        let message = format!("failed to create typed patch object ({namespace}/{name}; {}, Kind={}): {text}", gvk.api_version(), gvk.kind);
        Err(ApiError::new(Reason::Unknown, message))
    }
}

fn duplicates(typed: Typed<'_>, value: &Value, path: String, found: &mut Vec<String>) {
    match typed.atom(Some(value)) {
        Atom::Leaf => {}
        Atom::Struct(kind) => {
            for (key, item) in value.as_object().into_iter().flatten() {
                duplicates(typed.field(kind, key), item, format!("{path}.{key}"), found);
            }
        }
        Atom::Map(shape) => {
            for (key, item) in value.as_object().into_iter().flatten() {
                duplicates(typed.at(shape), item, format!("{path}.{key}"), found);
            }
        }
        Atom::List(shape, kind) => {
            let mut seen: Vec<Element> = Vec::new();
            for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                let name = typed.item(shape, kind, i, item);
                if seen.contains(&name) {
                    found.push(format!("{path}: duplicate entries for key {name}"));
                }
                duplicates(typed.at(shape), item, format!("{path}{name}"), found);
                seen.push(name);
            }
        }
    }
}

/// 409 with a cause for each path (`NewConflictError`).
fn conflict(conflicts: &[(&Manager, Vec<Vec<Element>>)]) -> ApiError {
    let text = |path: &[Element]| path.iter().map(ToString::to_string).collect::<String>();
    let causes: Vec<Cause> = conflicts
        .iter()
        .flat_map(|(manager, paths)| paths.iter().map(move |path| (manager, path)))
        .map(|(manager, path)| Cause {
            reason: "FieldManagerConflict".into(),
            message: format!("conflict with {}", manager.describe()),
            field: text(path),
        })
        .collect();
    let message = match conflicts {
        [(manager, paths)] if paths.len() == 1 => {
            format!("Apply failed with 1 conflict: conflict with {}: {}", manager.describe(), text(&paths[0]))
        }
        _ => {
            let parts: Vec<String> = conflicts
                .iter()
                .flat_map(|(manager, paths)| {
                    let head = format!("conflicts with {}:", manager.describe());
                    std::iter::once(head).chain(paths.iter().map(|p| format!("- {}", text(p)))).collect::<Vec<_>>()
                })
                .collect();
            format!("Apply failed with {} conflicts: {}", causes.len(), parts.join("\n"))
        }
    };
    ApiError::new(Reason::Conflict, message).with_causes(causes)
}
