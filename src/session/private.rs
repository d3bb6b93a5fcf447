//! Files and directories that only their owner can read, written whole or not at all.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Creates a directory (and its parents) with mode 0700.
pub fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file with mode 0600 so that a reader sees the old content or the new, never a part.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_mode(path, bytes, 0o600)
}

/// Like [`write`], for scripts that are run.
pub fn write_executable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_mode(path, bytes, 0o700)
}

fn write_mode(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let name = path.file_name().and_then(|n| n.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        // A draft left by a killed process of the same pid keeps its old mode.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_private_and_no_draft_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        directory(&folder).unwrap();
        write(&folder.join("secret"), b"1").unwrap();
        write(&folder.join("secret"), b"2").unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("secret"))), (0o700, 0o600));
        assert_eq!(fs::read(folder.join("secret")).unwrap(), b"2");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
