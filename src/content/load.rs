//! From files to decoded documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalog::ScenarioEntry;
use super::curriculum::Curriculum;
use super::diagnostic::{Finding, Findings, SharedSource, shared_source};
use super::document::{self, Node, Path, Span};
use super::exercise::Exercise;
use super::fault::Fault;
use super::pack::Pack;
use super::question::Question;
use super::scenario::{Debrief, Scenario};
use super::schema::{self, DocumentKind};
use super::source::Source;

/// How carefully to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Decode only: for content that was checked before. What cannot be decoded is looked at as [`Self::Strict`] does.
    Trusted,
    /// Hold everything against the schema first, so that all errors come at once.
    Strict,
}

/// A decoded document, with the tree it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The content.
    pub content: Content,
    /// The document with its places.
    pub node: Node,
    /// The file.
    pub source: SharedSource,
    /// Path of the file within its origin.
    pub path: String,
}

/// A decoded document.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the kinds of documents
pub enum Content {
    Curriculum(Arc<Curriculum>),
    Question(Arc<Question>),
    Scenario(Arc<ScenarioEntry>),
    Fault(Arc<Fault>),
    Pack(Arc<Pack>),
}

/// Decodes every document of a source.
pub fn load(source: &Source, strictness: Strictness) -> (Vec<Loaded>, Findings) {
    let mut loader = Loader { source, schemas: BTreeMap::new(), loaded: Vec::new(), findings: Findings::default() };
    for (path, text) in source.iter() {
        if expected_kinds(path).is_empty() {
            continue;
        }
        let shared = shared_source(&source.display(path), text);
        if strictness == Strictness::Trusted && loader.trusted(path, text, &shared) {
            continue;
        }
        match document::parse(text) {
            Ok(nodes) => nodes.into_iter().for_each(|node| loader.document(path, &shared, node)),
            Err(error) => loader.findings.push(Finding::error("yaml/syntax", &shared, error.span, error.message)),
        }
    }
    (loader.loaded, loader.findings)
}

/// The kinds that may stand in a file; none for files that are no documents.
fn expected_kinds(path: &str) -> &'static [DocumentKind] {
    let yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["curricula", _] if yaml => &[DocumentKind::Curriculum],
        ["questions", ..] if yaml => &[DocumentKind::Question],
        ["faults", _] if yaml => &[DocumentKind::Fault],
        ["scenarios", _, "scenario.yaml"] => &[DocumentKind::Scenario],
        // A folder that is one scenario: `ckaprep scenario ./dir`.
        ["scenario.yaml"] => &[DocumentKind::Scenario],
        ["pack.yaml"] => &[DocumentKind::Pack],
        _ => &[],
    }
}

struct Loader<'a> {
    source: &'a Source,
    schemas: BTreeMap<DocumentKind, Value>,
    loaded: Vec<Loaded>,
    findings: Findings,
}

