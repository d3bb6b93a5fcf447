//! Tab completion: commands, files, verbs and units of systemctl; kubectl's words come from the kubectl crate.

use super::interactive::Shell;
use crate::fs::View;

/// Words that fit, and where the word that they replace begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte position in the line.
    pub start: usize,
    /// Whole words.
    pub candidates: Vec<String>,
}

const SYSTEMCTL_VERBS: &[&str] = &[
    "cat",
    "daemon-reload",
    "disable",
    "edit",
    "enable",
    "is-active",
    "is-enabled",
    "is-failed",
    "kill",
    "list-dependencies",
    "list-unit-files",
    "list-units",
    "mask",
    "reload",
    "reset-failed",
    "restart",
    "show",
    "start",
    "status",
    "stop",
    "unmask",
];

impl Shell {
    /// What could be written at `position` of `line`.
    pub async fn complete(&self, line: &str, position: usize) -> Completion {
        let line = &line[..position.min(line.len())];
        let command_start = line.rfind(['|', ';', '&', '(']).map_or(0, |at| at + 1);
        let start = line.rfind(|c: char| c.is_whitespace() || matches!(c, '|' | ';' | '&' | '(' | '<' | '>' | '=')).map_or(0, |at| at + 1);
        let word = &line[start..];
        let mut before: Vec<&str> = line[command_start.min(start)..start].split_whitespace().collect();
        while before.first().is_some_and(|first| *first == "sudo") {
            before.remove(0);
        }
        let Some(session) = self.session() else { return Completion::default() };
        let files = session.context.files();
        let mut candidates = match before.first().copied() {
            None if !word.contains('/') => self.commands(word, &files),
            Some("systemctl") => self.systemctl(&before),
            Some("journalctl") if before.last().is_some_and(|last| matches!(*last, "-u" | "--unit")) => self.units(),
            Some("kubectl" | "k") => self.kubectl(&before, word).await,
            _ => Vec::new(),
        };
        candidates.retain(|candidate| candidate.starts_with(word));
        if candidates.is_empty() {
            candidates = paths(&files, &session.cwd(), session.variable("HOME").as_deref().unwrap_or("/root"), word);
        }
        candidates.sort();
        candidates.dedup();
        Completion { start, candidates }
    }

    fn commands(&self, prefix: &str, files: &View) -> Vec<String> {
        let Some(session) = self.session() else { return Vec::new() };
        let path = session.variable("PATH").unwrap_or_default();
        let mut names: Vec<String> =
            path.split(':').flat_map(|dir| files.read_dir(dir).unwrap_or_default()).map(|(name, _)| name).collect();
        names.extend(session.own_words());
        names.extend(["cd", "exit", "export", "history", "alias", "source", "type", "unset"].map(str::to_owned));
        names.retain(|name| name.starts_with(prefix));
        names
    }

    fn systemctl(&self, before: &[&str]) -> Vec<String> {
        let words: Vec<&&str> = before.iter().skip(1).filter(|word| !word.starts_with('-')).collect();
        if words.is_empty() { SYSTEMCTL_VERBS.iter().map(|verb| (*verb).to_owned()).collect() } else { self.units() }
    }

    fn units(&self) -> Vec<String> {
        self.machine().systemd().unit_files().into_iter().map(|(name, _)| name).collect()
    }

    async fn kubectl(&self, before: &[&str], word: &str) -> Vec<String> {
        let Some(session) = self.session() else { return Vec::new() };
        let words = before.iter().skip(1).map(|word| (*word).to_owned()).chain([word.to_owned()]).collect();
        crate::commands::kubectl::complete(&session.context.machine, session.context.files(), session.environment(), session.cwd(), words)
            .await
    }
}

/// Files that begin with `word`; directories end in a slash.
fn paths(files: &View, cwd: &str, home: &str, word: &str) -> Vec<String> {
    let (dir, name) = word.rsplit_once('/').map_or(("", word), |(dir, name)| (if dir.is_empty() { "/" } else { dir }, name));
    let real = match dir.strip_prefix('~') {
        Some(rest) => format!("{home}{rest}"),
        None => View::absolute(cwd, if dir.is_empty() { cwd } else { dir }),
    };
    let prefix = match dir {
        "" => String::new(),
        "/" => "/".to_owned(),
        dir => format!("{dir}/"),
    };
    files
        .read_dir(&real)
        .unwrap_or_default()
        .into_iter()
        .filter(|(entry, _)| entry.starts_with(name) && (name.starts_with('.') || !entry.starts_with('.')))
        .map(|(entry, _)| {
            let slash = if files.is_dir(&format!("{}/{entry}", real.trim_end_matches('/'))) { "/" } else { "" };
            format!("{prefix}{entry}{slash}")
        })
        .collect()
}
