//! `enable`, `disable`, `mask`: the links under `/etc/systemd/system` (systemd's shared/install.c).

use super::load::{CONFIG_DIR, fragment, full_name, load};
use crate::fs::View;

/// `UnitFileState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UnitFileState {
    Enabled,
    Disabled,
    Static,
    Masked,
    Alias,
    Linked,
    Bad,
}

impl UnitFileState {
    /// The word that systemctl shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Static => "static",
            Self::Masked => "masked",
            Self::Alias => "alias",
            Self::Linked => "linked",
            Self::Bad => "bad",
        }
    }
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A link was made: path and target.
    Created(String, String),
    /// A link was removed.
    Removed(String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Created(path, target) => write!(f, "Created symlink {path} → {target}."),
            Self::Removed(path) => write!(f, "Removed \"{path}\"."),
        }
    }
}

/// Why nothing was changed. Texts are systemctl's, after `Failed to enable unit: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// No file.
    #[error("Unit file {0} does not exist.")]
    NotFound(String),
    /// Masked.
    #[error("Unit file {0} is masked.")]
    Masked(String),
    /// A file is where the link should be.
    #[error("File {0} already exists.")]
    Exists(String),
    /// The disk said no.
    #[error("{0}")]
    Disk(#[from] crate::fs::Errno),
}

/// State of a unit file, `None` if there is none.
pub(super) fn state(files: &View, name: &str) -> Option<UnitFileState> {
    let path = fragment(files, name)?;
    if files.canonical(&path).is_ok_and(|target| target == "/dev/null") {
        return Some(UnitFileState::Masked);
    }
    if let Ok(target) = files.read_link(&path)
        && target.rsplit('/').next() != Some(name)
    {
        return Some(UnitFileState::Alias);
    }
    if !links(files, name).is_empty() {
        return Some(UnitFileState::Enabled);
    }
    let unit = load(files, name);
    Some(if unit.can_install() { UnitFileState::Disabled } else { UnitFileState::Static })
}

/// Links that enable a unit.
fn links(files: &View, name: &str) -> Vec<String> {
    files
        .read_dir(CONFIG_DIR)
        .unwrap_or_default()
        .into_iter()
        .filter(|(dir, _)| dir.ends_with(".wants") || dir.ends_with(".requires"))
        .map(|(dir, _)| format!("{CONFIG_DIR}/{dir}/{name}"))
        .filter(|path| files.lstat(path).is_ok())
        .collect()
}

/// Links as the `[Install]` section says, with those of `Also=`.
pub(super) fn enable(files: &View, name: &str) -> Result<Vec<Change>, InstallError> {
    let path = fragment(files, name).ok_or_else(|| InstallError::NotFound(name.to_owned()))?;
    if state(files, name) == Some(UnitFileState::Masked) {
        return Err(InstallError::Masked(name.to_owned()));
    }
    let unit = load(files, name);
    let target = unit.fragment.clone().unwrap_or(path);
    let mut wanted: Vec<String> = Vec::new();
    wanted.extend(unit.install.alias.iter().map(|alias| format!("{CONFIG_DIR}/{alias}")));
    for (list, kind) in [(&unit.install.wanted_by, "wants"), (&unit.install.required_by, "requires")] {
        wanted.extend(list.iter().map(|by| format!("{CONFIG_DIR}/{by}.{kind}/{name}")));
    }
    let mut changes = Vec::new();
    for link in wanted {
        if files.lstat(&link).is_ok() {
            continue;
        }
        if let Some((dir, _)) = link.rsplit_once('/') {
            files.make_dirs(dir, 0o755)?;
        }
        files.symlink(&target, &link)?;
        changes.push(Change::Created(link, target.clone()));
    }
    for other in &unit.install.also {
        if other != name {
            changes.extend(enable(files, &full_name(other))?);
        }
    }
    Ok(changes)
}

/// Removes all links to the unit.
pub(super) fn disable(files: &View, name: &str) -> Result<Vec<Change>, InstallError> {
    if fragment(files, name).is_none() {
        return Err(InstallError::NotFound(name.to_owned()));
    }
    let unit = load(files, name);
    let mut paths = links(files, name);
    paths.extend(unit.install.alias.iter().map(|alias| format!("{CONFIG_DIR}/{alias}")).filter(|path| files.lstat(path).is_ok()));
    let mut changes = Vec::new();
    for path in paths {
        files.unlink(&path)?;
        changes.push(Change::Removed(path));
    }
    Ok(changes)
}

/// A link to `/dev/null`, which hides the package's file.
pub(super) fn mask(files: &View, name: &str) -> Result<Vec<Change>, InstallError> {
    let path = format!("{CONFIG_DIR}/{name}");
    if files.read_link(&path).is_ok_and(|target| target == "/dev/null") {
        return Ok(Vec::new());
    }
    if files.lstat(&path).is_ok() {
        return Err(InstallError::Exists(path));
    }
    files.symlink("/dev/null", &path)?;
    Ok(vec![Change::Created(path, "/dev/null".to_owned())])
}

/// Takes that link away.
pub(super) fn unmask(files: &View, name: &str) -> Result<Vec<Change>, InstallError> {
    let path = format!("{CONFIG_DIR}/{name}");
    if files.read_link(&path).is_ok_and(|target| target == "/dev/null") {
        files.unlink(&path)?;
        return Ok(vec![Change::Removed(path)]);
    }
    Ok(Vec::new())
}
