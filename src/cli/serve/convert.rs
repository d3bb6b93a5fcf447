//! From the domain's values to documents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::backend::Progress;
use crate::content::{Bindings, DebriefText, Instance, ScriptStep};
use crate::grade::Report;
use crate::render::document::{DebriefDocument, FastestDocument, NodeDocument, StepDocument, TypedDocument};
use crate::runner::Event;
use crate::session::folder::NodeRecord;
use crate::session::shell::commands::Typed;

impl From<&NodeRecord> for NodeDocument {
    fn from(node: &NodeRecord) -> Self {
        Self { name: node.name.clone(), role: node.role.clone(), address: node.address.clone() }
    }
}

/// Events of a setup as what is told of its progress.
pub fn scene(progress: Progress<'_>) -> impl FnMut(Event) + Send {
    move |event| match event {
        Event::SetupStep { number, of } => progress(&format!("setting the scene: step {number} of {of}")),
        Event::Applied { object } => progress(&format!("setting the scene: {object}")),
        _ => {}
    }
}

/// The hidden variables as the history keeps them.
pub fn variant(instance: &Instance) -> BTreeMap<String, String> {
    texts(&instance.variant())
}

/// Values of variables as texts.
pub fn texts(bindings: &Bindings) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    bindings.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A solution's step; what has no node runs on `base`.
pub fn step(step: ScriptStep) -> StepDocument {
    StepDocument { on: step.node.unwrap_or_else(|| "base".to_owned()), run: step.run, why: step.why }
}

/// Debriefs of all faults in one.
pub fn debrief(parts: Vec<DebriefText>) -> DebriefDocument {
    let mut document = DebriefDocument::default();
    for part in parts {
        if !document.text.is_empty() {
            document.text.push_str("\n\n");
        }
        if let Some(fault) = &part.fault {
            document.text.push_str(&format!("**{fault}**\n\n"));
        }
        document.text.push_str(part.cause.trim());
        document.fastest.extend(part.fastest.into_iter().map(|(run, shows)| FastestDocument { run, shows }));
        document.link = document.link.or(part.link);
    }
    document
}

/// Commands in the order in which they were typed.
pub fn commands(mut typed: Vec<Typed>, started: Timestamp) -> Vec<TypedDocument> {
    typed.retain(|command| command.at >= started);
    typed.sort_by_key(|command| command.at);
    let after = |at: Timestamp| u64::try_from(at.duration_since(started).as_secs()).unwrap_or(0);
    typed.into_iter().map(|c| TypedDocument { after_seconds: after(c.at), host: c.host, line: c.line }).collect()
}

/// The report without evidence: what `check` may show without giving the answer away.
pub fn without_evidence(mut report: Report) -> Report {
    for check in &mut report.checks {
        check.evidence.clear();
        check.why = None;
    }
    for gate in &mut report.gates {
        gate.evidence.clear();
        gate.why = None;
    }
    report
}
