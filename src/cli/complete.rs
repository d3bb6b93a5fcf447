//! Values that Tab completion offers: ids of content, sessions, nodes.

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;

use crate::content::Catalog;
use crate::pack::Shelf;
use crate::session::{Directories, registry};
use crate::store::{History, Sqlite};

fn offer(names: impl IntoIterator<Item = (String, String)>, current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    names
        .into_iter()
        .filter(|(name, _)| name.starts_with(&*current))
        .map(|(name, help)| CompletionCandidate::new(name).help(Some(help.into())))
        .collect()
}

/// Ids of sessions.
pub fn sessions() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let entries = Directories::from_environment().map(|d| registry::sessions(&d)).unwrap_or_default();
        offer(entries.into_iter().filter_map(|e| e.record).map(|record| (record.id, record.title)), current)
    })
}

/// Names of the nodes of the session that is meant.
pub fn nodes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let session = std::env::var("CKAPREP_SESSION").ok().filter(|id| !id.is_empty());
        let entry = Directories::from_environment().and_then(|d| registry::find(&d, session.as_deref()));
        let nodes = entry.ok().and_then(|e| e.record).map(|record| record.nodes).unwrap_or_default();
        offer(nodes.into_iter().map(|node| (node.name, node.role)), current)
    })
}

/// Ids of scenarios.
pub fn scenarios() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        offer(catalog(|c| c.scenarios().map(|s| (s.scenario.id.to_string(), s.scenario.title.clone())).collect()), current)
    })
}

/// Names of packs.
pub fn packs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let packs = Directories::from_environment().map(|d| Shelf::at(d.packs()).list()).unwrap_or_default();
        offer(packs.into_iter().map(|installed| (installed.pack.id, installed.pack.title)), current)
    })
}

/// Ids of exams.
pub fn exams() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        offer(catalog(|c| c.curricula().map(|x| (x.id.to_string(), x.title.clone())).collect()), current)
    })
}

/// Ids of domains, of all exams.
pub fn domains() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = catalog(|c| {
            let domains =
                c.curricula().flat_map(|exam| exam.domains.iter().map(move |d| (d.id.to_string(), format!("{}: {}", exam.id, d.title))));
            domains.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect()
        });
        offer(names, current)
    })
}

/// Ids of scenarios, questions and exams.
pub fn anything() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = catalog(|c| {
            let scenarios = c.scenarios().map(|s| (s.scenario.id.to_string(), s.scenario.title.clone()));
            let questions = c.questions().map(|q| (q.id.to_string(), format!("{} question", q.answer_type.as_str())));
            scenarios.chain(questions).chain(c.curricula().map(|x| (x.id.to_string(), x.title.clone()))).collect()
        });
        offer(names, current)
    })
}

/// Ids of the latest attempts.
pub fn attempts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        // Looking must not make a history where there is none.
        let path = Directories::from_environment().map(|d| d.history()).ok().filter(|path| path.exists());
        let attempts = path.and_then(|path| Sqlite::open(&path).ok()?.attempts(50).ok()).unwrap_or_default();
        let names = attempts.into_iter().map(|a| (a.id.chars().take(6).collect(), format!("{} {}", a.kind.as_str(), a.item)));
        offer(names.chain([("last".to_owned(), "the latest attempt".to_owned())]), current)
    })
}

/// Completion never complains: without a catalogue there is nothing to offer.
fn catalog(names: impl FnOnce(&Catalog) -> Vec<(String, String)>) -> Vec<(String, String)> {
    let Ok(catalog) = Catalog::built_in() else { return Vec::new() };
    let catalog = match Directories::from_environment() {
        Ok(directories) => Shelf::at(directories.packs()).over(catalog).0,
        Err(_) => catalog,
    };
    names(&catalog)
}
