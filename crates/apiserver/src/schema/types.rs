//! Types as data.

use serde_json::Value;

/// A type in a [`super::Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A named type.
#[derive(Clone, Debug)]
pub struct Type {
    /// `io.k8s.api.core.v1.PodSpec`.
    pub name: String,
    /// Fields, sorted by name. Empty for types that are not objects (`scalar` says what they are).
    pub fields: Vec<Field>,
    /// What a named scalar is (`Quantity`, `IntOrString`, `Time`); `None` for objects.
    pub scalar: Option<Shape>,
    /// Whether apply takes the whole object as one value (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// Keeps fields that the type does not name (custom resources).
    pub preserve_unknown: bool,
    /// Fills in defaults that are not constants (`SetDefaults_…`).
    pub complete: Option<fn(&mut serde_json::Map<String, Value>)>,
}

/// A field of an object type.
#[derive(Clone, Debug)]
pub struct Field {
    /// JSON name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether the API documents it as required.
    pub required: bool,
    /// A pointer in Go: an empty value is kept.
    pub pointer: bool,
    /// Left out when empty (`omitempty`); otherwise always printed.
    pub omit_empty: bool,
    /// Left out when zero (`omitzero`), structs included.
    pub omit_zero: bool,
    /// Default that the API documents and fills in.
    pub default: Option<Value>,
    /// Values it may have, when they are an enumeration.
    pub allowed: Vec<String>,
    /// Strategic merge: key of list items.
    pub merge_key: Option<String>,
    /// Strategic merge: what to do with the field.
    pub strategy: MergeStrategy,
}

/// How strategic merge patch treats a field (`patchStrategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeStrategy {
    /// Lists are merged (by `merge_key`, or as sets of scalars) instead of replaced.
    pub merge: bool,
    /// `$retainKeys` is honoured.
    pub retain_keys: bool,
    /// Maps are replaced.
    pub replace: bool,
}

/// What a field, list item or map value holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Any JSON, kept as it is.
    Any,
    /// Text.
    String,
    /// Base64 text.
    Bytes,
    /// Whole number of 32 or 64 bits.
    Integer(u8),
    /// Number.
    Number,
    /// Truth value.
    Boolean,
    /// Whole number or text.
    IntOrString,
    /// `resource.Quantity`.
    Quantity,
    /// `metav1.Time`, whole seconds.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
    /// `metav1.Duration`.
    Duration,
    /// An object (or a named scalar).
    Named(TypeId),
    /// A list.
    List(Box<Shape>, ListType),
    /// A map with text keys; `true`: atomic for apply.
    Map(Box<Shape>, bool),
}

/// How apply treats a list (`x-kubernetes-list-type`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// One value.
    #[default]
    Atomic,
    /// Scalars, each owned alone.
    Set,
    /// Objects with these keys.
    Map(Vec<String>),
}

impl Type {
    /// Field by JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|f| f.name.as_str().cmp(name)).ok().map(|i| &self.fields[i])
    }
}
