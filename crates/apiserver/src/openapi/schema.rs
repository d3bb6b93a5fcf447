//! Types as OpenAPI schemas, with the extensions by which clients merge and explain.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::registry::Gvk;
use crate::schema::{Field, ListType, Shape, Table, Type, TypeId};

const REFERENCE: &str = "#/components/schemas/";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const EVENT: &str = "io.k8s.api.core.v1.Event";
const DURATION: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration";

/// A reference to a named schema.
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("{REFERENCE}{name}")})
}

/// The schemas of a document: what is asked for and everything that it refers to.
pub struct Schemas<'a> {
    table: &'a Table,
    kinds: BTreeMap<TypeId, Vec<Gvk>>,
    done: BTreeMap<String, Value>,
    waiting: BTreeSet<TypeId>,
    scalars: BTreeSet<&'static str>,
}

impl<'a> Schemas<'a> {
    /// Schemas from a table; `kinds` says which types are kinds.
    pub fn new(table: &'a Table, kinds: BTreeMap<TypeId, Vec<Gvk>>) -> Self {
        Self { table, kinds, done: BTreeMap::new(), waiting: BTreeSet::new(), scalars: BTreeSet::new() }
    }

    /// Asks for a type.
    pub fn want(&mut self, id: TypeId) {
        if !self.done.contains_key(&self.table.get(id).name) {
            self.waiting.insert(id);
        }
    }

    /// Asks for a type by name, if the table has it.
    pub fn want_named(&mut self, name: &str) {
        if let Some(id) = self.table.find(name) {
            self.want(id);
        }
    }

    /// Adds a schema that the table lacks.
    pub fn add(&mut self, name: String, schema: Value) {
        self.done.insert(name, schema);
    }

    /// Everything that was asked for.
    pub fn finish(mut self) -> Map<String, Value> {
        while let Some(id) = self.waiting.pop_first() {
            let name = self.table.get(id).name.clone();
            if !self.done.contains_key(&name) {
                let schema = self.schema(id);
                self.done.insert(name, schema);
            }
        }
        for name in std::mem::take(&mut self.scalars) {
            if !self.done.contains_key(name) {
                let description = self.table.find(name).map(|id| self.table.descriptions(id).text).unwrap_or_default();
                let schema = scalar(name, &description);
                self.done.insert(name.to_owned(), schema);
            }
        }
        self.done.into_iter().collect()
    }

    fn schema(&mut self, id: TypeId) -> Value {
        let kind = self.table.get(id);
        let descriptions = self.table.descriptions(id);
        let mut map = Map::new();
        if !descriptions.text.is_empty() {
            map.insert("description".into(), descriptions.text.clone().into());
        }
        if let Some(shape) = &kind.scalar {
            map.extend(self.shape(shape));
            return Value::Object(map);
        }
        map.insert("type".into(), "object".into());
        // k8s-openapi always has a `metadata`; only an Event needs one.
        let optional = |f: &Field| f.name == "metadata" && kind.name != EVENT;
        let required: Vec<&str> = kind.fields.iter().filter(|f| f.required && !optional(f)).map(|f| f.name.as_str()).collect();
        if !required.is_empty() {
            map.insert("required".into(), json!(required));
        }
        let mut properties = Map::new();
        for (i, field) in kind.fields.iter().enumerate() {
            let description = descriptions.fields.get(i).map_or("", String::as_str);
            properties.insert(field.name.clone(), self.field(field, description));
        }
        if !properties.is_empty() {
            map.insert("properties".into(), Value::Object(properties));
        }
        if let Some(kinds) = self.kinds.get(&id) {
            let list: Vec<Value> = kinds.iter().map(gvk).collect();
            map.insert("x-kubernetes-group-version-kind".into(), list.into());
        }
        extensions(kind, &mut map);
        Value::Object(map)
    }

    fn field(&mut self, field: &Field, description: &str) -> Value {
        let mut map = Map::new();
        if !description.is_empty() {
            map.insert("description".into(), description.into());
        }
        let mut shape = self.shape(&field.shape);
        if shape.contains_key("$ref") {
            let zero = default(field, &shape, self.table);
            // A reference cannot have neighbours: it is wrapped.
            if map.is_empty() && zero.is_none() {
                return Value::Object(shape);
            }
            if let Some(zero) = zero {
                map.insert("default".into(), zero);
            }
            map.insert("allOf".into(), json!([shape]));
            return Value::Object(map);
        }
        let zero = default(field, &shape, self.table);
        map.append(&mut shape);
        if let Some(zero) = zero {
            map.insert("default".into(), zero);
        }
        if !field.allowed.is_empty() {
            map.insert("enum".into(), json!(field.allowed));
        }
        if let Some(key) = &field.merge_key {
            map.insert("x-kubernetes-patch-merge-key".into(), key.clone().into());
        }
        let strategies = [("merge", field.strategy.merge), ("retainKeys", field.strategy.retain_keys), ("replace", field.strategy.replace)];
        let strategies: Vec<&str> = strategies.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
        if !strategies.is_empty() {
            map.insert("x-kubernetes-patch-strategy".into(), strategies.join(",").into());
        }
        Value::Object(map)
    }

