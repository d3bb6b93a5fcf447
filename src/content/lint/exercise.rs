//! Rules that scenarios and command questions share: variables, setup, solutions, wrong fixes.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::{cel_problem, expect};
use super::report::At;
use super::templates::Names;
use crate::content::catalog::Catalog;
use crate::content::exercise::Exercise;
use crate::content::manifest;
use crate::content::scenario::WrongFix;
use crate::content::step::{ScriptStep, Step};
use crate::content::template;
use crate::content::variable::{Bindings, Variable, bind};
use crate::model::{FaultId, Inventory, Placement};

/// Pages that the exams allow (Linux Foundation, "Resources allowed").
const ALLOWED: [&str; 5] = [
    "https://kubernetes.io/docs/",
    "https://kubernetes.io/blog/",
    "https://helm.sh/docs",
    "https://gateway-api.sigs.k8s.io/",
    "https://etcd.io/docs",
];

pub fn placements(placements: &[Placement], catalog: &Catalog, at: &mut At<'_>) {
    if placements.is_empty() {
        at.error("placement/missing", &["placements"], "content without a placement is never drawn");
    }
    for (i, placement) in placements.iter().enumerate() {
        let i = i.to_string();
        let Some(curriculum) = catalog.curriculum(placement.exam.as_str()) else {
            at.error("placement/unknown-exam", &["placements", &i, "exam"], format!("there is no exam `{}`", placement.exam));
            continue;
        };
        let Some(domain) = curriculum.domain(placement.domain.as_str()) else {
            let known: Vec<&str> = curriculum.domains.iter().map(|d| d.id.as_str()).collect();
            let message = format!("the exam `{}` has no domain `{}`", placement.exam, placement.domain);
            at.error("placement/unknown-domain", &["placements", &i, "domain"], message).help =
                Some(format!("one of {}", known.join(", ")));
            continue;
        };
        if !domain.competencies.iter().any(|c| c.id == placement.competency) {
            let known: Vec<&str> = domain.competencies.iter().map(|c| c.id.as_str()).collect();
            let message = format!("the domain `{}` has no competency `{}`", placement.domain, placement.competency);
            at.error("placement/unknown-competency", &["placements", &i, "competency"], message).help =
                Some(format!("one of {}", known.join(", ")));
        }
    }
}

pub fn link(link: Option<&str>, keys: &[&str], at: &mut At<'_>) {
    match link {
        None => drop(at.error("link/missing", keys, "a link to a page that the exam allows is missing")),
        Some(link) if !ALLOWED.iter().any(|allowed| link.starts_with(allowed)) => {
            at.error("link/not-allowed", keys, format!("the exam does not allow `{link}`")).help =
                Some("kubernetes.io/docs, kubernetes.io/blog, helm.sh/docs, gateway-api.sigs.k8s.io".to_owned());
        }
        Some(_) => {}
    }
}

/// Everything but checks and texts.
pub fn lint(exercise: &Exercise, catalog: &Catalog, at: &mut At<'_>) {
    variables(&exercise.variables, at);
    let faults = faults(exercise, catalog, at);
    for (i, step) in exercise.setup.iter().enumerate() {
        setup_step(exercise, step, &i.to_string(), at);
    }
    let fault_lists = exercise.checks.iter().enumerate().map(|(i, c)| ("checks", i, [&c.only_fault, &c.unless_fault]));
    let fault_lists = fault_lists.chain(exercise.wrong.iter().enumerate().map(|(i, w)| ("wrong", i, [&w.only_fault, &w.unless_fault])));
    let fault_lists =
        fault_lists.chain(exercise.alternatives.iter().enumerate().map(|(i, a)| ("alternatives", i, [&a.only_fault, &a.unless_fault])));
    for (list, i, lists) in fault_lists {
        for (key, ids) in ["onlyFault", "unlessFault"].into_iter().zip(lists) {
            for id in ids.iter().filter(|id| !faults.iter().any(|fault| fault.is_named(id))) {
                at.error("fault/not-used", &[list, &i.to_string(), key], format!("the setup never puts the fault `{id}` in"));
            }
        }
    }
    if exercise.wrong.is_empty() {
        at.error("wrong/missing", &["checks"], "no wrong fix is named").help = Some("name at least one that people really try".to_owned());
    }
    let mut ids = BTreeSet::new();
    for (i, wrong) in exercise.wrong.iter().enumerate() {
        wrong_fix(exercise, wrong, &i.to_string(), ids.insert(&wrong.id), at);
    }
}

/// The faults that the setup may put in.
pub fn faults(exercise: &Exercise, catalog: &Catalog, at: &mut At<'_>) -> BTreeSet<FaultId> {
    let mut found = BTreeSet::new();
    for (i, step) in exercise.setup.iter().enumerate() {
        let Step::Fault(step) = step else { continue };
        let i = i.to_string();
        for id in values_of(&step.id, &exercise.variables) {
            match catalog.fault(&id, exercise.pack.as_deref()) {
                Some(fault) => drop(found.insert(fault.id.clone())),
                None => {
                    let variable = step.id.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
                    let (keys, message) = (["variables", variable, "oneOf"], format!("there is no fault `{id}`"));
                    if exercise.variables.contains_key(variable) {
                        at.error("fault/unknown", &keys, message);
                    } else {
                        at.error("fault/unknown", &["setup", &i, "fault", "id"], message);
                    }
                }
            }
        }
    }
    found
}

