//! `tty` and `groups`: small questions about who and where one is.

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    if name(&context) == "tty" {
        return match &context.terminal {
            Some(terminal) => {
                let _ = context.stdout.line(format!("/dev/{}", terminal.name)).await;
                ExitStatus::SUCCESS
            }
            None => {
                let _ = context.stdout.line("not a tty").await;
                ExitStatus::FAILURE
            }
        };
    }
    let users = Users::of(&context.files);
    let who = context.files.credentials();
    let mut groups = vec![users.group_name(who.gid)];
    groups.extend(users.groups_of(&users.user_name(who.uid)).into_iter().filter(|gid| *gid != who.gid).map(|gid| users.group_name(gid)));
    let _ = context.stdout.line(groups.join(" ")).await;
    ExitStatus::SUCCESS
}
