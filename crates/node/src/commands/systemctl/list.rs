//! `systemctl list-units` and `list-unit-files`

use super::super::options::Options;
use super::super::report::columns;
use crate::machine::{ExitStatus, ProcessContext};
use crate::systemd::{Active, LoadState};

fn wanted(name: &str, options: &Options, patterns: &[String]) -> bool {
    let kind = name.rsplit('.').next().unwrap_or_default();
    options.get("t").is_none_or(|types| types.split(',').any(|wanted| wanted == kind))
        && (patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, name) || glob(&format!("{pattern}.service"), name)))
}

/// Patterns with `*` and `?`.
pub(in crate::commands) fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => glob(&pattern[1..], text) || text.chars().next().is_some_and(|c| glob(pattern, &text[c.len_utf8()..])),
        (Some('?'), Some(c)) => glob(&pattern[1..], &text[c.len_utf8()..]),
        (Some(p), Some(c)) if p == c => glob(&pattern[p.len_utf8()..], &text[c.len_utf8()..]),
        _ => false,
    }
}

pub(super) async fn units(context: &ProcessContext, options: &Options, patterns: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let state = options.get("state");
    let mut units: Vec<_> = systemd
        .units()
        .into_iter()
        .filter(|unit| wanted(&unit.unit.name, options, patterns))
        .filter(|unit| {
            if options.has("failed") || state == Some("failed") {
                unit.active == Active::Failed
            } else if let Some(state) = state {
                state.split(',').any(|state| state == unit.active.name() || state == unit.sub || state == unit.unit.load.name())
            } else {
                options.has("a") || !patterns.is_empty() || unit.active != Active::Inactive
            }
        })
        .collect();
    units.sort_by(|a, b| a.unit.name.cmp(&b.unit.name));
    let marks = units.iter().any(|unit| unit.active == Active::Failed || unit.unit.load != LoadState::Loaded);
    let mark = |unit: &crate::systemd::UnitState| match unit.active {
        Active::Failed => "●",
        _ if unit.unit.load != LoadState::Loaded => "●",
        _ => " ",
    };
    let plain = options.has("plain") || options.has("no-legend") && !marks;
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !options.has("no-legend") && !units.is_empty() {
        rows.push(["UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"].map(str::to_owned).into());
    }
    for unit in &units {
        rows.push(vec![
            unit.unit.name.clone(),
            unit.unit.load.name().to_owned(),
            unit.active.name().to_owned(),
            unit.sub.clone(),
            unit.unit.description.clone(),
        ]);
    }
    let header = usize::from(!options.has("no-legend") && !units.is_empty());
    let table = columns(&rows, 1);
    let mut text = String::new();
    for (index, line) in table.lines().enumerate() {
        let prefix = match index.checked_sub(header).and_then(|index| units.get(index)) {
            _ if plain => String::new(),
            Some(unit) => format!("{} ", mark(unit)),
            None => "  ".to_owned(),
        };
        text.push_str(&format!("{prefix}{line}\n"));
    }
    if !options.has("no-legend") {
        if !units.is_empty() {
            text.push_str("\nLOAD   = Reflects whether the unit definition was properly loaded.\nACTIVE = The high-level unit activation state, i.e. generalization of SUB.\nSUB    = The low-level unit activation state, values depend on unit type.\n");
        }
        text.push_str(&format!("{} loaded units listed.", units.len()));
        text.push_str(match (units.is_empty() || options.has("failed") || state.is_some(), options.has("a")) {
            (true, _) | (_, true) => "\n",
            _ => " Pass --all to see loaded but inactive units, too.\n",
        });
        if !(units.is_empty() || options.has("failed") || state.is_some()) {
            text.push_str("To show all installed unit files use 'systemctl list-unit-files'.\n");
        }
    }
    super::super::less::page(context, text.into(), options.has("no-pager"), false).await
}

pub(super) async fn files(context: &ProcessContext, options: &Options, patterns: &[String]) -> ExitStatus {
    let systemd = context.machine.systemd();
    let files: Vec<_> = systemd
        .unit_files()
        .into_iter()
        .filter(|(name, _)| wanted(name, options, patterns))
        .filter(|(_, state)| options.get("state").is_none_or(|states| states.split(',').any(|wanted| wanted == state.name())))
        .collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !options.has("no-legend") {
        rows.push(["UNIT FILE", "STATE", "PRESET"].map(str::to_owned).into());
    }
    for (name, state) in &files {
        let preset = if systemd.unit(name).unit.can_install() || state.name() == "masked" { "enabled" } else { "-" };
        rows.push(vec![name.clone(), state.name().to_owned(), preset.to_owned()]);
    }
    let mut text = columns(&rows, 1);
    if !options.has("no-legend") {
        text.push_str(&format!("\n{} unit files listed.\n", files.len()));
    }
    super::super::less::page(context, text.into(), options.has("no-pager"), false).await
}

pub(super) async fn dependencies(context: &ProcessContext, name: &str) -> ExitStatus {
    let systemd = context.machine.systemd();
    let unit = systemd.unit(name).unit.clone();
    let mut text = format!("{name}\n");
    let mut all: Vec<&String> = unit.requires.iter().chain(&unit.wants).collect();
    all.sort();
    let count = all.len();
    for (index, other) in all.into_iter().enumerate() {
        let mark = if systemd.unit(other).active == Active::Active { "●" } else { "○" };
        text.push_str(&format!("{mark} {}{other}\n", if index + 1 == count { "└─" } else { "├─" }));
    }
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}
