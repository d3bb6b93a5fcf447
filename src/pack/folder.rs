//! A pack that is a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::error::PackError;
use super::files::Files;
use super::limits;

/// Reads a folder. Hidden files (a `.git`, say) are passed over; links and everything that is neither file nor folder are refused.
pub fn read(folder: &Path) -> Result<Files, PackError> {
    let mut files = Files::default();
    walk(folder, "", &mut files)?;
    files.finish()
}

fn walk(folder: &Path, prefix: &str, files: &mut Files) -> Result<(), PackError> {
    let unreadable = |path: &Path, e: &io::Error| PackError::Unreadable { path: path.to_owned(), reason: e.to_string() };
    let mut entries =
        fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>()).map_err(|e| unreadable(folder, &e))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(PackError::refused(&name.to_string_lossy(), "the name is not text"));
        };
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        files.admit(&path)?;
        // Of the entry itself, not of what a link leads to.
        let of_type = entry.file_type().map_err(|e| unreadable(&entry.path(), &e))?;
        if of_type.is_symlink() {
            return Err(PackError::refused(&path, "links have no place in a pack"));
        }
        if of_type.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if of_type.is_file() {
            let bytes = read_file(&entry.path()).map_err(|e| unreadable(&entry.path(), &e))?;
            files.add(&path, bytes)?;
        } else {
            return Err(PackError::refused(&path, "neither a file nor a folder"));
        }
    }
    Ok(())
}

/// At most one byte more than is allowed, from the file that was looked at: it may have become a link or a pipe meanwhile.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no longer a file"));
    }
    let mut bytes = Vec::new();
    file.take(limits::FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
