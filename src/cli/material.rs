//! What there is to learn for an exam, as study sessions see it.

use crate::cli::serve::convert;
use crate::content::question::QuestionType;
use crate::content::variable::variants;
use crate::content::{Bindings, Catalog, Curriculum, Exercise};
use crate::model::{ItemKind, Placement};
use crate::study::{Form, Material};

/// Every question, and every variant of every scenario, that has a place in the exam. Each counts for the first of its placements there.
pub fn of_exam(catalog: &Catalog, exam: &Curriculum) -> Vec<Material> {
    let place = |placements: &[Placement]| placements.iter().find(|p| p.exam == exam.id).cloned();
    let mut all = Vec::new();
    for question in catalog.questions() {
        let Some(place) = place(&question.placements) else { continue };
        all.push(Material {
            kind: ItemKind::Question,
            id: question.id.to_string(),
            variant: String::new(),
            domain: place.domain,
            competency: place.competency,
            form: if question.answer_type == QuestionType::Command { Form::Commands } else { Form::Question },
            seconds: question.answer_type.budget_seconds(),
        });
    }
    for entry in catalog.scenarios() {
        let Some(place) = place(&entry.scenario.placements) else { continue };
        all.extend(variants(&entry.exercise.variables).iter().map(|bindings| Material {
            kind: ItemKind::Scenario,
            id: entry.scenario.id.to_string(),
            variant: key(bindings),
            domain: place.domain.clone(),
            competency: place.competency.clone(),
            form: Form::Scenario,
            seconds: u64::from(entry.exercise.minutes) * 60,
        }));
    }
    all
}

/// A variant as the history keeps it.
pub fn key(bindings: &Bindings) -> String {
    // Keys and values are strings: this always serialises.
    serde_json::to_string(&convert::texts(bindings)).unwrap_or_default()
}

/// The values of a variant's hidden variables; none for what is gone.
pub fn bindings(exercise: &Exercise, variant: &str) -> Option<Bindings> {
    variants(&exercise.variables).into_iter().find(|bindings| key(bindings) == variant)
}
