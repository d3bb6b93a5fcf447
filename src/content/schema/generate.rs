//! The schemas, from the types.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::content::curriculum::Curriculum;
use crate::content::fault::Fault;
use crate::content::pack::Pack;
use crate::content::question::Question;
use crate::content::scenario::Scenario;

/// The kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names in files
pub enum DocumentKind {
    Curriculum,
    Question,
    Scenario,
    Fault,
    Pack,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Curriculum, Self::Question, Self::Scenario, Self::Fault, Self::Pack];

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Curriculum => "Curriculum",
            Self::Question => "Question",
            Self::Scenario => "Scenario",
            Self::Fault => "Fault",
            Self::Pack => "Pack",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// The JSON Schema (draft 2020-12) of a kind of document.
pub fn schema(kind: DocumentKind) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = match kind {
        DocumentKind::Curriculum => generator.into_root_schema_for::<Curriculum>(),
        DocumentKind::Question => generator.into_root_schema_for::<Question>(),
        DocumentKind::Scenario => generator.into_root_schema_for::<Scenario>(),
        DocumentKind::Fault => generator.into_root_schema_for::<Fault>(),
        DocumentKind::Pack => generator.into_root_schema_for::<Pack>(),
    };
    let mut schema = schema.to_value();
    schema["properties"]["apiVersion"]["const"] = "ckaprep.dev/v1".into();
    schema["properties"]["kind"]["const"] = kind.as_str().into();
    schema
}
