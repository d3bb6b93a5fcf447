//! Where packs are kept: `packs/<id>/` in the state directory.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::PackError;
use super::files::Files;
use super::folder;
use crate::content::pack::Pack;
use crate::content::{Catalog, Findings, Source};

/// The packs of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    root: PathBuf,
}

/// A pack that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Who it is.
    pub pack: Pack,
    /// Where it is.
    pub folder: PathBuf,
}

impl Shelf {
    /// The packs in this folder, which need not be there yet.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Keeps a pack that fits what there is besides.
    pub fn add(&self, files: &Files, catalog: &Catalog, replace: bool) -> Result<Installed, PackError> {
        let pack = files.check(catalog)?;
        let folder = self.root.join(&pack.id);
        if let (Some(there), false) = (self.find(&pack.id), replace) {
            return Err(PackError::Exists { id: pack.id, version: there.pack.version });
        }
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |e: io::Error| PackError::Unwritable { path, reason: e.to_string() }
        };
        // Whole or not at all: beside its place first. Ids have no dot, so the draft can be no pack.
        let draft = self.root.join(format!("{}.new", pack.id));
        remove(&draft).map_err(unwritable(&draft))?;
        write(&draft, files).map_err(unwritable(&draft))?;
        remove(&folder).map_err(unwritable(&folder))?;
        fs::rename(&draft, &folder).map_err(unwritable(&folder))?;
        Ok(Installed { pack, folder })
    }

    /// Every pack that is there, by name.
    pub fn list(&self) -> Vec<Installed> {
        let mut names: Vec<String> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names.iter().filter_map(|name| self.find(name)).collect()
    }

    /// A pack by name.
    pub fn find(&self, id: &str) -> Option<Installed> {
        if id.contains('/') || !crate::model::id::is_id(id) {
            return None;
        }
        let folder = self.root.join(id);
        let text = fs::read_to_string(folder.join("pack.yaml")).ok()?;
        let pack: Pack = serde_saphyr::from_str(&text).ok()?;
        (pack.id == id).then_some(Installed { pack, folder })
    }

    /// Takes a pack away.
    pub fn remove(&self, id: &str) -> Result<Installed, PackError> {
        let installed = self.find(id).ok_or_else(|| PackError::Unknown(id.to_owned()))?;
        remove(&installed.folder).map_err(|e| PackError::Unwritable { path: installed.folder.clone(), reason: e.to_string() })?;
        Ok(installed)
    }

    /// Puts the content of every pack over a catalogue. What is wrong with one (it was changed by hand, or this is another version of
    /// ckaprep) leaves the others alone; the findings say what it is.
    pub fn over(&self, mut catalog: Catalog) -> (Catalog, Findings) {
        let mut findings = Findings::default();
        for Installed { pack, folder } in self.list() {
            let Ok(source) = Source::pack(&pack.id, &folder) else { continue };
            let (with, found) = catalog.clone().with_source(&source);
            if !found.has_errors() {
                catalog = with;
            }
            findings.extend(found.into_iter().filter(|finding| finding.severity == crate::content::Severity::Error));
        }
        (catalog, findings)
    }

    /// The files of a pack that is there, to be looked at again.
    pub fn files(&self, installed: &Installed) -> Result<Files, PackError> {
        folder::read(&installed.folder)
    }
}

fn write(draft: &Path, files: &Files) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(draft)?;
    for (path, text) in files.iter() {
        let path = draft.join(path);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Removes a folder and everything in it, without following links; one that is not there is gone already.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
