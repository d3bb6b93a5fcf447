//! The host's file system.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use kubectl::{DirEntry, FileKind, Files};

/// A file that does not exist yet is made its owner's only.
fn created(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// `std::fs`.
pub struct HostFiles;

impl Files for HostFiles {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        if let Some(parent) = Path::new(path).parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = created(fs::OpenOptions::new().write(true).create(true).truncate(true)).open(path)?;
        file.write_all(content)
    }

    fn list(&self, path: &str) -> io::Result<Vec<DirEntry>> {
        let mut entries = fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                let kind = if entry.path().is_dir() { FileKind::Directory } else { FileKind::File };
                Ok(DirEntry { name: entry.file_name().to_string_lossy().into_owned(), kind })
            })
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &str) -> io::Result<FileKind> {
        fs::metadata(path).map(|meta| if meta.is_dir() { FileKind::Directory } else { FileKind::File })
    }
}
