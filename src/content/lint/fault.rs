//! Rules for faults.

use std::collections::{BTreeMap, BTreeSet};

use super::report::At;
use super::templates::{Names, lint_document};
use super::{checks, exercise};
use crate::content::fault::Fault;
use crate::content::scenario::Debrief;
use crate::content::step::{Action, ReplaceInFile};

pub fn lint(fault: &Fault, at: &mut At<'_>) {
    if !fault.id.is_valid() {
        at.error("id/format", &["id"], format!("`{}` is not an id", fault.id));
    }
    let own = fault.id.as_str().rsplit('/').next().unwrap_or_default();
    if at.path.rsplit('/').next().unwrap_or_default() != format!("{own}.yaml") {
        at.error("id/file", &["id"], format!("the file of fault `{own}` is `faults/{own}.yaml`"));
    }
    let names = Names { variables: &BTreeMap::new(), captured: BTreeSet::new(), extra: &["node"] };
    lint_document(&names, &["apiVersion", "kind", "id", "requires"], at);
    if fault.break_it.is_empty() {
        at.error("fault/nothing", &["do"], "a fault that does nothing");
    }
    if fault.undo.is_empty() {
        at.error("fault/no-undo", &["undo"], "a fault that cannot be taken back");
    }
    for (i, action) in fault.break_it.iter().enumerate() {
        let Action::ReplaceInFile(ReplaceInFile { find, with, .. }) = action else { continue };
        if find == with {
            at.error("fault/nothing", &["do", &i.to_string()], "the text is replaced by itself");
        }
    }
    checks::expect(&fault.visible_when.expect, &["visibleWhen", "expect"], at);
    exercise::steps(&fault.solution.steps, &["solution", "steps"], at);
    debrief(&fault.debrief, at);
    if fault.debrief.from_fault {
        at.error("debrief/source", &["debrief"], "a fault's debrief cannot come from the fault");
    }
}

/// Rules for debriefs of faults and scenarios.
pub fn debrief(debrief: &Debrief, at: &mut At<'_>) {
    // A file's text has been put in the place of `text` when it was loaded.
    if debrief.from_fault == debrief.text.is_some() {
        at.error("debrief/source", &["debrief"], "a debrief needs exactly one of fromFault, file and text");
    }
    if debrief.from_fault {
        return;
    }
    if debrief.fastest.is_empty() || debrief.fastest.len() > 3 {
        let message = format!("a debrief shows one to three commands, here are {}", debrief.fastest.len());
        at.warning("debrief/fastest", &["debrief", "fastest"], message);
    }
    exercise::link(debrief.link.as_deref(), &["debrief", "link"], at);
}
