//! Where findings go, and how rules point at places.

use crate::content::diagnostic::{Finding, SharedSource};
use crate::content::document::{Node, Path};
use crate::content::load::Loaded;

/// One document while it is being looked at.
pub struct At<'a> {
    /// The document.
    pub node: &'a Node,
    /// Path of its file within its origin.
    pub path: &'a str,
    source: &'a SharedSource,
    findings: &'a mut Vec<Finding>,
}

impl<'a> At<'a> {
    /// A document and where its findings go.
    pub fn new(document: &'a Loaded, findings: &'a mut Vec<Finding>) -> Self {
        Self { node: &document.node, path: &document.path, source: &document.source, findings }
    }

    /// An error at a path of keys and indices.
    pub fn error(&mut self, code: &'static str, keys: &[&str], message: impl Into<String>) -> &mut Finding {
        let finding = Finding::error(code, self.source, self.node.span_at(&path(keys)), message);
        self.add(finding)
    }

    /// A warning at a path of keys and indices.
    pub fn warning(&mut self, code: &'static str, keys: &[&str], message: impl Into<String>) -> &mut Finding {
        let finding = Finding::warning(code, self.source, self.node.span_at(&path(keys)), message);
        self.add(finding)
    }

    fn add(&mut self, finding: Finding) -> &mut Finding {
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// A path from words: those that are numbers are indices.
fn path(keys: &[&str]) -> Path {
    keys.iter().fold(Path::default(), |path, key| match key.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(key),
    })
}
