//! The version of a piece of content: a digest of what is asked and how it is graded.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::catalog::Catalog;
use crate::model::ItemKind;

/// Sixteen hexadecimal digits that change when the question or scenario, its files or the faults that it can put in change. `None` for what
/// is not in the catalogue.
pub fn version(catalog: &Catalog, kind: ItemKind, id: &str) -> Option<String> {
    let mut digest = Sha256::new();
    match kind {
        ItemKind::Question => add(&mut digest, catalog.question(id)?.as_ref()),
        ItemKind::Scenario => {
            let entry = catalog.scenario(id)?;
            add(&mut digest, &entry.scenario);
            add(&mut digest, &entry.exercise.task);
            add(&mut digest, &entry.exercise.files);
            // Which faults it can put in is known only when it is bound; those that its text names are all that it may name.
            let text = serde_json::to_string(&entry.scenario).unwrap_or_default();
            for fault in catalog.faults().filter(|fault| text.contains(&format!("\"{}\"", fault.id))) {
                add(&mut digest, fault.as_ref());
            }
        }
    }
    Some(digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn add(digest: &mut Sha256, part: &impl Serialize) {
    // Content was decoded from text, so it has a text.
    digest.update(serde_json::to_vec(part).unwrap_or_default());
    digest.update([0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_a_version_of_its_own() {
        let catalog = Catalog::built_in().unwrap();
        let questions = catalog.questions().map(|q| version(&catalog, ItemKind::Question, q.id.as_str()));
        let scenarios = catalog.scenarios().map(|s| version(&catalog, ItemKind::Scenario, s.scenario.id.as_str()));
        let all: Vec<Option<String>> = questions.chain(scenarios).collect();
        let different: std::collections::BTreeSet<_> = all.iter().flatten().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(version(&catalog, ItemKind::Question, "none"), None);
    }
}
