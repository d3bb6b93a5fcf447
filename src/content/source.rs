//! Where content files come from: the binary itself, or a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of `curricula/`, `questions/`, `scenarios/` and `faults/`, listed by build.rs.
static BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The folders of a tree of content; what else stands beside them is none of ours.
pub const FOLDERS: [&str; 4] = ["curricula", "questions", "scenarios", "faults"];

/// Largest file that is read, most files of a folder, most bytes of all of them: content is text by hand.
pub const MAXIMUM_BYTES: u64 = 1 << 20;
/// See [`MAXIMUM_BYTES`].
pub const MAXIMUM_FILES: usize = 5_000;
/// See [`MAXIMUM_BYTES`].
pub const MAXIMUM_TOTAL: u64 = 32 << 20;
/// How deep folders may stand in each other.
pub const MAXIMUM_DEPTH: u32 = 8;

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

    /// The files that are wanted, by their paths.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.files.retain(|path, _| wanted(path));
        self
    }

    /// A folder: that of one scenario (`scenario.yaml` stands in it), or a tree laid out like the built-in content. Links are not
    /// followed; what is too large or not text is an error.
    pub fn folder(folder: &Path) -> io::Result<Self> {
        let mut files = Reader::default();
        if is_scenario(folder) {
            files.folder(folder, "", 0)?
        } else {
            files.tree(folder)?
        }
        Ok(Self { origin: Origin::Folder(folder.to_owned()), files: files.files })
    }

    /// What an author works on: like [`Self::folder`], and where the folder of one scenario stands in a tree (`scenarios/<id>`), the
    /// tree's faults and curricula come with it.
    pub fn authored(folder: &Path) -> io::Result<Self> {
        // The folder may be `.`: its parents are known only by its real name.
        let real = fs::canonicalize(folder)?;
        let named = |path: Option<&Path>| path.and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
        let (Some(id), Some("scenarios"), Some(root)) =
            (named(Some(&real)), named(real.parent()).as_deref(), real.parent().and_then(Path::parent))
        else {
            return Self::folder(folder);
        };
        if !is_scenario(&real) {
            return Self::folder(folder);
        }
        let mut files = Reader::default();
        files.folder(&real, &format!("scenarios/{id}/"), 0)?;
        for beside in ["faults", "curricula"].into_iter().filter(|name| root.join(name).is_dir()) {
            files.folder(&root.join(beside), &format!("{beside}/"), 1)?;
        }
        Ok(Self { origin: Origin::Folder(root.to_owned()), files: files.files })
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

/// Whether a folder is that of one scenario.
fn is_scenario(folder: &Path) -> bool {
    folder.join("scenario.yaml").is_file()
}

/// Reads files within the limits.
#[derive(Default)]
struct Reader {
    files: BTreeMap<String, Cow<'static, str>>,
    bytes: u64,
}

impl Reader {
    fn tree(&mut self, root: &Path) -> io::Result<()> {
        // A root that is not there is an error; one without a folder of ours is just empty.
        fs::read_dir(root)?;
        for name in FOLDERS {
            let folder = root.join(name);
            // Not `is_dir`, which follows links.
            if fs::symlink_metadata(&folder).is_ok_and(|m| m.is_dir()) {
                self.folder(&folder, &format!("{name}/"), 1)?;
            }
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path, prefix: &str, depth: u32) -> io::Result<()> {
        let refuse = |reason: &str| Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", folder.display())));
        if depth > MAXIMUM_DEPTH {
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
                self.folder(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else if of_type.is_file() && is_content(&name) {
                let size = entry.metadata()?.len();
                self.bytes += size;
                if size > MAXIMUM_BYTES {
                    return refuse(&format!("{name} is larger than {MAXIMUM_BYTES} bytes"));
                }
                if self.bytes > MAXIMUM_TOTAL {
                    return refuse(&format!("more than {MAXIMUM_TOTAL} bytes in all"));
                }
                if self.files.len() >= MAXIMUM_FILES {
                    return refuse(&format!("more than {MAXIMUM_FILES} files"));
                }
                self.files.insert(path, Cow::Owned(fs::read_to_string(entry.path())?));
            }
        }
        Ok(())
    }
}

/// Whether a file's name is that of a text that content is made of.
pub fn is_content(name: &str) -> bool {
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
    fn a_scenario_in_a_tree_brings_the_faults_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        for path in
            ["scenarios/x/scenario.yaml", "scenarios/x/setup/a.yaml", "scenarios/y/scenario.yaml", "faults/f.yaml", "questions/q.yaml"]
        {
            write(path, "a: 1");
        }
        write("target/huge.yaml", "not ours");
        let paths = |source: Source| source.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
        let one = Source::authored(&folder.path().join("scenarios/x")).expect("readable");
        assert_eq!(paths(one), ["faults/f.yaml", "scenarios/x/scenario.yaml", "scenarios/x/setup/a.yaml"]);
        let all = Source::authored(folder.path()).expect("readable");
        assert_eq!(paths(all).len(), 5);
        let alone = tempfile::tempdir().expect("a folder");
        fs::write(alone.path().join("scenario.yaml"), "a: 1").expect("written");
        assert_eq!(paths(Source::authored(alone.path()).expect("readable")), ["scenario.yaml"]);
    }

    #[test]
    fn large_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("scenario.yaml"), vec![b'a'; usize::try_from(MAXIMUM_BYTES).expect("small") + 1]).expect("written");
        assert!(Source::folder(folder.path()).is_err());
    }
}
