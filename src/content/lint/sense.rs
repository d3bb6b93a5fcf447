//! Rules that ask whether an exercise makes sense: tasks that name what is checked, points for what the setup gives, variables that vary.

use std::collections::BTreeSet;

use serde_json::Value;

use super::report::At;
use super::templates::contains_word;
use crate::content::document::{Path, Segment};
use crate::content::exercise::{Exercise, ExerciseKind};
use crate::content::manifest;
use crate::content::step::Step;
use crate::content::template;
use crate::content::variable::{Bindings, bind};
use crate::grade::compare::differences;
use crate::grade::spec::{Check, Expect};
use crate::grade::target::object_fact;
use crate::model::Inventory;

/// All of them. `task` says under which key the task's text stands.
pub fn lint(exercise: &Exercise, task: &str, at: &mut At<'_>) {
    unused(exercise, at);
    hard_coded(exercise, task, at);
    empty_sets(exercise, at);
    given(exercise, at);
    if exercise.kind == ExerciseKind::Scenario {
        unnamed(exercise, at);
        if exercise.wrong.len() == 1 {
            at.warning("wrong/few", &["wrong"], "only one wrong fix is named");
        }
    }
}

/// Variables that no text names.
fn unused(exercise: &Exercise, at: &mut At<'_>) {
    let mut used = BTreeSet::new();
    let documents = at.node.texts();
    let texts = documents.iter().map(|(_, text)| *text);
    for text in texts.chain(exercise.files.values().map(String::as_str)).chain([exercise.task.as_str()]) {
        let names = template::names(text).unwrap_or_default();
        used.extend(names.into_iter().filter_map(|name| name.split('.').next().map(str::to_owned)));
    }
    // Expressions stand without braces.
    let expression = |path: &Path| matches!(path.0.last(), Some(Segment::Key(key)) if key == "when" || key == "expr");
    for (_, text) in documents.iter().filter(|(path, _)| expression(path)) {
        used.extend(exercise.variables.keys().filter(|name| contains_word(text, name)).cloned());
    }
    for (name, variable) in &exercise.variables {
        // Checks of a node mean `node` where they name none.
        if !used.contains(name) && name != "node" {
            let message = format!("no text names the variable `{name}`");
            let advice = variable.hidden.then(|| "its variants are all the same".to_owned());
            at.warning("variable/unused", &["variables", name], message).help = advice;
        }
    }
}

/// Values of variables that stand in texts as such.
fn hard_coded(exercise: &Exercise, task: &str, at: &mut At<'_>) {
    let values = exercise.variables.iter().filter(|(_, v)| !v.hidden).flat_map(|(name, variable)| {
        let texts = variable.one_of.iter().flatten().filter_map(Value::as_str);
        texts.filter(|text| text.len() > 2 && variable.one_of.as_ref().is_some_and(|all| all.len() > 1)).map(move |text| (name, text))
    });
    let values: Vec<(&String, &str)> = values.collect();
    if values.is_empty() {
        return;
    }
    let document: Vec<_> = at.node.texts().into_iter().map(|(path, text)| (path, text.to_owned())).collect();
    let top = |key: &str| ["title", "prompt", "checks", "gates", "solution", "answers", "alternatives", "wrong", "hints"].contains(&key);
    for (path, text) in document {
        let Some(Segment::Key(key)) = path.0.first() else { continue };
        if !top(key) {
            continue;
        }
        let keys: Vec<String> = path
            .0
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.clone(),
                Segment::Index(index) => index.to_string(),
            })
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        report_hard_coded(&values, &text, &keys, at);
    }
    if exercise.kind == ExerciseKind::Scenario {
        report_hard_coded(&values, &exercise.task, &[task], at);
    }
}

fn report_hard_coded(values: &[(&String, &str)], text: &str, keys: &[&str], at: &mut At<'_>) {
    let outside = outside_templates(text);
    for (name, value) in values.iter().filter(|(_, value)| contains_word(&outside, value)) {
        let message = format!("`{value}` is what the variable `{name}` is for some seeds only");
        at.warning("template/hard-coded", keys, message).help = Some(format!("write `{{{{ {name} }}}}`"));
    }
}

/// A text without what stands in braces of templates.
fn outside_templates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let start = [rest.find("{{"), rest.find("{%")].into_iter().flatten().min();
        let Some(start) = start else { break };
        out.push_str(&rest[..start]);
        let end = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        match rest[start..].find(end) {
            Some(length) => rest = &rest[start + length + end.len()..],
            None => return out,
        }
    }
    out.push_str(rest);
    out
}

