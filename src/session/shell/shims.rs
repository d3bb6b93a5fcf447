//! Small programs in front of the PATH: `ssh` (our nodes; other hosts pass through), `k`, `ckaprep`, and `kubectl`
//! where the host has none.

use std::path::Path;

use crate::model::quote;
use crate::session::error::SessionError;
use crate::session::folder::Folder;
use crate::session::private;

use super::find;

/// Writes the shims of a session.
pub fn write(folder: &Folder, ckaprep: &Path) -> Result<(), SessionError> {
    let bin = folder.bin();
    private::directory(&bin).map_err(SessionError::file("create", &bin))?;
    let ours = quote(&ckaprep.to_string_lossy());
    let mut shims = vec![
        ("ckaprep", format!("exec {ours} \"$@\"")),
        ("ssh", format!("exec {ours} ssh-shim -- \"$@\"")),
        ("k", "exec kubectl \"$@\"".to_owned()),
    ];
    let kubectl = bin.join("kubectl");
    if find::on_path("kubectl", Some(&bin)).is_none() {
        shims.push(("kubectl", format!("exec {ours} kubectl \"$@\"")));
    } else if kubectl.exists() {
        // The host got a kubectl since the session was started.
        std::fs::remove_file(&kubectl).map_err(SessionError::file("remove", &kubectl))?;
    }
    for (name, body) in shims {
        let path = bin.join(name);
        private::write_executable(&path, format!("#!/bin/sh\n{body}\n").as_bytes()).map_err(SessionError::file("write", path))?;
    }
    Ok(())
}
