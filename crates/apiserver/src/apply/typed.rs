//! Values seen through the schema table: which parts are one value, and what the items of lists are called.

use serde_json::{Map, Value};

use super::element::Element;
use super::set::Set;
use crate::schema::{ListType, Shape, Table, Type};

/// A place in the schema.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    table: &'a Table,
    shape: &'a Shape,
}

/// What stands at a place.
pub enum Atom<'a> {
    /// One value: scalars, atomic lists and maps.
    Leaf,
    /// An object with named fields.
    Struct(&'a Type),
    /// A map whose entries are owned one by one.
    Map(&'a Shape),
    /// A list whose items are owned one by one.
    List(&'a Shape, &'a ListType),
}

static ANY: Shape = Shape::Any;

impl<'a> Typed<'a> {
    /// A place of a shape.
    pub fn new(table: &'a Table, shape: &'a Shape) -> Self {
        Self { table, shape }
    }

    /// What stands here; untyped values are deduced from what they hold.
    pub fn atom(self, value: Option<&Value>) -> Atom<'a> {
        match self.shape {
            Shape::Named(id) => {
                let kind = self.table.get(*id);
                if kind.scalar.is_some() || kind.atomic {
                    Atom::Leaf
                } else if kind.fields.is_empty() && kind.preserve_unknown {
                    Self { shape: &ANY, ..self }.atom(value)
                } else {
                    Atom::Struct(kind)
                }
            }
            Shape::List(_, ListType::Atomic) => Atom::Leaf,
            Shape::List(item, kind) => Atom::List(item, kind),
            Shape::Map(_, true) => Atom::Leaf,
            Shape::Map(item, false) => Atom::Map(item),
            Shape::Any if value.is_some_and(Value::is_object) => Atom::Map(&ANY),
            _ => Atom::Leaf,
        }
    }

    /// A place below, of another shape.
    pub fn at(self, shape: &'a Shape) -> Self {
        Self { shape, ..self }
    }

    /// A named field of a struct, or whatever an unknown one is.
    pub fn field(self, kind: &'a Type, name: &str) -> Self {
        self.at(kind.field(name).map_or(&ANY, |field| &field.shape))
    }

    /// Whether a struct here has a field of this name.
    pub fn has_field(self, name: &str) -> bool {
        matches!(self.atom(None), Atom::Struct(kind) if kind.field(name).is_some())
    }

    /// The place one step below.
    pub fn below(self, step: &Element) -> Self {
        match (self.atom(Some(&Value::Object(Map::new()))), step) {
            (Atom::Struct(kind), Element::Field(name)) => self.field(kind, name),
            (Atom::Map(item), _) | (Atom::List(item, _), _) => self.at(item),
            _ => self.at(&ANY),
        }
    }

    /// Fields of a struct that Go always has: structs that are no pointers. They neither come nor go.
    pub fn always_there(self, kind: &'a Type) -> impl Iterator<Item = &'a str> {
        kind.fields
            .iter()
            .filter(move |field| !field.pointer && !field.omit_zero && matches!(self.at(&field.shape).atom(None), Atom::Struct(_)))
            .map(|field| field.name.as_str())
    }

    /// The name of a list's item (`listItemToPathElement`): its key fields, with their defaults, or its value.
    pub fn item(self, item: &'a Shape, kind: &ListType, position: usize, value: &Value) -> Element {
        match kind {
            ListType::Map(keys) => {
                let Shape::Named(id) = item else { return Element::Index(position) };
                let kind = self.table.get(*id);
                let fields: Vec<(String, Value)> = keys
                    .iter()
                    .filter_map(|key| {
                        let given = value.get(key).filter(|v| !v.is_null());
                        let found = given.or_else(|| kind.field(key)?.default.as_ref())?;
                        Some((key.clone(), found.clone()))
                    })
                    .collect();
                if fields.is_empty() { Element::Index(position) } else { Element::key(&fields) }
            }
            ListType::Set => Element::Value(value.to_string()),
            ListType::Atomic => Element::Index(position),
        }
    }

    /// The paths that a configuration names (`ToFieldSet`).
    pub fn fields_of(self, value: &Value) -> Set {
        let mut set = Set::default();
        self.collect(value, &mut Vec::new(), &mut set);
        set
    }

    fn collect(self, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
        match self.atom(Some(value)) {
            Atom::Leaf => set.insert(path),
            Atom::Struct(kind) => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    self.field(kind, key).descend(item, Element::Field(key.clone()), kind.field(key).is_none(), path, set);
                }
            }
            Atom::Map(shape) => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    self.at(shape).descend(item, Element::Field(key.clone()), true, path, set);
                }
            }
            Atom::List(shape, kind) => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.at(shape).descend(item, self.item(shape, kind, i, item), true, path, set);
                }
            }
        }
    }

    fn descend(self, value: &Value, step: Element, itself: bool, path: &mut Vec<Element>, set: &mut Set) {
        path.push(step);
        self.collect(value, path, set);
        if itself || value.is_null() || value.as_object().is_some_and(Map::is_empty) {
            set.insert(path);
        }
        path.pop();
    }
}
