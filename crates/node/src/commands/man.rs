//! `man`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    match context.argv.iter().skip(1).find(|arg| !arg.starts_with('-') && arg.parse::<u8>().is_err()) {
        Some(page) => {
            let _ = context.stderr.line(format!("No manual entry for {page}")).await;
            ExitStatus::Code(16)
        }
        None => {
            let _ = context.stderr.line("What manual page do you want?\nFor example, try 'man man'.").await;
            ExitStatus::FAILURE
        }
    }
}
