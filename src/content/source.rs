//! Where content files come from: the binary itself, or a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of `curricula/`, `questions/`, `scenarios/` and `faults/`, listed by build.rs.
static BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// Largest file that is read, and most files of a folder: content is text by hand.
const MAXIMUM_BYTES: u64 = 1 << 20;
const MAXIMUM_FILES: usize = 5_000;

/// Where a set of files comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Embedded in the binary.
    BuiltIn,
    /// A folder on disk, laid out like the built-in one.
    Folder(PathBuf),
    /// A pack: its ids are `name/id`.
    Pack {
        /// Its name.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
}

impl Origin {
    /// The pack whose name comes before ids.
    pub fn pack(&self) -> Option<&str> {
        match self {
            Self::Pack { name, .. } => Some(name),
            Self::BuiltIn | Self::Folder(_) => None,
        }
    }
}

/// Files by their path within the origin, `/` between the parts.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where they come from.
    pub origin: Origin,
    files: BTreeMap<String, Cow<'static, str>>,
}

impl Source {
    /// What the binary carries.
    pub fn built_in() -> Self {
        Self { origin: Origin::BuiltIn, files: BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), Cow::Borrowed(*text))).collect() }
    }

    /// The same without the files of a folder.
    #[must_use]
    pub fn without(mut self, folder: &str) -> Self {
        self.files.retain(|path, _| !path.starts_with(folder));
        self
    }

    /// A folder. Links are not followed; what is too large or not text is an error.
    pub fn folder(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        read_folder(folder, "", 0, &mut files)?;
        Ok(Self { origin: Origin::Folder(folder.to_owned()), files })
    }

    /// The folder of a pack.
    pub fn pack(name: &str, folder: &Path) -> io::Result<Self> {
        Ok(Self { origin: Origin::Pack { name: name.to_owned(), folder: folder.to_owned() }, ..Self::folder(folder)? })
    }

    /// Files given by hand, for tests and previews.
    pub fn of_files<'a>(origin: Origin, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { origin, files: files.into_iter().map(|(name, text)| (name.to_owned(), Cow::Owned(text.to_owned()))).collect() }
    }

    /// A file's text.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(Cow::as_ref)
    }

    /// All files, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_ref()))
    }

    /// How messages name a file.
    pub fn display(&self, path: &str) -> String {
        match &self.origin {
            Origin::BuiltIn => path.to_owned(),
            Origin::Folder(folder) | Origin::Pack { folder, .. } => folder.join(path).display().to_string(),
        }
    }
}

fn read_folder(folder: &Path, prefix: &str, depth: u32, files: &mut BTreeMap<String, Cow<'static, str>>) -> io::Result<()> {
    let refuse = |reason: &str| Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", folder.display())));
    if depth > 8 {
        return refuse("folders are nested too deeply");
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_type = entry.file_type()?;
        if name.starts_with('.') || of_type.is_symlink() {
            continue;
        }
        let path = format!("{prefix}{name}");
        if of_type.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), depth + 1, files)?;
        } else if is_content(&name) {
            if entry.metadata()?.len() > MAXIMUM_BYTES {
                return refuse(&format!("{name} is larger than {MAXIMUM_BYTES} bytes"));
            }
            if files.len() >= MAXIMUM_FILES {
                return refuse(&format!("more than {MAXIMUM_FILES} files"));
            }
            files.insert(path, Cow::Owned(fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

fn is_content(name: &str) -> bool {
    [".yaml", ".yml", ".md", ".txt", ".sh", ".json"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_without_links_and_hidden_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("faults/a.yaml", "id: a");
        write("faults/.hidden.yaml", "no");
        write("scenarios/x/task.md", "do it");
        write("scenarios/x/picture.bin", "no");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("faults/b.yaml")).expect("a link");
        let source = Source::folder(folder.path()).expect("readable");
        assert_eq!(source.iter().collect::<Vec<_>>(), [("faults/a.yaml", "id: a"), ("scenarios/x/task.md", "do it")]);
        assert!(source.display("faults/a.yaml").ends_with("/faults/a.yaml"));
        assert!(Source::folder(&folder.path().join("none")).is_err());
    }

    #[test]
    fn large_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.yaml"), vec![b'a'; usize::try_from(MAXIMUM_BYTES).expect("small") + 1]).expect("written");
        assert!(Source::folder(folder.path()).is_err());
    }
}
