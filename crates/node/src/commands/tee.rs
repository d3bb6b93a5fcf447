//! `tee`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(&context, &[flag('a', "append"), flag('i', "ignore-interrupts"), flag('p', "")], 1).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut status = ExitStatus::SUCCESS;
    let mut paths = Vec::new();
    for file in &options.rest {
        let path = context.path(file);
        let opened = if options.has("a") { context.files.append(&path, "") } else { context.files.write(&path, "") };
        match opened {
            Ok(()) => paths.push(path),
            Err(errno) => {
                let _ = context.stderr.line(format!("tee: {file}: {errno}")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    while let Some(chunk) = context.stdin.read().await {
        for path in &paths {
            if context.files.append(path, chunk.clone()).is_err() {
                status = ExitStatus::FAILURE;
            }
        }
        if context.stdout.write(&chunk).await.is_err() && paths.is_empty() {
            return ExitStatus::Signal(crate::machine::Signal::Pipe);
        }
    }
    status
}
