//! Paths within a pack: plain, relative, and the same on every file system.

use super::error::PackError;
use super::limits;

/// The parts of a path, if it is one that a pack may have.
pub fn parts(path: &str) -> Result<Vec<&str>, PackError> {
    let refuse = |reason| Err(PackError::refused(path, reason));
    if path.is_empty() {
        return refuse("a path without a name");
    }
    if path.len() > limits::PATH {
        return refuse("the path is too long");
    }
    if path.starts_with('/') {
        return refuse("the path is absolute");
    }
    // Letters that some system takes for a separator, a drive, a stream or an end, and what terminals obey.
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)) {
        return refuse("paths have letters, digits, dots, dashes and underscores only");
    }
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    if parts.len() > limits::DEPTH {
        return refuse("folders are nested too deeply");
    }
    for part in &parts {
        match *part {
            "" | "." => return refuse("an empty part in the path"),
            ".." => return refuse("the path leaves the pack"),
            part if part.starts_with('.') => return refuse("hidden files have no place in a pack"),
            part if part.ends_with('.') => return refuse("a name that ends with a dot"),
            _ => {}
        }
    }
    Ok(parts)
}
