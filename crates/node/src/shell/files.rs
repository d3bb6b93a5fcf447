//! bashkit's file system over a [`View`](crate::fs::View).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bashkit::{DirEntry, FileSystem, FileSystemExt, FileType, Metadata, Result};

use super::context::ShellContext;
use super::utility::UTILITIES;
use crate::fs::{Errno, Executable, Stat, View};

/// The files of a shell.
pub(super) struct ShellFiles(pub(super) Arc<ShellContext>);

/// How bashkit marks a file that stands for one of its own commands (its `fs/rootfs.rs`).
const MARKER: &str = "#!/bin/sh\n# bashkit builtin: ";

/// Name under which the session runs an executable by its path.
pub(super) const EXEC_BY_PATH: &str = "__exec_by_path";

impl ShellFiles {
    /// Does something with the view, in the simulation's context (its clock gives the times of files).
    fn with<T>(&self, path: &Path, action: impl FnOnce(&View, &str) -> std::result::Result<T, Errno>) -> Result<T> {
        let _context = self.0.simulation.enter();
        let path = path.to_string_lossy();
        action(&self.0.files(), &path).map_err(|errno| std::io::Error::from(errno).into())
    }
}

impl FileSystemExt for ShellFiles {}

#[async_trait]
impl FileSystem for ShellFiles {
    async fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        self.with(path, |files, path| {
            // A compiled program, when bashkit reads it to run it, is a script that hands over to the process table.
            if let Ok(Executable::Program(program)) = files.executable(path) {
                let text = if UTILITIES.contains(&&*program) {
                    format!("{MARKER}{program}\nexec {program} \"$@\"\n")
                } else {
                    format!("#!/bin/sh\n{EXEC_BY_PATH} '{path}' \"$@\"\n")
                };
                return Ok(text.into_bytes());
            }
            files.read(path).map(|bytes| bytes.to_vec())
        })
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.with(path, |files, path| files.write(path, content.to_vec()))
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.with(path, |files, path| files.append(path, content.to_vec()))
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> Result<()> {
        self.with(path, |files, path| if recursive { files.make_dirs(path, 0o777) } else { files.make_dir(path, 0o777) })
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        self.with(path, |files, path| {
            if recursive {
                return files.remove_all(path);
            }
            if files.lstat(path)?.is_dir() { files.remove_dir(path) } else { files.unlink(path) }
        })
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        self.with(path, |files, path| files.stat(path).map(|stat| metadata(&stat)))
    }

    async fn lstat(&self, path: &Path) -> Result<Metadata> {
        self.with(path, |files, path| files.lstat(path).map(|stat| metadata(&stat)))
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.with(path, |files, path| {
            let entries = files.read_dir(path)?;
            Ok(entries.into_iter().map(|(name, stat)| DirEntry { name, metadata: metadata(&stat) }).collect())
        })
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        self.with(path, |files, path| Ok(files.exists(path)))
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let to = to.to_string_lossy().into_owned();
        self.with(from, |files, from| match files.rename(from, &to) {
            // mv copies between file systems.
            Err(Errno::CrossDevice) => {
                let mode = files.stat(from)?.mode;
                files.write_mode(&to, files.read(from)?, mode)?;
                files.unlink(from)
            }
            result => result,
        })
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let to = to.to_string_lossy().into_owned();
        self.with(from, |files, from| {
            let mode = files.stat(from)?.mode & !files.umask();
            files.write_mode(&to, files.read(from)?, mode)
        })
    }

    async fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        let target = target.to_string_lossy().into_owned();
        self.with(link, |files, link| files.symlink(&target, link))
    }

    async fn read_link(&self, path: &Path) -> Result<PathBuf> {
        self.with(path, |files, path| files.read_link(path).map(PathBuf::from))
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        self.with(path, |files, path| files.set_mode(path, mode))
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        self.with(path, |files, path| {
            // bashkit's `touch` means "now" by the host's clock; the simulation's is what counts. A given date is kept, which
            // differs from the host's present by more than the moment that passed since bashkit looked.
            let given = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            let mtime = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            let subsecond = given.subsec_nanos() != 0;
            files.set_mtime(path, if subsecond { self.0.machine.clock().now() } else { mtime })
        })
    }
}

fn metadata(stat: &Stat) -> Metadata {
    let file_type = match stat.letter {
        'd' => FileType::Directory,
        'l' => FileType::Symlink,
        'p' => FileType::Fifo,
        _ => FileType::File,
    };
    let seconds = u64::try_from(stat.mtime.as_second()).unwrap_or(0);
    let modified = UNIX_EPOCH + Duration::new(seconds, stat.mtime.subsec_nanosecond().unsigned_abs());
    Metadata { file_type, size: stat.size, mode: stat.mode, modified, created: modified }
}