impl Loader<'_> {
    fn document(&mut self, path: &str, shared: &SharedSource, node: Node) {
        let expected = expected_kinds(path);
        let at = node.span_at(&Path::default().key("kind"));
        let kind = match node.text("kind").and_then(DocumentKind::parse) {
            Some(kind) if expected.contains(&kind) => kind,
            _ => {
                let wanted: Vec<&str> = expected.iter().map(|k| k.as_str()).collect();
                let message = format!("a document here is of kind {}", wanted.join(" or "));
                self.findings.push(Finding::error("yaml/kind", shared, at, message).help("add `kind:` or move the file"));
                return;
            }
        };
        if self.misfits(kind, &node, shared) {
            return;
        }
        if let Some(content) = self.decode(kind, node.to_json(), path, &node, shared) {
            self.loaded.push(Loaded { content, node, source: Arc::clone(shared), path: path.to_owned() });
        }
    }

    /// Decodes a file without looking for places. Whether all of it could be decoded: if not, nothing of it was kept.
    fn trusted(&mut self, path: &str, text: &str, shared: &SharedSource) -> bool {
        let Ok(values) = document::parse_plain(text) else { return false };
        let (loaded, found) = (self.loaded.len(), self.findings.len());
        let nowhere = Node { span: Span::default(), kind: document::Kind::Null };
        for value in values {
            let kind = value["kind"].as_str().and_then(DocumentKind::parse).filter(|k| expected_kinds(path).contains(k));
            let content = kind.and_then(|kind| self.decode(kind, value, path, &nowhere, shared));
            let Some(content) = content.filter(|_| self.findings.len() == found) else {
                self.loaded.truncate(loaded);
                self.findings.truncate(found);
                return false;
            };
            self.loaded.push(Loaded { content, node: nowhere.clone(), source: Arc::clone(shared), path: path.to_owned() });
        }
        true
    }

    fn decode(&mut self, kind: DocumentKind, value: Value, path: &str, node: &Node, shared: &SharedSource) -> Option<Content> {
        self.plain(&value, node, shared);
        if self.source.origin.pack().is_some() {
            self.of_a_pack(kind, &value, node, shared);
        }
        Some(match kind {
            DocumentKind::Pack => Content::Pack(Arc::new(self.decoded::<Pack>(value, node, shared)?)),
            DocumentKind::Curriculum => Content::Curriculum(Arc::new(self.decoded::<Curriculum>(value, node, shared)?)),
            DocumentKind::Question => {
                let question = self.decoded::<Question>(value, node, shared)?;
                Content::Question(Arc::new(self.question(question)))
            }
            DocumentKind::Fault => {
                let fault = self.decoded::<Fault>(value, node, shared)?;
                Content::Fault(Arc::new(self.fault(fault, path, node, shared)))
            }
            DocumentKind::Scenario => {
                let scenario = self.decoded::<Scenario>(value, node, shared)?;
                Content::Scenario(Arc::new(self.scenario(scenario, path, node, shared)))
            }
        })
    }

    /// Texts are printed on terminals: what a terminal would obey is refused, wherever it stands.
    fn plain(&mut self, value: &Value, node: &Node, shared: &SharedSource) {
        let control = |text: &str| text.chars().any(is_control);
        fn any(value: &Value, wrong: &impl Fn(&str) -> bool) -> bool {
            match value {
                Value::String(text) => wrong(text),
                Value::Array(items) => items.iter().any(|item| any(item, wrong)),
                Value::Object(map) => map.iter().any(|(key, value)| wrong(key) || any(value, wrong)),
                _ => false,
            }
        }
        if !any(value, &control) {
            return;
        }
        let place = node.texts().into_iter().find(|(_, text)| control(text)).map_or(node.span, |(path, _)| node.span_at(&path));
        self.findings.push(Finding::error("text/control", shared, place, "a control character stands in a text"));
    }

    /// What a pack may not do: claim the ids of others, or bring exams.
    fn of_a_pack(&mut self, kind: DocumentKind, value: &Value, node: &Node, shared: &SharedSource) {
        if kind == DocumentKind::Curriculum {
            let message = "a pack brings no curricula";
            self.findings.push(Finding::error("pack/curriculum", shared, node.span, message));
        }
        let id = value["id"].as_str().unwrap_or_default();
        if id.contains('/') {
            let at = node.span_at(&Path::default().key("id"));
            let message = format!("`{}` is not an id: the pack's name is put before it by itself", id.escape_default());
            self.findings.push(Finding::error("id/format", shared, at, message));
        }
    }

    /// Whether a document is not what its schema wants; findings say where.
    fn misfits(&mut self, kind: DocumentKind, node: &Node, shared: &SharedSource) -> bool {
        let schema = self.schemas.entry(kind).or_insert_with(|| schema::schema(kind));
        let found = schema::check(schema, node, shared);
        let any = !found.is_empty();
        self.findings.extend(found);
        any
    }

    fn decoded<T: DeserializeOwned>(&mut self, value: Value, node: &Node, shared: &SharedSource) -> Option<T> {
        match serde_json::from_value(value) {
            Ok(decoded) => Some(decoded),
            Err(error) => {
                self.findings.push(Finding::error("yaml/decode", shared, node.span, error.to_string()));
                None
            }
        }
    }

    fn question(&self, mut question: Question) -> Question {
        if let Some(pack) = self.source.origin.pack() {
            question.id = question.id.in_pack(pack);
        }
        question
    }

    fn fault(&mut self, mut fault: Fault, path: &str, node: &Node, shared: &SharedSource) -> Fault {
        self.debrief(&mut fault.debrief, folder_of(path), node, shared);
        if let Some(pack) = self.source.origin.pack() {
            fault.id = fault.id.in_pack(pack);
        }
        fault
    }

    fn scenario(&mut self, mut scenario: Scenario, path: &str, node: &Node, shared: &SharedSource) -> ScenarioEntry {
        let folder = folder_of(path);
        self.debrief(&mut scenario.debrief, folder, node, shared);
        let task = match self.source.get(&format!("{folder}{}", scenario.task)) {
            Some(task) => task.to_owned(),
            None => {
                let span = node.span_at(&Path::default().key("task"));
                self.missing(shared, span, &scenario.task);
                String::new()
            }
        };
        let pack = self.source.origin.pack();
        if let Some(pack) = pack {
            scenario.id = scenario.id.in_pack(pack);
        }
        let files = self.source.iter().filter_map(|(p, text)| Some((p.strip_prefix(folder)?.to_owned(), text.to_owned()))).collect();
        let exercise = Arc::new(Exercise::of_scenario(&scenario, &task, files, pack));
        ScenarioEntry { scenario, exercise, origin: self.source.origin.clone() }
    }

    /// Puts the text of a debrief's file where a text would stand.
    fn debrief(&mut self, debrief: &mut Debrief, folder: &str, node: &Node, shared: &SharedSource) {
        let Some(file) = debrief.file.take() else { return };
        match self.source.get(&format!("{folder}{file}")) {
            Some(text) => debrief.text = Some(text.to_owned()),
            None => self.missing(shared, node.span_at(&Path::default().key("debrief").key("file")), &file),
        }
    }

    fn missing(&mut self, shared: &SharedSource, span: Span, file: &str) {
        self.findings.push(Finding::error("file/missing", shared, span, format!("there is no file `{file}` here")));
    }
}

/// Characters that a terminal obeys, or that turn the order of others around.
pub fn is_control(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The folder of a path, with its slash.
fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}
