//! Packs: content of others, installed into the state directory.
//!
//! A pack is a stranger's. It is data from end to end: files are read into memory within [`limits`], refused when any of them is not a
//! plain text at a plain path ([`path`]), decoded and linted like an author's, and only then written, file by file, to a folder of the
//! pack's own ([`shelf`]). No archive is ever unpacked onto the disk, no link is followed, and nothing of it runs when it is added; what
//! its scenarios run later runs inside the embedded cluster, which has no way to the host.

mod archive;
mod error;
mod files;
mod folder;
mod limits;
mod path;
mod shelf;
#[cfg(test)]
mod tests;

pub use error::PackError;
pub use files::Files;
pub use shelf::{Installed, Shelf};

use std::path::Path;

/// Reads a pack from a folder or a `.tar.gz` archive.
pub fn open(path: &Path) -> Result<Files, PackError> {
    let metadata = std::fs::metadata(path).map_err(|e| PackError::Unreadable { path: path.to_owned(), reason: e.to_string() })?;
    if metadata.is_dir() {
        return folder::read(path);
    }
    if !metadata.is_file() {
        return Err(PackError::NotAPack(path.to_owned()));
    }
    let file = std::fs::File::open(path).map_err(|e| PackError::Unreadable { path: path.to_owned(), reason: e.to_string() })?;
    archive::read(file, path)
}
