//! The built-in content: decodes, lints clean, binds in every variant, and covers what it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ckaprep::content::question::QuestionType;
use ckaprep::content::variable::variants;
use ckaprep::content::{Catalog, ExerciseKind, Instance, InstanceError, Source};
use ckaprep::model::Inventory;

fn catalog() -> Catalog {
    Catalog::built_in().unwrap_or_else(|e| panic!("{}", e.0.render(false, 140)))
}

#[test]
fn everything_decodes_and_lints_clean() {
    let (_, findings) = Catalog::load(&[Source::built_in()]);
    assert!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.render(false, 140));
}

#[test]
fn the_four_curricula_are_there_with_their_weights() {
    let catalog = catalog();
    let weights: BTreeMap<String, Vec<u32>> =
        catalog.curricula().map(|c| (c.id.to_string(), c.domains.iter().map(|d| d.weight.0).collect())).collect();
    let expected = BTreeMap::from([
        ("cka".to_owned(), vec![25, 15, 20, 10, 30]),
        ("ckad".to_owned(), vec![20, 20, 15, 25, 20]),
        ("cka-2018".to_owned(), vec![8, 12, 19, 11, 5, 12, 11, 5, 7, 10]),
        ("ckad-2018".to_owned(), vec![13, 20, 13, 18, 18, 8, 10]),
    ]);
    assert_eq!(weights, expected);
}

#[test]
fn every_variant_of_every_exercise_fills_in_all_its_texts() {
    let catalog = catalog();
    let inventory = Arc::new(Inventory::example(3));
    let scenarios = catalog.scenarios().map(|s| (ExerciseKind::Scenario, s.scenario.id.to_string()));
    let questions =
        catalog.questions().filter(|q| q.answer_type == QuestionType::Command).map(|q| (ExerciseKind::Question, q.id.to_string()));
    for (kind, id) in scenarios.chain(questions) {
        let exercise = catalog.exercise(kind, &id).expect("listed, so there");
        for variant in variants(&exercise.variables) {
            let mut instance =
                Instance::bind(&catalog, &exercise, &inventory, 7, &variant).unwrap_or_else(|e| panic!("{id} {variant:?}: {e}"));
            for step in &exercise.setup {
                if let ckaprep::content::Step::Capture(captures) = step {
                    instance.captured.extend(captures.keys().map(|name| (name.clone(), "captured".into())));
                }
            }
            let name = format!("{id} {variant:?}");
            let back = fill(&name, &catalog, &instance, &inventory).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(back.bindings, instance.bindings);
        }
    }
}

/// Fills in every part of an instance and brings it back from its record.
fn fill(name: &str, catalog: &Catalog, instance: &Instance, inventory: &Arc<Inventory>) -> Result<Instance, InstanceError> {
    assert!(!instance.task()?.is_empty());
    assert!(instance.checks()?.iter().map(|c| c.points.0).sum::<u32>() > 0, "{name} has no points");
    assert!(!instance.solution()?.is_empty(), "{name} has no solution");
    assert!(!instance.wrong()?.is_empty(), "{name} has no wrong fix");
    assert!(!instance.debrief()?.is_empty());
    instance.gates()?;
    instance.alternatives()?;
    instance.hints()?;
    Instance::restore(catalog, &instance.record(), inventory)
}

#[test]
fn unhealthy_node_has_seven_faults_and_each_teaches() {
    let catalog = catalog();
    let exercise = catalog.exercise(ExerciseKind::Scenario, "unhealthy-node").expect("the scenario");
    let inventory = Arc::new(Inventory::example(3));
    let mut titles = BTreeSet::new();
    for variant in variants(&exercise.variables) {
        let mut instance = Instance::bind(&catalog, &exercise, &inventory, 1, &variant).expect("bound");
        instance.captured.insert("nodeUid".into(), "uid".into());
        let debrief = instance.debrief().expect("filled in");
        assert_eq!(debrief.len(), 1);
        assert_eq!(debrief[0].fastest.len(), 3, "{variant:?}");
        assert!(debrief[0].link.is_some(), "{variant:?}");
        assert!(instance.hints().expect("filled in").len() >= 3, "{variant:?}");
        titles.insert(debrief[0].fault.clone());
    }
    assert_eq!(titles.len(), 7);
}

#[test]
fn current_exams_have_thirty_questions_half_of_them_commands_in_every_domain() {
    let catalog = catalog();
    for exam in ["cka", "ckad"] {
        let curriculum = catalog.curriculum(exam).expect("an exam");
        let of_exam: Vec<_> = catalog.questions().filter(|q| q.placements.iter().any(|p| p.exam.as_str() == exam)).collect();
        let commands = of_exam.iter().filter(|q| q.answer_type == QuestionType::Command).count();
        assert!(of_exam.len() >= 30, "{exam} has {} questions", of_exam.len());
        assert!(commands * 2 >= of_exam.len(), "{exam} has {commands} command questions of {}", of_exam.len());
        for domain in &curriculum.domains {
            let covered = of_exam.iter().any(|q| q.placements.iter().any(|p| p.exam.as_str() == exam && p.domain == domain.id));
            assert!(covered, "{exam} has no question in {}", domain.id);
        }
    }
}
