//! `clear` and `reset`

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let _ = context.stdout.write("\x1b[H\x1b[2J\x1b[3J").await;
    ExitStatus::SUCCESS
}
