//! Embeds the content: every file of `curricula/`, `questions/`, `scenarios/` and `faults/` becomes an entry of the built-in catalogue.
//! The folders are the list; there is no second one that could disagree.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDERS: [&str; 4] = ["curricula", "questions", "scenarios", "faults"];

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("cargo sets {name}")));
    let (root, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut files = Vec::new();
    for folder in FOLDERS {
        // A folder tells cargo of files that come and go, its files of what changes in them.
        println!("cargo::rerun-if-changed={folder}");
        if root.join(folder).is_dir() {
            collect(&root, &root.join(folder), &mut files)?;
        }
    }
    files.sort();
    let mut code = String::from("&[\n");
    for (name, path) in files {
        // Writing to a String cannot fail.
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code.push_str("]\n");
    fs::write(out.join("builtin.rs"), code)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        println!("cargo::rerun-if-changed={}", path.display());
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>();
            files.push((name.join("/"), path));
        }
    }
    Ok(())
}
