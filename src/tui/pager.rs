//! Showing a text page by page with the user's pager.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::foreground;

/// Shows `text` with `$PAGER`, `less` or `more`; prints it where there is none. `at_end`: begins with the last page, if it is less.
pub async fn show(text: &[u8], at_end: bool) -> std::io::Result<()> {
    let find = |name: &str| crate::session::shell::find::on_path(name, None).map(|_| name.to_owned());
    let own = std::env::var("PAGER").ok().filter(|value| !value.trim().is_empty());
    let Some(pager) = own.or_else(|| find("less")).or_else(|| find("more")) else {
        return tokio::io::stdout().write_all(text).await;
    };
    let pager = if at_end && is_less(&pager) { format!("{pager} +G") } else { pager };
    let mut child = Command::new("/bin/sh").arg("-c").arg(&pager).stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its input; that is no error.
        let _ = stdin.write_all(text).await;
    }
    foreground::wait(&mut child).await.map(|_| ())
}

/// Whether a pager's command is less, with or without options.
fn is_less(pager: &str) -> bool {
    pager.split_whitespace().next().is_some_and(|program| program.rsplit('/').next() == Some("less"))
}

#[cfg(test)]
mod tests {
    use super::is_less;

    #[test]
    fn only_less_is_told_where_to_begin() {
        for (pager, want) in [("less", true), ("/usr/bin/less -R", true), ("more", false), ("bat --paging always", false)] {
            assert_eq!(is_less(pager), want, "{pager}");
        }
    }
}