/// Expressions over lists that are true of nothing, in checks where nothing else says that there is something.
fn empty_sets(exercise: &Exercise, at: &mut At<'_>) {
    for (i, check) in exercise.checks.iter().enumerate().filter(|(_, check)| check.after.is_empty()) {
        if matches!(&check.expect, Expect::All(parts) if parts.iter().any(|part| !matches!(part, Expect::Cel(_)))) {
            continue;
        }
        leaves(&check.expect, &mut |expect| {
            let Expect::Cel(cel) = expect else { return };
            let asks = ["size(", ".exists(", ".exists_one(", "objects ==", "objects !="].iter().any(|part| cel.expr.contains(part));
            if cel.list.is_some() && cel.expr.contains(".all(") && !asks {
                at.warning("check/empty-set", &["checks", &i.to_string(), "expect"], "this is true of no objects at all").help =
                    Some("write `size(objects) > 0 && …`".to_owned());
            }
        });
    }
}

/// Fields that an object of the setup has already.
fn given(exercise: &Exercise, at: &mut At<'_>) {
    // What comes after the manifests may take away what they gave; then only the proof can tell.
    if exercise.setup.iter().any(|step| matches!(step, Step::Fault(_) | Step::Run(_) | Step::Node(_))) {
        return;
    }
    let inventory = Inventory::example(3);
    let Ok(bound) = bind(&exercise.variables, &Bindings::new(), &inventory, 1) else { return };
    let context = template::Context::new(&bound, &inventory);
    let mut objects = Vec::new();
    for step in &exercise.setup {
        let text = match step {
            Step::Apply(path) => exercise.files.get(path),
            Step::Manifest(text) => Some(text),
            _ => None,
        };
        let rendered = text.and_then(|text| template::render(text, &context).ok());
        objects.extend(rendered.and_then(|text| manifest::objects(&text).ok()).unwrap_or_default());
    }
    for (i, check) in exercise.checks.iter().enumerate().filter(|(_, check)| check.after.is_empty()) {
        let Ok(check) = template::render_all::<Check>(check, &context) else { continue };
        let Expect::Resource(resource) = &check.expect else { continue };
        let Some(name) = &resource.name else { continue };
        let wanted = object_fact(&resource.kind, resource.api_version.as_deref(), resource.namespace.as_deref(), name);
        let same = objects.iter().rev().find(|object| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let (kind, version) = (text(&object["kind"]).unwrap_or_default(), text(&object["apiVersion"]));
            let name = text(&object["metadata"]["name"]).unwrap_or_default();
            object_fact(&kind, version.as_deref(), text(&object["metadata"]["namespace"]).as_deref(), &name) == wanted
        });
        let fields = Value::Object(resource.fields.clone());
        if same.is_some_and(|object| differences(&fields, object).is_empty()) {
            at.warning("check/given", &["checks", &i.to_string(), "expect"], "the setup gives this already").help =
                Some("let it count `after:` a check that must be earned, or make it a gate".to_owned());
        }
    }
}

/// Names that only the checks know.
fn unnamed(exercise: &Exercise, at: &mut At<'_>) {
    let inventory = Inventory::example(3);
    let Ok(bound) = bind(&exercise.variables, &Bindings::new(), &inventory, 1) else { return };
    let host = inventory.names(exercise.host).first().copied().unwrap_or_default().to_owned();
    let context = template::Context::new(&bound, &inventory).with("host", host).with("minutes", exercise.minutes);
    let Ok(task) = template::render(&exercise.task, &context) else { return };
    for (i, check) in exercise.checks.iter().enumerate() {
        let Ok(check) = template::render_all::<Check>(check, &context) else { continue };
        leaves(&check.expect, &mut |expect| {
            let name = match expect {
                Expect::Workload(w) => Some(w.name.as_str()),
                Expect::Resource(r) => r.name.as_deref(),
                Expect::Condition(c) => Some(c.name.as_str()),
                Expect::DaemonSetPod(d) => Some(d.name.as_str()),
                Expect::ServiceEndpoints(s) => Some(s.name.as_str()),
                Expect::FileAnswer(f) => Some(f.path.as_str()),
                _ => None,
            };
            if let Some(name) = name.filter(|name| !task.contains(name)) {
                let message = format!("the task does not name `{name}`");
                at.warning("task/unnamed", &["checks", &i.to_string(), "expect"], message);
            }
        });
    }
}

/// Each check that a composed one is made of.
fn leaves(expect: &Expect, visit: &mut impl FnMut(&Expect)) {
    match expect {
        Expect::All(parts) | Expect::Any(parts) => parts.iter().for_each(|part| leaves(part, visit)),
        Expect::Not(part) => leaves(part, visit),
        leaf => visit(leaf),
    }
}
