//! Finding a unit's files.

use std::sync::Arc;

use super::unit::{LoadState, Unit};
use crate::fs::View;

/// Where units are sought, the first place wins (systemd.unit(5); Debian 12 has `/lib` before `/usr/lib`).
pub(super) const UNIT_PATH: &[&str] =
    &["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system"];

/// Drop-ins are sought in these, files of one name hide those in later directories.
const DROP_IN_PATH: &[&str] = &["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/// Directory of links that mean "enabled".
pub(super) const CONFIG_DIR: &str = "/etc/systemd/system";

/// A name without a type is a service's.
pub(super) fn full_name(name: &str) -> String {
    const TYPES: &[&str] =
        &[".service", ".target", ".socket", ".timer", ".mount", ".slice", ".path", ".device", ".swap", ".scope", ".automount"];
    let name = name.rsplit('/').next().unwrap_or(name);
    if TYPES.iter().any(|suffix| name.ends_with(suffix)) { name.to_owned() } else { format!("{name}.service") }
}

/// Path of the file that defines a unit.
pub(super) fn fragment(files: &View, name: &str) -> Option<String> {
    UNIT_PATH.iter().map(|dir| format!("{dir}/{name}")).find(|path| files.lstat(path).is_ok())
}

/// Reads a unit from its files.
pub(super) fn load(files: &View, name: &str) -> Arc<Unit> {
    let mut unit = Unit {
        name: name.to_owned(),
        description: name.to_owned(),
        start_limit_interval_ms: 10_000,
        start_limit_burst: 5,
        ..Unit::default()
    };
    let Some(path) = fragment(files, name) else { return Arc::new(unit) };
    unit.fragment = Some(path.clone());
    if files.canonical(&path).is_ok_and(|target| target == "/dev/null") {
        unit.load = LoadState::Masked;
        note(&mut unit, files, &path);
        return Arc::new(unit);
    }
    let Ok(text) = files.read_text(&path) else { return Arc::new(unit) };
    unit.load = LoadState::Loaded;
    // A link from /etc to the package's file: the file itself is shown.
    if files.lstat(&path).is_ok_and(|stat| stat.is_symlink())
        && let Ok(target) = files.canonical(&path)
    {
        unit.fragment = Some(target.replacen("/usr/lib/systemd", "/lib/systemd", 1));
    }
    note(&mut unit, files, &path);
    unit.read(&path, &text);
    for drop_in in drop_ins(files, name) {
        if let Ok(text) = files.read_text(&drop_in) {
            note(&mut unit, files, &drop_in);
            unit.read(&drop_in, &text);
        }
        unit.drop_ins.push(drop_in);
    }
    // What links in NAME.wants and NAME.requires want belongs to the unit as well.
    for (kind, list) in [("wants", &mut unit.wants), ("requires", &mut unit.requires)] {
        for dir in [CONFIG_DIR, "/lib/systemd/system"] {
            for (other, _) in files.read_dir(&format!("{dir}/{name}.{kind}")).unwrap_or_default() {
                if !list.contains(&other) {
                    list.push(other);
                }
            }
        }
    }
    if name.ends_with(".service") && unit.service.exec_start.is_empty() {
        // service_verify: a service that could not run is not loaded.
        unit.warnings.push(format!("{name}: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing."));
        unit.load = LoadState::BadSetting;
    } else if let Some(word) = unit.service.exec_start.first().and_then(|exec| exec.words.first())
        && !word.starts_with(['/', '$'])
        && word.contains('/')
    {
        unit.warnings.push(format!("{path}: Neither a valid executable name nor an absolute path: {word}"));
        unit.load = LoadState::BadSetting;
    }
    Arc::new(unit)
}

fn note(unit: &mut Unit, files: &View, path: &str) {
    if let Ok(stat) = files.stat(path) {
        unit.sources.push((path.to_owned(), stat.mtime));
    }
}

fn drop_ins(files: &View, name: &str) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for dir in DROP_IN_PATH {
        let dir = format!("{dir}/{name}.d");
        for (file, _) in files.read_dir(&dir).unwrap_or_default() {
            if file.ends_with(".conf") && !found.iter().any(|(name, _)| *name == file) {
                found.push((file.clone(), format!("{dir}/{file}")));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Whether the files are not what was read any more: `systemctl` warns until `daemon-reload`.
pub(super) fn changed_on_disk(files: &View, unit: &Unit) -> bool {
    if unit.load == LoadState::NotFound {
        return false;
    }
    if unit.sources.iter().any(|(path, mtime)| files.stat(path).map(|stat| stat.mtime) != Ok(*mtime)) {
        return true;
    }
    unit.load != LoadState::Masked && drop_ins(files, &unit.name) != unit.drop_ins
}
