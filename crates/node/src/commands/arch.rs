//! `arch`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let _ = context.stdout.line("x86_64").await;
    ExitStatus::SUCCESS
}
