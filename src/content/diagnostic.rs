//! Findings: what is wrong with content, where, and what to do about it.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;

use super::document::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The content cannot be used.
    Error,
    /// It can, but should be changed.
    Warning,
}

impl Severity {
    /// The word in texts and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A file's name and text, shared by all findings in it.
pub type SharedSource = Arc<NamedSource<String>>;

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Stable name of the rule: `yaml/unknown-key`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file.
    pub source: SharedSource,
    /// Where in it.
    pub span: Span,
}

impl Finding {
    /// An error at a place.
    pub fn error(code: &'static str, source: &SharedSource, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), help: None, source: Arc::clone(source), span }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, source: &SharedSource, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, source, span, message) }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        self.source.name()
    }
}

impl PartialEq for Finding {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.severity, &self.message, &self.help, self.file(), self.span)
            == (other.code, other.severity, &other.message, &other.help, other.file(), other.span)
    }
}

/// `file:line:column: error: message [code]`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity.as_str();
        write!(f, "{}:{}:{}: {severity}: {} [{}]", self.file(), self.span.line, self.span.column, self.message, self.code)
    }
}

/// All findings of a run, by file and place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds several.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// Puts them in the order of files and places.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| (a.file(), a.span.line, a.span.column, a.code).cmp(&(b.file(), b.span.line, b.span.column, b.code)));
        self
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back all but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    /// Keeps those that are wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&Finding) -> bool) {
        self.0.retain(wanted);
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// All of them with snippets, for people.
    pub fn render(&self, colour: bool, width: usize) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut out = String::new();
        for finding in &self.0 {
            // Writing to a String cannot fail; a snippet that cannot be read still leaves the line below.
            if handler.render_report(&mut out, &Shown(finding)).is_err() {
                out.push_str(&format!("{finding}\n"));
            }
        }
        out
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A finding as miette wants it.
struct Shown<'a>(&'a Finding);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.span;
        (span.line > 0).then(|| {
            let label = LabeledSpan::new(Some("here".to_owned()), span.offset, span.length.max(1));
            Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>
        })
    }
}

/// A file for findings.
pub fn shared_source(name: &str, text: &str) -> SharedSource {
    Arc::new(NamedSource::new(name, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_show_file_line_column_and_snippet() {
        let source = shared_source("scenarios/x/scenario.yaml", "id: x\ntittle: y\n");
        let span = Span { offset: 6, length: 6, line: 2, column: 1 };
        let mut findings = Findings::default();
        findings.push(Finding::error("yaml/unknown-key", &source, span, "unknown key `tittle`").help("did you mean `title`?"));
        let shown = findings.render(false, 80);
        for part in ["yaml/unknown-key", "unknown key `tittle`", "scenarios/x/scenario.yaml:2:1", "tittle: y", "did you mean `title`?"] {
            assert!(shown.contains(part), "{part} is missing in\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'), "no colour was asked for");
        assert_eq!(
            findings.iter().next().map(ToString::to_string).as_deref(),
            Some("scenarios/x/scenario.yaml:2:1: error: unknown key `tittle` [yaml/unknown-key]")
        );
    }
}
