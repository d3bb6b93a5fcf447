//! Cross-checks that no single document shows: references, templates, points for nothing, texts that give the answer away.
//!
//! Every rule has a stable code, `about/what`; docs/authoring says what each wants.

mod checks;
mod curriculum;
mod exercise;
mod fault;
mod question;
mod report;
mod scenario;
mod templates;

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::diagnostic::Finding;
use super::load::{Content, Loaded};
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
        }
    }
    findings
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
