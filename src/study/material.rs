//! What there is to learn, and how it stands.

use std::collections::BTreeMap;

use super::memory::{Memory, Scheduler};
use crate::model::{CompetencyId, DomainId, ItemKind, Tried, Try};

/// What practising something is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Read and answered.
    Question,
    /// Commands on a throwaway cluster.
    Commands,
    /// A scenario.
    Scenario,
}

/// Something to learn: a question, or one variant of a scenario. Each is a card of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
    /// The scenario's hidden variables as JSON, keys in order; empty for questions.
    pub variant: String,
    /// Domain in the exam.
    pub domain: DomainId,
    /// Competency in the exam.
    pub competency: CompetencyId,
    /// What it is like.
    pub form: Form,
    /// What the exam would give for it.
    pub seconds: u64,
}

/// A material with what the history says of it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The material.
    pub material: &'a Material,
    /// All tries, the earliest first.
    pub tries: &'a [Try],
    /// What is remembered of it.
    pub memory: Option<Memory>,
}

/// Joins what there is with what was tried. Tries at things that are gone are left out.
pub fn standings<'a>(materials: &'a [Material], tried: &'a [Tried]) -> Vec<Standing<'a>> {
    let scheduler = Scheduler::default();
    let known: BTreeMap<(ItemKind, &str, &str), &[Try]> =
        tried.iter().map(|t| ((t.kind, t.item.as_str(), t.variant.as_str()), t.tries.as_slice())).collect();
    let standing = |material: &'a Material| {
        let tries = known.get(&(material.kind, material.id.as_str(), material.variant.as_str())).copied().unwrap_or_default();
        Standing { material, tries, memory: scheduler.memory(tries) }
    };
    materials.iter().map(standing).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rating::tests::a_try;
    use super::*;

    pub fn material(id: &str, domain: &str, form: Form, minutes: u64) -> Material {
        let scenario = form == Form::Scenario;
        Material {
            kind: if scenario { ItemKind::Scenario } else { ItemKind::Question },
            id: id.into(),
            variant: if scenario { format!("{{\"fault\":\"{id}\"}}") } else { String::new() },
            domain: DomainId::unchecked(domain),
            competency: CompetencyId::unchecked(format!("{domain}-{}", id.len())),
            form,
            seconds: minutes * 60,
        }
    }

    pub fn tried(material: &Material, tries: &[Try]) -> Tried {
        Tried { kind: material.kind, item: material.id.clone(), variant: material.variant.clone(), tries: tries.to_vec() }
    }

    #[test]
    fn variants_stand_apart_and_what_is_gone_is_left_out() {
        let mut other = material("s", "d", Form::Scenario, 8);
        other.variant = "{\"fault\":\"y\"}".into();
        let all = [material("s", "d", Form::Scenario, 8), other, material("q", "d", Form::Question, 1)];
        let history = [tried(&all[0], &[a_try(1, 100)]), tried(&material("gone", "d", Form::Question, 1), &[a_try(1, 100)])];
        let standings = standings(&all, &history);
        assert_eq!(standings.iter().map(|s| (s.tries.len(), s.memory.is_some())).collect::<Vec<_>>(), [(1, true), (0, false), (0, false)]);
    }
}
