//! Curricula, questions, scenarios and faults: what authors write, decoded strictly and validated with all errors at once.
//!
//! [`document`] reads YAML with spans, [`schema`] holds it against the format, the types of [`curriculum`], [`question`], [`scenario`] and
//! [`fault`] are its decoded form, [`template`] fills in variables, [`lint`] cross-checks, [`catalog`] is the sum of it all.

pub mod catalog;
pub mod curriculum;
pub mod diagnostic;
pub mod document;
pub mod exercise;
pub mod fault;
pub mod instance;
pub mod lint;
pub mod load;
pub mod manifest;
pub mod pack;
pub mod question;
pub mod scenario;
pub mod schema;
pub mod source;
pub mod step;
pub mod template;
pub mod variable;
pub mod version;

pub use catalog::{Catalog, CatalogError, ScenarioEntry};
pub use curriculum::{Competency, Curriculum, Domain, ExamFormat};
pub use diagnostic::{Finding, Findings, Severity};
pub use exercise::{Exercise, ExerciseKind};
pub use fault::Fault;
pub use instance::{DebriefText, Instance, InstanceError, InstanceRecord};
pub use question::{Question, QuestionBody};
pub use scenario::{Debrief, Scenario, Solution, WrongFix};
pub use source::{Origin, Source};
pub use step::{Action, ScriptStep, Step};
pub use template::{Context, TemplateError};
pub use variable::{Bindings, Variable};
