//! The sum of all content: what the binary carries, a folder, packs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::curriculum::Curriculum;
use super::diagnostic::Findings;
use super::exercise::{Exercise, ExerciseKind};
use super::fault::Fault;
use super::lint;
use super::load::{self, Loaded};
use super::question::{Question, QuestionType};
use super::scenario::Scenario;
use super::source::{Origin, Source};
use crate::model::{ExamId, FaultId, QuestionId, ScenarioId};

/// All content by id.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    curricula: BTreeMap<ExamId, Arc<Curriculum>>,
    questions: BTreeMap<QuestionId, Arc<Question>>,
    scenarios: BTreeMap<ScenarioId, Arc<ScenarioEntry>>,
    faults: BTreeMap<FaultId, Arc<Fault>>,
    /// Scenarios and questions of the author's folder.
    own: BTreeSet<(ExerciseKind, String)>,
}

/// A scenario with what stands beside it.
#[derive(Clone, Debug)]
pub struct ScenarioEntry {
    /// As written.
    pub scenario: Scenario,
    /// Ready to be bound.
    pub exercise: Arc<Exercise>,
    /// Where it came from.
    pub origin: Origin,
}

/// Content that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the content has {} error(s)", .0.iter().filter(|f| f.severity == super::diagnostic::Severity::Error).count())]
pub struct CatalogError(pub Findings);

impl Catalog {
    /// What the binary carries. It was linted and proven when it was built, so here it is only decoded, and one document that cannot be
    /// (a scenario that is being written) does not take the others away.
    pub fn built_in() -> Result<Self, CatalogError> {
        let (loaded, findings) = load::load(&Source::built_in(), load::Strictness::Trusted);
        let catalog = Self::default().with(loaded);
        if findings.has_errors() && catalog.curricula.is_empty() { Err(CatalogError(findings)) } else { Ok(catalog) }
    }

    /// Of [`Self::built_in`] what one scenario needs, for a session that starts in a hurry: the curricula, the scenario and its faults.
    /// `None` if there is no such scenario.
    pub fn built_in_scenario(id: &str) -> Option<Self> {
        let folder = format!("scenarios/{id}/");
        let source = Source::built_in().only(|path| path.starts_with("curricula/") || path.starts_with(&folder));
        let (loaded, _) = load::load(&source, load::Strictness::Trusted);
        let named = lint::faults_named(&loaded);
        let catalog = Self::default().with(loaded);
        catalog.scenario(id)?;
        let source = Source::built_in().only(|path| path.starts_with("faults/") && named.contains(stem(path)));
        Some(catalog.with(load::load(&source, load::Strictness::Trusted).0))
    }

    /// Reads sources one after the other, later ones over earlier ones, and lints all of it. What could not be decoded is left out; the
    /// findings say why.
    pub fn load(sources: &[Source]) -> (Self, Findings) {
        let mut catalog = Self::default();
        let mut findings = Findings::default();
        let mut documents = Vec::new();
        for source in sources {
            let (loaded, found) = load::load(source, load::Strictness::Strict);
            findings.extend(found);
            documents.extend(loaded.iter().cloned());
            catalog = catalog.with(loaded);
        }
        findings.extend(lint::lint(&catalog, &documents));
        (catalog, findings.sorted())
    }

    /// This content with a folder of an author's over it, linted as far as it is the author's. Where the folder is that of one scenario,
    /// of the faults beside it only those count that it uses.
    pub fn with_folder(self, folder: &std::path::Path) -> std::io::Result<(Self, Findings)> {
        let source = Source::authored(folder)?;
        let (own, mut findings) = load::load(&source, load::Strictness::Strict);
        let mut catalog = self.with(own.clone());
        catalog.own = own
            .iter()
            .filter_map(|document| match &document.content {
                load::Content::Scenario(s) => Some((ExerciseKind::Scenario, s.scenario.id.to_string())),
                load::Content::Question(q) => Some((ExerciseKind::Question, q.id.to_string())),
                load::Content::Curriculum(_) | load::Content::Fault(_) | load::Content::Pack(_) => None,
            })
            .collect();
        findings.extend(lint::lint(&catalog, &own));
        if folder.join("scenario.yaml").is_file() {
            let used = lint::faults_named(&own);
            let foreign =
                |file: &str| source.iter().any(|(p, _)| source.display(p) == file && p.starts_with("faults/") && !used.contains(stem(p)));
            findings.retain(|finding| !foreign(finding.file()));
        }
        Ok((catalog, findings.sorted()))
    }

    /// This content with that of a source over it, decoded strictly and linted.
    pub fn with_source(self, source: &Source) -> (Self, Findings) {
        let (documents, mut findings) = load::load(source, load::Strictness::Strict);
        let catalog = self.with(documents.clone());
        findings.extend(lint::lint(&catalog, &documents));
        (catalog, findings.sorted())
    }

    /// Whether a scenario or question is of the author's folder.
    pub fn is_own(&self, kind: ExerciseKind, id: &str) -> bool {
        self.own.contains(&(kind, id.to_owned()))
    }

    fn with(mut self, documents: Vec<Loaded>) -> Self {
        use super::load::Content;
        for document in documents {
            match document.content {
                Content::Curriculum(c) => drop(self.curricula.insert(c.id.clone(), c)),
                Content::Question(q) => drop(self.questions.insert(q.id.clone(), q)),
                Content::Fault(f) => drop(self.faults.insert(f.id.clone(), f)),
                Content::Scenario(s) => drop(self.scenarios.insert(s.scenario.id.clone(), s)),
                Content::Pack(_) => {}
            }
        }
        self
    }

    /// Curricula by exam.
    pub fn curricula(&self) -> impl Iterator<Item = &Arc<Curriculum>> {
        self.curricula.values()
    }

    /// An exam's curriculum.
    pub fn curriculum(&self, exam: &str) -> Option<&Arc<Curriculum>> {
        self.curricula.get(exam)
    }

    /// Questions by id.
    pub fn questions(&self) -> impl Iterator<Item = &Arc<Question>> {
        self.questions.values()
    }

    /// A question.
    pub fn question(&self, id: &str) -> Option<&Arc<Question>> {
        self.questions.get(id)
    }

    /// Scenarios by id.
    pub fn scenarios(&self) -> impl Iterator<Item = &Arc<ScenarioEntry>> {
        self.scenarios.values()
    }

    /// A scenario.
    pub fn scenario(&self, id: &str) -> Option<&Arc<ScenarioEntry>> {
        self.scenarios.get(id)
    }

    /// Faults by id.
    pub fn faults(&self) -> impl Iterator<Item = &Arc<Fault>> {
        self.faults.values()
    }

    /// A fault; content of a pack sees the pack's own first.
    pub fn fault(&self, id: &str, pack: Option<&str>) -> Option<&Arc<Fault>> {
        pack.and_then(|pack| self.faults.get(format!("{pack}/{id}").as_str())).or_else(|| self.faults.get(id))
    }

    /// A scenario or command question, ready to be bound.
    pub fn exercise(&self, kind: ExerciseKind, id: &str) -> Option<Arc<Exercise>> {
        match kind {
            ExerciseKind::Scenario => self.scenario(id).map(|s| Arc::clone(&s.exercise)),
            ExerciseKind::Question => {
                let question = self.question(id).filter(|q| q.answer_type == QuestionType::Command)?;
                Some(Arc::new(Exercise::of_question(question, id.split_once('/').map(|(pack, _)| pack))))
            }
        }
    }
}

/// A file's name without its end.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split_once('.').map_or(name, |(stem, _)| stem)
}
