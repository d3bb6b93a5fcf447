//! The table of types: built in, or of one custom resource.
//!
//! The built-in table is deflated text that `build.rs` writes, one line for each type, sorted by name; a type's id is
//! its line. A line is `name TAB flags TAB …`: then either one shape (a named scalar) or the fields, sorted by name,
//! each with its attributes (shape, flags, merge key, allowed values, default) separated by U+001F.
//! Only the lines are found at start; a type is read when it is first asked for.
//!
//! Shapes: `s` text, `y` bytes, `i` and `l` integers of 32 and 64 bits, `n` number, `b` truth value, `o` integer or text,
//! `q` quantity, `t` time, `u` time with microseconds, `*` anything, `#n` the type n, `[a…`, `[s…`, `[mkey,key;…` lists,
//! `{g…` and `{a…` granular and atomic maps.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, OnceLock};

use super::defaults;
use super::types::{Field, ListType, MergeStrategy, Shape, Type, TypeId};

static TYPES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/types.z"));
static DESCRIPTIONS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptions.z"));

/// Immutable once made, so shared by all servers of the process.
static BUILTIN: OnceLock<Arc<Table>> = OnceLock::new();

/// Types by id and name. The built-in one is read lazily; a custom resource's table stands on it.
pub struct Table {
    parent: Option<Arc<Table>>,
    base: u32,
    names: BTreeMap<String, u32>,
    slots: Vec<Slot>,
    descriptions: OnceLock<Vec<Descriptions>>,
}

struct Slot {
    line: String,
    read: OnceLock<Type>,
}

/// What people read about a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptions {
    /// Of the type.
    pub text: String,
    /// Of its fields, in the order of [`Type::fields`].
    pub fields: Vec<String>,
}

impl Table {
    /// The table of the built-in kinds.
    pub fn builtin() -> Arc<Self> {
        BUILTIN.get_or_init(|| Arc::new(Self::read(&inflate(TYPES)))).clone()
    }

    fn read(text: &str) -> Self {
        let slots: Vec<Slot> = text.lines().map(|line| Slot { line: line.to_owned(), read: OnceLock::new() }).collect();
        let name = |slot: &Slot| slot.line.split('\t').next().unwrap_or("").to_owned();
        let names = slots.iter().enumerate().map(|(id, slot)| (name(slot), id as u32)).collect();
        Self { parent: None, base: 0, names, slots, descriptions: OnceLock::new() }
    }

    /// A table with further types. `make` gets the id of the first one; types may refer to each other and to the parent's.
    pub fn extend(parent: Arc<Self>, make: impl FnOnce(u32) -> Vec<(Type, Descriptions)>) -> Self {
        let base = parent.base + parent.slots.len() as u32;
        let (types, descriptions): (Vec<_>, Vec<_>) = make(base).into_iter().unzip();
        let names = types.iter().enumerate().map(|(i, t)| (t.name.clone(), base + i as u32)).collect();
        let slots = types.into_iter().map(|t| Slot { line: String::new(), read: OnceLock::from(t) }).collect();
        Self { parent: Some(parent), base, names, slots, descriptions: OnceLock::from(descriptions) }
    }

    fn slot(&self, id: TypeId) -> &Slot {
        match &self.parent {
            Some(parent) if id.0 < self.base => parent.slot(id),
            _ => &self.slots[(id.0 - self.base) as usize],
        }
    }

    /// A type.
    pub fn get(&self, id: TypeId) -> &Type {
        let slot = self.slot(id);
        slot.read.get_or_init(|| read_type(&slot.line))
    }

    /// Type by its full name, `io.k8s.api.core.v1.Pod`.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        match self.names.get(name) {
            Some(id) => Some(TypeId(*id)),
            None => self.parent.as_ref()?.find(name),
        }
    }

    /// This table's own types by name (not the parent's).
    pub fn ids(&self) -> impl Iterator<Item = (&str, TypeId)> {
        self.names.iter().map(|(name, id)| (name.as_str(), TypeId(*id)))
    }

    /// Descriptions of a type. Inflated at the first call.
    pub fn descriptions(&self, id: TypeId) -> Descriptions {
        match &self.parent {
            Some(parent) if id.0 < self.base => parent.descriptions(id),
            _ => {
                let all = self.descriptions.get_or_init(|| inflate(DESCRIPTIONS).lines().map(read_descriptions).collect());
                all.get((id.0 - self.base) as usize).cloned().unwrap_or_default()
            }
        }
    }

    /// The type's full name for a built-in kind.
    pub fn type_name(group: &str, version: &str, kind: &str) -> String {
        let package = match group {
            "" => "io.k8s.api.core",
            "apiextensions.k8s.io" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
            "apiregistration.k8s.io" => "io.k8s.kube-aggregator.pkg.apis.apiregistration",
            "meta.k8s.io" => "io.k8s.apimachinery.pkg.apis.meta",
            other => return format!("io.k8s.api.{}.{version}.{kind}", go_package(other)),
        };
        format!("{package}.{version}.{kind}")
    }
}

/// Directory of a group in k8s.io/api: `rbac` for `rbac.authorization.k8s.io`.
fn go_package(group: &str) -> &str {
    group.split('.').next().unwrap_or(group)
}

fn inflate(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 6);
    // The bytes are part of the program; a broken build gives an empty table and every test fails.
    let _ = flate2::read::DeflateDecoder::new(bytes).read_to_string(&mut text);
    text
}

