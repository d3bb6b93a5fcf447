//! ARCHITECTURE.md's arrows, enforced: which crate depends on which, and which module of ckaprep uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What each crate may depend on, of ours. `xtask` is a tool for developers and may use anything.
const CRATES: &[(&str, &[&str])] = &[
    ("ckaprep", &["component", "kubectl", "kubesim", "values"]),
    ("values", &[]),
    ("component", &["values"]),
    ("apiserver", &["component", "values"]),
    ("controlplane", &["component", "values"]),
    ("node", &["component", "values", "kubectl"]),
    ("kubectl", &["component", "values"]),
    ("kubesim", &["apiserver", "component", "controlplane", "node", "values"]),
];

#[test]
fn crates_depend_only_downwards() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let short = |name: &str| name.strip_prefix("ckaprep-").unwrap_or(name).to_owned();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = CRATES.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = short(package["name"].as_str().expect("a name"));
        seen.insert(name.clone());
        if name == "xtask" {
            continue;
        }
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("crate {name} is not in ARCHITECTURE.md's table"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            // Test-only dependencies count too: a cycle through them is still a cycle of ideas.
            let dependency = dependency["name"].as_str().expect("a name");
            if let Some(ours) = dependency.strip_prefix("ckaprep-") {
                assert!(allowed.contains(ours), "crate {name} must not depend on {ours}");
            }
        }
    }
    for (name, _) in CRATES {
        assert!(seen.contains(*name), "crate {name} is gone: take it out of this table and of ARCHITECTURE.md");
    }
}

/// What each module of `src` may use, of ours. What is missing here is refused.
const MODULES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("draw", &["model"]),
    ("study", &["model"]),
    ("grade", &["model"]),
    // Variables name a node's role and capabilities, which are plain words of the backend's inventory.
    ("content", &["model", "grade", "backend"]),
    // A pack is checked like an author's content before it is kept.
    ("pack", &["model", "content"]),
    ("backend", &["model"]),
    ("observe", &["model", "grade", "backend"]),
    // An interactive shell's inputs and outputs are the backend's types, and travel over the session's socket as they are.
    ("session", &["model", "backend"]),
    ("store", &["model", "session"]),
    ("runner", &["model", "backend", "observe", "grade", "session", "content"]),
    ("render", &["model", "grade", "store"]),
    ("tui", &["model", "backend", "render", "session"]),
    ("cli", &["model", "draw", "study", "grade", "content", "backend", "observe", "session", "store", "runner", "render", "tui", "pack"]),
];

/// Pure modules: no files, no processes, no clock, no client, no runtime.
const PURE: &[&str] = &["model", "draw", "study", "grade"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::io",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "tokio",
    "kube::",
    "k8s_openapi",
    "rusqlite",
];

#[test]
fn modules_use_only_what_they_may() {
    let mut wrong = Vec::new();
    for (module, file, line, text) in lines_of_code() {
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else { continue };
        for used in modules_named(&text) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}:{line}: {module} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows of ARCHITECTURE.md are broken:\n{}", wrong.join("\n"));
}

#[test]
fn pure_modules_are_pure() {
    let mut wrong = Vec::new();
    for (module, file, line, text) in lines_of_code() {
        if PURE.contains(&module.as_str()) {
            for word in IMPURE.iter().filter(|word| text.contains(**word)) {
                wrong.push(format!("{}:{line}: {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{PURE:?} do no input or output and read no clock:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_embedded_backend_names_the_simulator() {
    let mut wrong = Vec::new();
    for (_, file, line, text) in lines_of_code() {
        let path = file.to_string_lossy().into_owned();
        let ours = path.starts_with("src/backend/embedded");
        if text.contains("kubesim") && !ours {
            wrong.push(format!("{path}:{line}: {}", text.trim()));
        }
    }
    assert!(wrong.is_empty(), "only src/backend/embedded.rs may name kubesim:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let declared = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    for module in declared.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = module.trim_end_matches(';');
        assert!(MODULES.iter().any(|(name, _)| *name == module), "module {module} is not in ARCHITECTURE.md's table");
    }
}

#[test]
fn no_test_file_was_forgotten() {
    // `autotests = false`: a file that Cargo.toml does not name would never run.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    for entry in fs::read_dir(root().join("tests")).expect("tests").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rs") {
            assert!(manifest.contains(&format!("tests/{name}")), "Cargo.toml does not name tests/{name}");
        }
    }
}

/// Every line of `src` that is no comment and no test: module, file, number, text.
fn lines_of_code() -> Vec<(String, PathBuf, usize, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                lines_of(&path, &mut found);
            }
        }
    }
    assert!(found.len() > 1000, "the sources were not found");
    found.sort();
    found
}

fn lines_of(path: &Path, found: &mut Vec<(String, PathBuf, usize, String)>) {
    let relative = path.strip_prefix(root()).expect("under the root").to_owned();
    let Some(module) = relative.iter().nth(1).map(|part| part.to_string_lossy().trim_end_matches(".rs").to_owned()) else { return };
    for (number, line) in fs::read_to_string(path).expect("a source file").lines().enumerate() {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        if !line.trim_start().starts_with("//") {
            found.push((module.clone(), relative.clone(), number + 1, line.to_owned()));
        }
    }
}

/// Modules of ours that a line names: `crate::x`, and each of `crate::{x, y::z}`.
fn modules_named(line: &str) -> Vec<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_ascii_lowercase() => {
                            found.push(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
            None => found.push(word(rest)),
        }
    }
    let known: BTreeSet<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    found.retain(|name| known.contains(name.as_str()));
    found
}

#[test]
fn the_reader_of_use_lines_sees_groups() {
    assert_eq!(modules_named("use crate::{content, draw::{Bank, grade}, store};"), ["content", "draw", "store"]);
    assert_eq!(modules_named("fn f() -> crate::model::Score {"), ["model"]);
    assert!(modules_named("use std::fs;").is_empty());
}
