//! `whoami`

use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let uid = context.files.credentials().uid;
    match Users::of(&context.files).by_uid(uid) {
        Some(user) => {
            let _ = context.stdout.line(&user.name).await;
            ExitStatus::SUCCESS
        }
        None => {
            let _ = context.stderr.line(format!("whoami: cannot find name for user ID {uid}")).await;
            ExitStatus::FAILURE
        }
    }
}