fn read_descriptions(line: &str) -> Descriptions {
    let unescape = |text: &str| text.replace("\\n", "\n").replace("\\\\", "\\");
    let mut parts = line.split('\t').map(unescape);
    Descriptions { text: parts.next().unwrap_or_default(), fields: parts.collect() }
}

fn read_type(line: &str) -> Type {
    let mut parts = line.split('\t');
    let name = parts.next().unwrap_or_default().to_owned();
    let atomic = parts.next().unwrap_or_default().contains('A');
    let (mut fields, mut scalar) = (Vec::new(), None);
    for part in parts {
        if part.contains('\u{1f}') {
            fields.push(read_field(part));
        } else {
            scalar = Some(read_shape(&mut part.chars().as_str()));
        }
    }
    let complete = defaults::of_type(&name);
    Type { name, fields, scalar, atomic, preserve_unknown: false, complete }
}

fn read_field(text: &str) -> Field {
    let mut parts = text.split('\u{1f}');
    let mut next = || parts.next().unwrap_or_default();
    let name = next().to_owned();
    let shape = read_shape(&mut next());
    let flags = next();
    let merge_key = Some(next()).filter(|key| !key.is_empty()).map(str::to_owned);
    let allowed = next().split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    let default = serde_json::from_str(next()).ok();
    let has = |flag| flags.contains(flag);
    Field {
        name,
        shape,
        required: has('r'),
        pointer: has('p'),
        omit_empty: !has('a') && !has('z'),
        omit_zero: has('z'),
        default,
        allowed,
        merge_key,
        strategy: MergeStrategy { merge: has('m'), retain_keys: has('k'), replace: has('R') },
    }
}

fn read_shape(text: &mut &str) -> Shape {
    let code = text.chars().next().unwrap_or('*');
    *text = text.get(1..).unwrap_or("");
    match code {
        's' => Shape::String,
        'y' => Shape::Bytes,
        'i' => Shape::Integer(32),
        'l' => Shape::Integer(64),
        'n' => Shape::Number,
        'b' => Shape::Boolean,
        'o' => Shape::IntOrString,
        'q' => Shape::Quantity,
        't' => Shape::Time,
        'u' => Shape::MicroTime,
        '#' => Shape::Named(TypeId(text.parse().unwrap_or(0))),
        '[' => {
            let kind = text.chars().next();
            *text = text.get(1..).unwrap_or("");
            let list = match kind {
                Some('s') => ListType::Set,
                Some('m') => {
                    let (keys, rest) = text.split_once(';').unwrap_or(("", text));
                    let keys = keys.split(',').map(str::to_owned).collect();
                    *text = rest;
                    ListType::Map(keys)
                }
                _ => ListType::Atomic,
            };
            Shape::List(Box::new(read_shape(text)), list)
        }
        '{' => {
            let atomic = text.starts_with('a');
            *text = text.get(1..).unwrap_or("");
            Shape::Map(Box::new(read_shape(text)), atomic)
        }
        _ => Shape::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_joined_with_the_facts() {
        let table = Table::builtin();
        let id = table.find(&Table::type_name("", "v1", "Container")).unwrap();
        let container = table.get(id);
        let ports = container.field("ports").unwrap();
        assert_eq!(ports.merge_key.as_deref(), Some("containerPort"));
        assert!(ports.strategy.merge);
        let Shape::List(item, ListType::Map(keys)) = &ports.shape else { panic!("{:?}", ports.shape) };
        assert_eq!(keys, &["containerPort", "protocol"]);
        let Shape::Named(port) = **item else { panic!("{item:?}") };
        assert_eq!(table.get(port).field("protocol").unwrap().default, Some("TCP".into()));
        assert!(container.field("livenessProbe").unwrap().pointer);
        let position = container.fields.iter().position(|f| f.name == "image").unwrap();
        assert!(table.descriptions(id).fields[position].starts_with("Container image name"));
    }

    #[test]
    fn every_type_can_be_read_and_every_reference_resolves() {
        fn check(table: &Table, shape: &Shape, owner: &str) {
            match shape {
                Shape::Named(id) => assert!(!table.get(*id).name.is_empty(), "{owner}"),
                Shape::List(inner, _) | Shape::Map(inner, _) => check(table, inner, owner),
                _ => {}
            }
        }
        let table = Table::builtin();
        let mut count = 0;
        for (name, id) in table.ids() {
            let found = table.get(id);
            assert_eq!(found.name, name);
            assert!(found.fields.is_sorted_by(|a, b| a.name < b.name), "{name}");
            found.fields.iter().for_each(|field| check(&table, &field.shape, name));
            count += 1;
        }
        assert!(count > 400, "{count} types");
    }

    #[test]
    fn facts_name_fields_that_exist() {
        let table = Table::builtin();
        let mut current = None;
        for line in include_str!("../../facts/fields.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            match line.strip_prefix("  ") {
                None => current = table.find(line.split(' ').next().unwrap()),
                Some(row) => {
                    let Some(id) = current else { continue };
                    let found = table.get(id);
                    let name = row.split(' ').next().unwrap();
                    assert!(found.scalar.is_some() || found.field(name).is_some(), "{}.{name}", found.name);
                }
            }
        }
        for line in include_str!("../../facts/defaults.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            let (name, field) = line.split(' ').next().unwrap().rsplit_once('.').unwrap();
            let id = table.find(name).unwrap_or_else(|| panic!("{name}"));
            assert!(table.get(id).field(field).is_some(), "{name}.{field}");
        }
    }
}
