//! Why a pack is refused.

use std::path::PathBuf;

use crate::content::Findings;

/// Why a pack is refused, or could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Nothing to read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Neither a folder nor an archive.
    #[error("{} is neither a folder nor a .tar.gz archive", .0.display())]
    NotAPack(PathBuf),
    /// A damaged archive.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// Something in it is not allowed.
    #[error("the pack is refused: {entry}: {reason}")]
    Refused {
        /// What, as the pack calls it, harmless to print.
        entry: String,
        /// Why.
        reason: &'static str,
    },
    /// It is too much.
    #[error("the pack is refused: more than {0}")]
    TooMuch(String),
    /// It has no `pack.yaml`, or a wrong one.
    #[error("the pack does not say who it is: {0}")]
    NoManifest(String),
    /// Its content is wrong.
    #[error("the content of the pack cannot be used")]
    Content(Findings),
    /// One of this name is there already.
    #[error("there is a pack `{id}` already (version {version})")]
    Exists {
        /// Its name.
        id: String,
        /// The version that is there.
        version: String,
    },
    /// There is none of this name.
    #[error("there is no pack `{0}`")]
    Unknown(String),
    /// It could not be kept.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl PackError {
    /// A refusal of one entry; its name is made harmless.
    pub fn refused(entry: &str, reason: &'static str) -> Self {
        let harmless: String = entry.chars().take(80).flat_map(char::escape_default).collect();
        Self::Refused { entry: harmless, reason }
    }
}
