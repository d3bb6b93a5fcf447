//! YAML with spans: documents as trees that know where everything stands.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: usize,
    /// Bytes; may be zero.
    pub length: usize,
    /// Line, from 1; 0 when unknown.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Span {
    fn of(location: &Location) -> Self {
        let (offset, length) = location.span().byte_offset().zip(location.span().byte_len()).unwrap_or_default();
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Self { offset: number(offset), length: number(length), line: number(location.line()), column: number(location.column()) }
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Empty or `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, with keys that stand there twice still in it.
    Map(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// A path into a document: `checks[1].expect.node`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// One key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.to_owned()));
        path
    }

    /// One item further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A text that is not YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
}

/// Reads all documents of a text. Empty ones are left out.
pub fn parse(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let nodes: Vec<Node> = read(text)?;
    Ok(nodes.into_iter().filter(|n| n.kind != Kind::Null).collect())
}

/// Reads all documents of a text without their places, which is several times as fast.
pub fn parse_plain(text: &str) -> Result<Vec<Value>, SyntaxError> {
    let values: Vec<Value> = read(text)?;
    Ok(values.into_iter().filter(|v| !v.is_null()).collect())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, SyntaxError> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let mut span = error.location().map(|l| Span::of(&l)).unwrap_or_default();
        // The scanner's errors have a line and a column, and no offset.
        if span.offset == 0 {
            span.offset = offset(text, span.line, span.column);
        }
        SyntaxError { message: plain_message(&error), span }
    })
}

/// Where a line and column (both from 1, in characters) are in a text, in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within = &text[before..];
    before + within.char_indices().nth(column.saturating_sub(1)).map_or(within.len(), |(at, _)| at)
}

/// The message without the position, which stands beside it anyway.
fn plain_message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    match first.split_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => first.to_owned(),
    }
}

impl Node {
    /// The value without its places. Of keys that stand there twice, the last counts.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(n) => Value::Number(n.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|(k, v)| (k.text.clone(), v.to_json())).collect::<Map<_, _>>().into(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A text under a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where a path leads, or how far it goes: the place to point at in a message about it.
    pub fn span_at(&self, path: &Path) -> Span {
        let mut node = self;
        let mut span = self.span;
        for segment in &path.0 {
            let next = match (segment, &node.kind) {
                (Segment::Key(key), Kind::Map(entries)) => entries.iter().find(|(k, _)| k.text == *key).map(|(k, v)| (k.span, v)),
                (Segment::Index(index), Kind::List(items)) => items.get(*index).map(|v| (v.span, v)),
                _ => None,
            };
            let Some((at, next)) = next else { return span };
            // Maps and lists have a beginning only; the key says better what is meant. Short texts are pointed at themselves.
            span = if matches!(next.kind, Kind::Map(_) | Kind::List(_)) && at.length > 0 { at } else { next.span };
            node = next;
        }
        span
    }

    /// All texts in it, with their paths.
    pub fn texts(&self) -> Vec<(Path, &str)> {
        fn walk<'a>(node: &'a Node, path: &Path, found: &mut Vec<(Path, &'a str)>) {
            match &node.kind {
                Kind::Text(text) => found.push((path.clone(), text)),
                Kind::List(items) => items.iter().enumerate().for_each(|(i, item)| walk(item, &path.index(i), found)),
                Kind::Map(entries) => entries.iter().for_each(|(key, value)| walk(value, &path.key(&key.text), found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        walk(self, &Path::default(), &mut found);
        found
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { span: Span::of(&spanned.referenced), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Kind, E> {
        Ok(Kind::Number(n.into()))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Kind, E> {
        Ok(Kind::Number(n.into()))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Kind, E> {
        Ok(Number::from_f64(n).map_or(Kind::Null, Kind::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            map.push((Key { span: Span::of(&key.referenced), text: key.value }, entries.next_value()?));
        }
        Ok(Kind::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(keys: &[&str]) -> Path {
        keys.iter().fold(Path::default(), |p, k| k.parse().map_or_else(|_| p.key(k), |i| p.index(i)))
    }

    #[test]
    fn documents_know_where_things_stand() {
        let text = "id: a\non: shell\nlist:\n- x: 1\n  y: \"z\"\n---\nid: b\nmode: 0644\n";
        let documents = parse(text).expect("two documents");
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].to_json(), json!({"id": "a", "on": "shell", "list": [{"x": 1, "y": "z"}]}));
        assert_eq!(documents[1].to_json(), json!({"id": "b", "mode": "0644"}));
        let span = documents[0].span_at(&path(&["list", "0", "y"]));
        assert_eq!((span.line, span.column, &text[span.offset..span.offset + span.length]), (5, 6, "\"z\""));
        let span = documents[1].span_at(&path(&["id"]));
        assert_eq!((span.line, &text[span.offset..span.offset + span.length]), (7, "b"));
        // What is not there is pointed at as near as possible.
        assert_eq!(documents[0].span_at(&path(&["list", "0", "nope"])).line, 4);
    }

    #[test]
    fn doubled_keys_are_kept_for_the_linter() {
        let documents = parse("a: 1\na: 2\n").expect("a document");
        let Kind::Map(entries) = &documents[0].kind else { panic!("a map") };
        assert_eq!(entries.iter().map(|(k, _)| (k.text.as_str(), k.span.line)).collect::<Vec<_>>(), [("a", 1), ("a", 2)]);
    }

    #[test]
    fn broken_yaml_says_where() {
        let error = parse("a: 1\nb: [1, 2\nc: 3\n").expect_err("an unclosed list");
        assert!(error.span.line >= 2, "{error:?}");
        let text = "é: 1\nb:\n  c: 2\n   d: 3\n";
        let error = parse(text).expect_err("a wrong indent");
        assert_eq!((error.span.line, &text[error.span.offset..]), (4, ": 3\n"));
        assert!(!error.message.contains("line"), "{error:?}");
        assert_eq!(parse("").expect("nothing"), []);
    }

    #[test]
    fn texts_come_with_their_paths() {
        let documents = parse("a: x\nb: [{c: y}, 3]\n").expect("a document");
        let texts: Vec<_> = documents[0].texts().into_iter().map(|(p, t)| (p.to_string(), t)).collect();
        assert_eq!(texts, [("a".to_owned(), "x"), ("b[0].c".to_owned(), "y")]);
    }
}