    fn shape(&mut self, shape: &Shape) -> Map<String, Value> {
        let value = match shape {
            Shape::Any => json!({"x-kubernetes-preserve-unknown-fields": true}),
            Shape::String => json!({"type": "string"}),
            Shape::Bytes => json!({"type": "string", "format": "byte"}),
            Shape::Integer(bits) => json!({"type": "integer", "format": format!("int{bits}")}),
            Shape::Number => json!({"type": "number", "format": "double"}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::IntOrString => self.named_scalar(INT_OR_STRING),
            Shape::Quantity => self.named_scalar(QUANTITY),
            Shape::Time => self.named_scalar(TIME),
            Shape::MicroTime => self.named_scalar(MICRO_TIME),
            Shape::Duration => self.named_scalar(DURATION),
            Shape::Named(id) => {
                self.want(*id);
                reference(&self.table.get(*id).name)
            }
            Shape::List(item, kind) => {
                let mut map = Map::new();
                map.insert("type".into(), "array".into());
                map.insert("items".into(), self.item(item));
                match kind {
                    ListType::Atomic => drop(map.insert("x-kubernetes-list-type".into(), "atomic".into())),
                    ListType::Set => drop(map.insert("x-kubernetes-list-type".into(), "set".into())),
                    ListType::Map(keys) => {
                        map.insert("x-kubernetes-list-map-keys".into(), json!(keys));
                        map.insert("x-kubernetes-list-type".into(), "map".into());
                    }
                }
                Value::Object(map)
            }
            Shape::Map(item, atomic) => {
                let mut map = Map::new();
                map.insert("type".into(), "object".into());
                map.insert("additionalProperties".into(), self.item(item));
                if *atomic {
                    map.insert("x-kubernetes-map-type".into(), "atomic".into());
                }
                Value::Object(map)
            }
        };
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn named_scalar(&mut self, name: &'static str) -> Value {
        self.scalars.insert(name);
        reference(name)
    }

    /// Items of lists and maps have the zero value of their type as a default.
    fn item(&mut self, item: &Shape) -> Value {
        let map = self.shape(item);
        if let Shape::Named(id) = item
            && self.table.get(*id).scalar.is_none()
        {
            return json!({"default": {}, "allOf": [map]});
        }
        let zero = match item {
            Shape::String => Some(json!("")),
            Shape::Integer(_) | Shape::Number => Some(json!(0)),
            Shape::Boolean => Some(json!(false)),
            _ => None,
        };
        let mut map = map;
        if let Some(zero) = zero {
            map.insert("default".into(), zero);
        }
        Value::Object(map)
    }
}

/// The default that is documented: the API's own, or Go's zero value of what is always there.
fn default(field: &Field, _: &Map<String, Value>, table: &Table) -> Option<Value> {
    if field.default.is_some() {
        return field.default.clone();
    }
    if field.pointer || field.omit_zero {
        return None;
    }
    match &field.shape {
        Shape::Named(id) if table.get(*id).scalar.is_none() => Some(json!({})),
        Shape::String if !field.omit_empty => Some(json!("")),
        Shape::Integer(_) | Shape::Number if !field.omit_empty => Some(json!(0)),
        Shape::Boolean if !field.omit_empty => Some(json!(false)),
        _ => None,
    }
}

fn extensions(kind: &Type, map: &mut Map<String, Value>) {
    if kind.atomic {
        map.insert("x-kubernetes-map-type".into(), "atomic".into());
    }
    if kind.preserve_unknown {
        map.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    }
}

/// A group, version and kind as the extension has it.
pub fn gvk(gvk: &Gvk) -> Value {
    json!({"group": gvk.group, "kind": gvk.kind, "version": gvk.version})
}

fn scalar(name: &str, description: &str) -> Value {
    let mut map = Map::new();
    if !description.is_empty() {
        map.insert("description".into(), description.into());
    }
    let rest = match name {
        INT_OR_STRING => json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        QUANTITY => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        TIME | MICRO_TIME => json!({"type": "string", "format": "date-time"}),
        _ => json!({"type": "string"}),
    };
    if let Value::Object(rest) = rest {
        map.extend(rest);
    }
    Value::Object(map)
}
