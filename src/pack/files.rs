//! The files of a pack, in memory, while it is being looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PackError;
use super::{limits, path};
use crate::content::pack::Pack;
use crate::content::schema::DocumentKind;
use crate::content::source::{FOLDERS, Origin, Source, is_content};
use crate::content::{Catalog, load};

/// The texts of a pack by path. What is in here is within the limits and at plain paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    texts: BTreeMap<String, String>,
    /// Paths in lower case: what some file systems take for the same.
    folded: BTreeSet<String>,
    bytes: u64,
    entries: usize,
}

impl Files {
    /// Counts an entry and looks at its path.
    pub(super) fn admit<'a>(&mut self, path: &'a str) -> Result<Vec<&'a str>, PackError> {
        self.entries += 1;
        if self.entries > limits::ENTRIES {
            return Err(PackError::TooMuch(format!("{} files and folders", limits::ENTRIES)));
        }
        path::parts(path)
    }

    /// Adds a file's bytes. Those that are no content of ours are left out, after they were looked at.
    pub(super) fn add(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), PackError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > limits::FILE {
            return Err(PackError::refused(path, "the file is too large"));
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > limits::TOTAL {
            return Err(PackError::TooMuch(format!("{} bytes in all", limits::TOTAL)));
        }
        if !self.folded.insert(path.to_ascii_lowercase()) {
            return Err(PackError::refused(path, "the same path stands in it twice"));
        }
        if !is_content(path) {
            return Ok(());
        }
        let text = String::from_utf8(bytes).map_err(|_| PackError::refused(path, "the file is not UTF-8 text"))?;
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            return Err(PackError::refused(path, "the text has control characters"));
        }
        self.texts.insert(path.to_owned(), text);
        Ok(())
    }

    /// The files that matter, from the folder where `pack.yaml` stands: an archive may have one folder around everything.
    pub(super) fn finish(mut self) -> Result<Self, PackError> {
        if !self.texts.contains_key("pack.yaml") {
            let wrapped = |path: &str| path.strip_suffix("/pack.yaml").filter(|folder| !folder.contains('/')).map(str::to_owned);
            let around: Vec<String> = self.texts.keys().filter_map(|path| wrapped(path)).collect();
            let [around] = around.as_slice() else {
                return Err(PackError::NoManifest("there is no pack.yaml at its top".to_owned()));
            };
            let prefix = format!("{around}/");
            let inside = |(path, text): (String, String)| path.strip_prefix(&prefix).map(|rest| (rest.to_owned(), text));
            self.texts = self.texts.into_iter().filter_map(inside).collect();
        }
        let ours =
            |path: &str| path == "pack.yaml" || FOLDERS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|p| p.starts_with('/')));
        self.texts.retain(|path, _| ours(path));
        Ok(self)
    }

    /// Texts by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Decodes and lints everything in it against what there is besides. What comes back is who it is.
    pub fn check(&self, catalog: &Catalog) -> Result<Pack, PackError> {
        let pack = self.manifest()?;
        let origin = Origin::Pack { name: pack.id.clone(), folder: std::path::PathBuf::from(&pack.id) };
        let (_, findings) = catalog.clone().with_source(&Source::of_files(origin, self.iter()));
        if findings.has_errors() {
            return Err(PackError::Content(findings));
        }
        Ok(pack)
    }

    fn manifest(&self) -> Result<Pack, PackError> {
        let text = self.texts.get("pack.yaml").ok_or_else(|| PackError::NoManifest("there is no pack.yaml".to_owned()))?;
        let source = Source::of_files(Origin::Folder(".".into()), [("pack.yaml", text.as_str())]);
        let (documents, findings) = load::load(&source, load::Strictness::Strict);
        if findings.has_errors() {
            return Err(PackError::Content(findings));
        }
        let packs: Vec<&Pack> =
            documents.iter().filter_map(|d| if let load::Content::Pack(pack) = &d.content { Some(&**pack) } else { None }).collect();
        let [pack] = packs.as_slice() else {
            return Err(PackError::NoManifest(format!("pack.yaml holds exactly one document of kind {}", DocumentKind::Pack.as_str())));
        };
        if pack.id.contains('/') || !crate::model::id::is_id(&pack.id) {
            return Err(PackError::NoManifest("its id is not a word of lower-case letters, digits and dashes".to_owned()));
        }
        Ok((*pack).clone())
    }
}
