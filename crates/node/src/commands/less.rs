//! `less`, `more` and every command's pager: the person's own where there is one, else the text as it is.

use bytes::Bytes;

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let files: Vec<&String> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with(['-', '+'])).collect();
    let mut text = Vec::new();
    let mut status = ExitStatus::SUCCESS;
    if files.is_empty() {
        text = context.stdin.read_to_end().await;
    }
    for file in files {
        match context.files.read(&context.path(file)) {
            Ok(bytes) => text.extend_from_slice(&bytes),
            Err(errno) => {
                let _ = context.stderr.line(format!("{file}: {errno}")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    let at_end = context.argv.iter().any(|arg| arg == "+G");
    page(&context, text.into(), false, at_end).await;
    status
}

/// Shows a text, from its end if wanted; one that fits the screen is printed. `plain`: no pager wanted.
pub(super) async fn page(context: &ProcessContext, text: Bytes, plain: bool, at_end: bool) -> ExitStatus {
    let wanted = !plain && !matches!(context.env.get("SYSTEMD_PAGER").or(context.env.get("PAGER")).map(String::as_str), Some("" | "cat"));
    if let Some(terminal) = context.terminal.as_ref().filter(|terminal| terminal.interactive && wanted)
        && let Some(pager) = &terminal.pager
        && text.iter().filter(|byte| **byte == b'\n').count() + 1 > usize::from(terminal.rows())
    {
        pager.show(text, at_end).await;
        return ExitStatus::SUCCESS;
    }
    match context.stdout.write(&text).await {
        Ok(()) => ExitStatus::SUCCESS,
        Err(_) => ExitStatus::Signal(crate::machine::Signal::Pipe),
    }
}
