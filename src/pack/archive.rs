//! A pack that is a `.tar.gz` archive: read in memory, entry by entry, never unpacked onto the disk.

use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::EntryType;

use super::error::PackError;
use super::files::Files;
use super::limits;

/// Reads an archive.
pub fn read(file: impl Read, path: &Path) -> Result<Files, PackError> {
    let damaged = |e: &io::Error| PackError::Damaged(e.to_string());
    let mut head = [0; 2];
    let mut file = file.take(limits::ARCHIVE + 1);
    file.read_exact(&mut head).map_err(|_| PackError::NotAPack(path.to_owned()))?;
    if head != [0x1f, 0x8b] {
        return Err(PackError::NotAPack(path.to_owned()));
    }
    // Headers, padding and all count: what a kilobyte of gzip can become must end somewhere.
    let unpacked = GzDecoder::new(head.chain(file)).take(limits::TOTAL + 1);
    let mut archive = tar::Archive::new(unpacked);
    let mut files = Files::default();
    for entry in archive.entries().map_err(|e| damaged(&e))? {
        let mut entry = entry.map_err(|e| damaged(&e))?;
        let name = entry.path_bytes().into_owned();
        let Ok(name) = String::from_utf8(name) else {
            return Err(PackError::Refused { entry: "an entry".to_owned(), reason: "the name is not text" });
        };
        // `tar c .` writes every path with these before it.
        let plain = name.strip_prefix("./").unwrap_or(&name);
        match entry.header().entry_type() {
            EntryType::XGlobalHeader => continue,
            EntryType::Directory if plain.is_empty() || plain == "." => continue,
            EntryType::Directory => {
                files.admit(plain)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let parts = files.admit(plain)?;
                if entry.size() > limits::FILE {
                    return Err(PackError::refused(plain, "the file is too large"));
                }
                let path = parts.join("/");
                let mut bytes = Vec::new();
                (&mut entry).take(limits::FILE + 1).read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
                if u64::try_from(bytes.len()).ok() != Some(entry.size()) {
                    return Err(PackError::Damaged("it ends within a file".to_owned()));
                }
                files.add(&path, bytes)?;
            }
            EntryType::Symlink | EntryType::Link => return Err(PackError::refused(plain, "links have no place in a pack")),
            _ => return Err(PackError::refused(plain, "neither a file nor a folder")),
        }
    }
    files.finish()
}
