//! Cross-checks that no single document shows: references, templates, points for nothing, texts that give the answer away.
//!
//! Every rule has a stable code, `about/what`; docs/authoring says what each wants.

mod checks;
pub mod codes;
mod curriculum;
mod exercise;
mod fault;
mod question;
mod report;
mod scenario;
mod sense;
mod templates;

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use super::diagnostic::Finding;
use super::load::{Content, Loaded};
use super::pack::Pack;
use super::step::Step;
use crate::model::id::is_id;
use report::At;

/// All findings about these documents, which are part of the catalogue.
pub fn lint(catalog: &Catalog, documents: &[Loaded]) -> Vec<Finding> {
    let mut findings = duplicates(documents);
    for document in documents {
        let mut at = At::new(document, &mut findings);
        match &document.content {
            Content::Curriculum(c) => curriculum::lint(c, &mut at),
            Content::Question(q) => question::lint(q, catalog, &mut at),
            Content::Scenario(s) => scenario::lint(s, catalog, &mut at),
            Content::Fault(f) => fault::lint(f, &mut at),
            Content::Pack(p) => pack(p, &mut at),
        }
    }
    findings
}

fn pack(pack: &Pack, at: &mut At<'_>) {
    if pack.id.contains('/') || !is_id(&pack.id) {
        at.error("id/format", &["id"], format!("`{}` is not an id", pack.id));
    }
}

/// Ids of the faults that the scenarios among these documents name, whether or not there are such.
pub fn faults_named(documents: &[Loaded]) -> BTreeSet<String> {
    let scenarios = documents.iter().filter_map(|document| match &document.content {
        Content::Scenario(entry) => Some(&entry.exercise),
        _ => None,
    });
    let named = scenarios.flat_map(|exercise| {
        let steps = exercise.setup.iter().filter_map(|step| if let Step::Fault(step) = step { Some(step) } else { None });
        steps.flat_map(|step| exercise::values_of(&step.id, &exercise.variables))
    });
    named.collect()
}

/// Ids that stand twice within one kind. (Between sources, the later one replaces the earlier: that is how an author overrides.)
fn duplicates(documents: &[Loaded]) -> Vec<Finding> {
    let mut first: BTreeMap<(&str, String), &Loaded> = BTreeMap::new();
    let mut findings = Vec::new();
    for document in documents {
        let (kind, id) = match &document.content {
            Content::Curriculum(c) => ("curriculum", c.id.to_string()),
            Content::Question(q) => ("question", q.id.to_string()),
            Content::Scenario(s) => ("scenario", s.scenario.id.to_string()),
            Content::Fault(f) => ("fault", f.id.to_string()),
            Content::Pack(p) => ("pack", p.id.clone()),
        };
        match first.get(&(kind, id.clone())) {
            Some(earlier) => {
                let message = format!("the {kind} `{id}` stands in {} already", earlier.source.name());
                At::new(document, &mut findings).error("id/duplicate", &["id"], message);
            }
            None => drop(first.insert((kind, id), document)),
        }
    }
    findings
}

#[cfg(test)]
mod tests;