/// All texts that a template of one variable can become.
pub fn values_of(text: &str, variables: &BTreeMap<String, Variable>) -> Vec<String> {
    let variable = text.trim().strip_prefix("{{").and_then(|t| t.strip_suffix("}}")).map(str::trim);
    match variable.and_then(|name| variables.get(name)).and_then(|v| v.one_of.as_ref()) {
        Some(values) => values.iter().filter_map(|v| v.as_str()).map(str::to_owned).collect(),
        None if text.contains("{{") => Vec::new(),
        None => vec![text.to_owned()],
    }
}

fn variables(variables: &BTreeMap<String, Variable>, at: &mut At<'_>) {
    for (name, variable) in variables {
        let given = [variable.node.is_some(), variable.one_of.is_some(), variable.number.is_some(), variable.value.is_some()];
        if given.iter().filter(|g| **g).count() != 1 {
            at.error(
                "variable/source",
                &["variables", name],
                format!("the variable `{name}` needs exactly one of node, oneOf, number, value"),
            );
        }
        if variable.one_of.as_ref().is_some_and(Vec::is_empty) {
            at.error("variable/source", &["variables", name, "oneOf"], "a list without values");
        }
        if variable.number.as_ref().is_some_and(|n| n.from > n.to) {
            at.error("variable/source", &["variables", name, "number"], "`from` is greater than `to`");
        }
        if variable.hidden && variable.one_of.is_none() {
            at.error("variable/hidden", &["variables", name], "only a variable with `oneOf` can be hidden: its values are the variants");
        }
        let identifier = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
        if !identifier || ["inventory", "captured", "host", "minutes"].contains(&name.as_str()) {
            at.error("variable/name", &["variables", name], format!("`{name}` cannot be the name of a variable"));
        }
        for other in variable.node.iter().flat_map(|n| &n.not) {
            if variables.get(other).is_none_or(|o| o.node.is_none()) {
                at.error("variable/not", &["variables", name, "node", "not"], format!("there is no node variable `{other}`"));
            }
        }
    }
    if let Err(error) = bind(variables, &Bindings::new(), &Inventory::example(3), 1) {
        at.error("variable/bind", &["variables"], error.to_string());
    }
}

fn setup_step(exercise: &Exercise, step: &Step, i: &str, at: &mut At<'_>) {
    match step {
        Step::Apply(path) => match exercise.files.get(path) {
            Some(text) => manifests(exercise, text, &["setup", i, "apply"], at),
            None => drop(at.error("file/missing", &["setup", i, "apply"], format!("there is no file `{path}` beside the scenario"))),
        },
        Step::Manifest(text) => manifests(exercise, text, &["setup", i, "manifest"], at),
        Step::Capture(captures) => {
            for (name, capture) in captures {
                if let Some(problem) = cel_problem(&capture.expr) {
                    at.error("check/expression", &["setup", i, "capture", name, "expr"], problem);
                }
            }
        }
        Step::Wait(wait) => expect(&wait.expect, &["setup", i, "wait", "expect"], at),
        Step::Fault(_) | Step::Node(_) | Step::Run(_) => {}
    }
}

/// Manifests are read with the values of one seed: their form must not depend on them.
fn manifests(exercise: &Exercise, text: &str, keys: &[&str], at: &mut At<'_>) {
    let inventory = Inventory::example(3);
    let Ok(bound) = bind(&exercise.variables, &Bindings::new(), &inventory, 1) else { return };
    let rendered = match template::render(text, &template::Context::new(&bound, &inventory)) {
        Ok(rendered) => rendered,
        Err(error) => {
            // What earlier steps capture is not known here.
            if !text.contains("captured.") {
                at.error("template/unknown-name", keys, format!("{error} (line {})", error.line));
            }
            return;
        }
    };
    match manifest::objects(&rendered) {
        Ok(objects) if objects.is_empty() => drop(at.error("manifest/empty", keys, "a manifest without objects")),
        Ok(_) => {}
        Err(error) => drop(at.error("manifest/yaml", keys, format!("line {} of the manifest: {error}", error.span.line))),
    }
}

fn wrong_fix(exercise: &Exercise, wrong: &WrongFix, i: &str, first: bool, at: &mut At<'_>) {
    if !first {
        at.error("id/duplicate", &["wrong", i, "id"], format!("the wrong fix `{}` stands here twice", wrong.id));
    }
    if wrong.loses.is_empty() && wrong.gate.is_none() {
        at.error("wrong/nothing-lost", &["wrong", i], "a wrong fix says what it `loses` or which `gate` it closes");
    }
    for (n, id) in wrong.loses.iter().enumerate() {
        if !exercise.checks.iter().any(|c| c.id == *id) {
            at.error("wrong/unknown-check", &["wrong", i, "loses", &n.to_string()], format!("there is no check `{id}`"));
        }
    }
    if let Some(gate) = wrong.gate.as_ref().filter(|gate| !exercise.gates.iter().any(|g| g.id == **gate)) {
        at.error("wrong/unknown-gate", &["wrong", i, "gate"], format!("there is no gate `{gate}`"));
    }
    if wrong.steps.is_empty() {
        at.error("steps/empty", &["wrong", i, "steps"], "a wrong fix that does nothing");
    }
}

/// Steps of a solution.
pub fn steps(steps: &[ScriptStep], keys: &[&str], at: &mut At<'_>) {
    if steps.is_empty() {
        at.error("steps/empty", keys, "a solution without steps");
    }
}

/// What an exercise's templates may name.
pub fn names(exercise: &Exercise) -> Names<'_> {
    let captured = exercise.setup.iter().flat_map(|step| match step {
        Step::Capture(captures) => captures.keys().cloned().collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    Names { variables: &exercise.variables, captured: captured.collect(), extra: &["host", "minutes"] }
}
