//! The user's own editor on a copy of a file from elsewhere. Every save is handed on while the editor is still open.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::mpsc;

use super::foreground;

/// Which editor: `$VISUAL`, `$EDITOR`, then `vi` and `nano` from the PATH.
pub fn command() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let installed = |name: &str| crate::session::shell::find::on_path(name, None).map(|_| name.to_owned());
    set("VISUAL").or_else(|| set("EDITOR")).or_else(|| installed("vi")).or_else(|| installed("nano"))
}

/// The editor that was called by its name, where it is installed: whoever types `nano` wants nano. Else the user's own.
///
/// The name comes from a node, so only names of editors count. A line to begin at is something that each of them understands.
pub fn called(program: &str, line: Option<u32>) -> Option<String> {
    let installed = |name: &str| crate::session::shell::find::on_path(name, None).is_some();
    let name = ["vi", "vim", "nano"].into_iter().find(|name| *name == program && installed(name));
    match (name, line) {
        (Some(name), Some(line)) => Some(format!("{name} +{line}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, _) => command(),
    }
}

/// Opens the editor on `content`; each version that differs from the one before goes to `saved`. Returns its exit status.
pub async fn edit(editor: &str, name: &str, content: Option<&[u8]>, saved: mpsc::UnboundedSender<Vec<u8>>) -> std::io::Result<i32> {
    // tempfile makes directories with mode 0700; editors put their swap files beside the copy.
    let directory = tempfile::Builder::new().prefix("ckaprep-edit-").tempdir()?;
    let copy = directory.path().join(file_name(name));
    if let Some(content) = content {
        std::fs::write(&copy, content)?;
    }
    // As git and kubectl do: the value is a shell command, the file its argument.
    let mut child = Command::new("/bin/sh").arg("-c").arg(format!("{editor} \"$1\"")).arg(editor).arg(&copy).kill_on_drop(true).spawn()?;
    let mut last = content.map(<[u8]>::to_vec);
    loop {
        let ended = foreground::wait_a_moment(&mut child).await;
        if let Some(now) = changed(&copy, &mut last, ended.is_some()) {
            // Nobody may want it any more; the editor is still the user's.
            let _ = saved.send(now);
        }
        if let Some(status) = ended {
            return Ok(status?.code().unwrap_or(1));
        }
    }
}

/// The copy's content if it is another one. Editors write in several steps: an empty file is believed only at the end.
fn changed(copy: &Path, last: &mut Option<Vec<u8>>, at_the_end: bool) -> Option<Vec<u8>> {
    let now = std::fs::read(copy).ok()?;
    if last.as_ref() == Some(&now) || (now.is_empty() && !at_the_end) {
        return None;
    }
    *last = Some(now.clone());
    Some(now)
}

/// The file's own name, so that the editor picks the right syntax.
fn file_name(path: &str) -> PathBuf {
    Path::new(path).file_name().map_or_else(|| "file".into(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_save_is_handed_on_and_no_change_is_no_save() {
        let collect = async |editor: &str, content: Option<&[u8]>| {
            let (saved, mut versions) = mpsc::unbounded_channel();
            let status = edit(editor, "/etc/a.yaml", content, saved).await.unwrap();
            let mut all = Vec::new();
            versions.recv_many(&mut all, 10).await;
            (status, all)
        };
        assert_eq!(collect("true", Some(b"a")).await, (0, vec![]));
        assert_eq!(collect("sed -i s/a/b/", Some(b"a")).await, (0, vec![b"b".to_vec()]));
        assert_eq!(collect("printf new >", None).await, (0, vec![b"new".to_vec()]));
        assert_eq!(collect("false", None).await, (1, vec![]));
    }
}
