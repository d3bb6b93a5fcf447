//! Showing a text page by page with the user's pager.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Shows `text` with `$PAGER`, `less` or `more`; prints it where there is none.
pub async fn show(text: &[u8]) -> std::io::Result<()> {
    let find = |name: &str| crate::session::shell::find::on_path(name, None).map(|_| name.to_owned());
    let own = std::env::var("PAGER").ok().filter(|value| !value.trim().is_empty());
    let Some(pager) = own.or_else(|| find("less")).or_else(|| find("more")) else {
        return tokio::io::stdout().write_all(text).await;
    };
    let mut child = Command::new("/bin/sh").arg("-c").arg(&pager).stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its input; that is no error.
        let _ = stdin.write_all(text).await;
    }
    child.wait().await.map(|_| ())
}
