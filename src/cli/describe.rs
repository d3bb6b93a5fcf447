//! Content as the documents that `list`, `show` and `curriculum` print.

use std::collections::BTreeMap;

use crate::content::variable::variants;
use crate::content::{Catalog, Curriculum, Question, QuestionBody, Scenario};
use crate::model::Placement;
use crate::render::document as d;
use crate::store::Seen;

/// How often each item was attempted.
pub type Attempts = BTreeMap<String, Seen>;

fn attempts(seen: &Attempts, id: &str) -> u32 {
    seen.get(id).map_or(0, |seen| seen.times)
}

fn belongs(placements: &[Placement], exam: &str) -> bool {
    placements.iter().any(|p| p.exam.as_str() == exam)
}

/// An exam in a list.
pub fn exam(catalog: &Catalog, exam: &Curriculum) -> d::ExamEntry {
    let id = exam.id.as_str();
    d::ExamEntry {
        id: id.to_owned(),
        title: exam.title.clone(),
        historical: exam.historical,
        questions: catalog.questions().filter(|q| belongs(&q.placements, id)).count(),
        scenarios: catalog.scenarios().filter(|s| belongs(&s.scenario.placements, id)).count(),
    }
}

/// A scenario in a list.
pub fn scenario(scenario: &Scenario, seen: &Attempts) -> d::ScenarioEntry {
    d::ScenarioEntry {
        id: scenario.id.to_string(),
        title: scenario.title.clone(),
        difficulty: scenario.difficulty,
        minutes: scenario.minutes,
        placements: scenario.placements.clone(),
        attempts: attempts(seen, scenario.id.as_str()),
    }
}

/// A scenario alone. Nothing that has to be found out is said.
pub fn scenario_details(scenario_: &Scenario, seen: &Attempts) -> d::ScenarioDetails {
    d::ScenarioDetails {
        entry: scenario(scenario_, seen),
        points: scenario_.maximum(&[]).0,
        variants: variants(&scenario_.variables).len(),
        workers: scenario_.requires.workers,
        hints: scenario_.hints.len(),
    }
}

/// A question in a list.
pub fn question(question: &Question, seen: &Attempts) -> d::QuestionEntry {
    d::QuestionEntry {
        id: question.id.to_string(),
        kind: question.answer_type.as_str().to_owned(),
        difficulty: question.difficulty,
        placements: question.placements.clone(),
        attempts: attempts(seen, question.id.as_str()),
    }
}

/// A question alone, without its answer.
pub fn question_details(question_: &Question, seen: &Attempts) -> d::QuestionDetails {
    let options = match question_.body() {
        QuestionBody::Single(options) | QuestionBody::Multiple(options) => options.iter().map(|o| o.text.clone()).collect(),
        _ => Vec::new(),
    };
    d::QuestionDetails { entry: question(question_, seen), prompt: question_.prompt.clone(), options }
}

/// An exam's domains and competencies, each with what covers it.
pub fn curriculum(catalog: &Catalog, exam: &Curriculum) -> d::CurriculumDocument {
    let in_domain = |placements: &[Placement], domain: &str| placements.iter().any(|p| p.exam == exam.id && p.domain.as_str() == domain);
    let in_competency =
        |placements: &[Placement], competency: &str| placements.iter().any(|p| p.exam == exam.id && p.competency.as_str() == competency);
    let domains = exam
        .domains
        .iter()
        .map(|domain| d::DomainDocument {
            id: domain.id.to_string(),
            title: domain.title.clone(),
            weight: domain.weight.0,
            questions: catalog.questions().filter(|q| in_domain(&q.placements, domain.id.as_str())).count(),
            scenarios: catalog.scenarios().filter(|s| in_domain(&s.scenario.placements, domain.id.as_str())).count(),
            competencies: domain
                .competencies
                .iter()
                .map(|competency| d::CompetencyDocument {
                    id: competency.id.to_string(),
                    summary: competency.summary.clone(),
                    questions: catalog
                        .questions()
                        .filter(|q| in_competency(&q.placements, competency.id.as_str()))
                        .map(|q| q.id.to_string())
                        .collect(),
                    scenarios: catalog
                        .scenarios()
                        .filter(|s| in_competency(&s.scenario.placements, competency.id.as_str()))
                        .map(|s| s.scenario.id.to_string())
                        .collect(),
                })
                .collect(),
        })
        .collect();
    d::CurriculumDocument {
        exam: exam.id.to_string(),
        title: exam.title.clone(),
        version: exam.version.clone(),
        minutes: exam.format.minutes,
        pass_percent: exam.format.pass_percent,
        historical: exam.historical,
        attribution: exam.attribution.clone(),
        domains,
    }
}
