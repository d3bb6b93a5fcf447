//! Sets of paths as a tree (`fieldpath.Set`).

use std::collections::{BTreeMap, BTreeSet};

use super::element::Element;
use super::typed::Typed;

/// A set of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Paths that end here.
    pub members: BTreeSet<Element>,
    /// Paths that go on.
    pub children: BTreeMap<Element, Set>,
}

impl Set {
    /// Whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Adds a path; the empty one is ignored.
    pub fn insert(&mut self, path: &[Element]) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut here = self;
        for step in parents {
            here = here.children.entry(step.clone()).or_default();
        }
        here.members.insert(last.clone());
    }

    /// Paths in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            let merged = out.children.get(step).map_or_else(|| child.clone(), |mine| mine.union(child));
            out.children.insert(step.clone(), merged);
        }
        out
    }

    /// Paths in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine.intersection(theirs).cloned().collect(), |mine, theirs| Some(mine.intersection(theirs?)))
    }

    /// Paths in this one only.
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(
            other,
            |mine, theirs| mine.difference(theirs).cloned().collect(),
            |mine, theirs| Some(theirs.map_or_else(|| mine.clone(), |theirs| mine.difference(theirs))),
        )
    }

    fn combine(
        &self,
        other: &Self,
        members: impl Fn(&BTreeSet<Element>, &BTreeSet<Element>) -> BTreeSet<Element>,
        child: impl Fn(&Self, Option<&Self>) -> Option<Self>,
    ) -> Self {
        let children = self
            .children
            .iter()
            .filter_map(|(step, mine)| Some((step.clone(), child(mine, other.children.get(step))?)))
            .filter(|(_, set)| !set.is_empty())
            .collect();
        Self { members: members(&self.members, &other.members), children }
    }

    /// Without these top-level fields and everything below them.
    pub fn without_fields(&self, fields: &[&str]) -> Self {
        let keep = |step: &Element| !matches!(step, Element::Field(name) if fields.contains(&name.as_str()));
        Self {
            members: self.members.iter().filter(|s| keep(s)).cloned().collect(),
            children: self.children.iter().filter(|(s, _)| keep(s)).map(|(s, c)| (s.clone(), c.clone())).collect(),
        }
    }

    /// All paths, each list's ends before what goes on.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut out: Vec<Vec<Element>> = self.members.iter().map(|m| vec![m.clone()]).collect();
        for (step, child) in &self.children {
            out.extend(child.paths().into_iter().map(|mut path| {
                path.insert(0, step.clone());
                path
            }));
        }
        out
    }

    /// With every field of a struct that has something below it as a member too (`EnsureNamedFieldsAreMembers`), so that
    /// containers which come and go with their content are compared alike.
    pub fn with_named_fields(&self, typed: Typed<'_>) -> Self {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (step, child) in &self.children {
            if let Element::Field(name) = step
                && typed.has_field(name)
            {
                members.insert(step.clone());
            }
            children.insert(step.clone(), child.with_named_fields(typed.below(step)));
        }
        Self { members, children }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<Element> {
        text.split('.').map(|name| Element::Field(name.into())).collect()
    }

    fn set(paths: &[&str]) -> Set {
        let mut set = Set::default();
        for text in paths {
            set.insert(&path(text));
        }
        set
    }

    #[test]
    fn sets_combine_path_by_path() {
        let (a, b) = (set(&["spec.replicas", "spec.paused", "metadata.labels.app"]), set(&["spec.replicas", "status.phase"]));
        assert_eq!(a.intersection(&b), set(&["spec.replicas"]));
        assert_eq!(a.difference(&b), set(&["spec.paused", "metadata.labels.app"]));
        assert_eq!(a.union(&b).paths().len(), 4);
        assert!(a.difference(&a).is_empty());
        assert_eq!(b.without_fields(&["status"]), set(&["spec.replicas"]));
    }
}
