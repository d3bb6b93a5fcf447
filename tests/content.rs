//! The built-in content: decodes, lints clean, binds in every variant, and covers what it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ckaprep::content::question::QuestionType;
use ckaprep::content::variable::variants;
use ckaprep::content::{Catalog, ExerciseKind, Instance, InstanceError, Source};
use ckaprep::model::{Inventory, PASS_PERCENT};

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
fn every_exam_has_command_questions_in_every_domain_and_at_least_half_of_all() {
    let catalog = catalog();
    for curriculum in catalog.curricula() {
        let exam = &curriculum.id;
        let of_exam: Vec<_> =
            catalog.questions().filter_map(|q| Some((q, q.placements.iter().find(|p| p.exam == *exam)?.domain.clone()))).collect();
        let commands: Vec<_> = of_exam.iter().filter(|(q, _)| q.answer_type == QuestionType::Command).collect();
        assert!(of_exam.len() >= 30, "{exam} has {} questions", of_exam.len());
        assert!(commands.len() * 2 >= of_exam.len(), "{exam} has {} command questions of {}", commands.len(), of_exam.len());
        for domain in &curriculum.domains {
            assert!(commands.iter().any(|(_, d)| *d == domain.id), "{exam} has no command question in {}", domain.id);
        }
        let open = of_exam.iter().filter(|(q, _)| q.answer_type == QuestionType::Open).count();
        assert!(curriculum.historical || open >= 6, "{exam} has {open} open questions");
    }
}

#[test]
fn current_exams_ask_for_the_pass_mark_that_practising_goes_by() {
    for curriculum in catalog().curricula().filter(|c| !c.historical) {
        assert_eq!(curriculum.format.pass_percent, PASS_PERCENT, "{}", curriculum.id);
    }
}
