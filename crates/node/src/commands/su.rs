//! `su`: with a command. Alone on a line, it is the shell that opens another (`shell::interactive`).

use super::sudo::child_of;
use crate::fs::Credentials;
use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut user = "root".to_owned();
    let mut script = None;
    let mut args = context.argv.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-c" | "--command" => script = args.next().cloned(),
            "-" | "-l" | "--login" => {}
            "-s" | "--shell" => {
                args.next();
            }
            name => name.clone_into(&mut user),
        }
    }
    let users = Users::of(&context.files);
    let Some(account) = users.user(&user).cloned() else {
        let _ =
            context.stderr.line(format!("su: user {user} does not exist or the user entry does not contain all the required fields")).await;
        return ExitStatus::FAILURE;
    };
    if context.files.credentials().uid != 0 {
        let _ = context.stderr.line("Password: \nsu: Authentication failure").await;
        return ExitStatus::FAILURE;
    }
    let argv = match script {
        Some(script) => vec![account.shell.clone(), "-c".to_owned(), script],
        None => vec![account.shell.clone()],
    };
    let mut command = child_of(&context, argv);
    command.who = Credentials { uid: account.uid, gid: account.gid };
    command.env.insert("HOME".to_owned(), account.home);
    command.env.insert("USER".to_owned(), account.name);
    match context.machine.spawn(command) {
        Ok(child) => ExitStatus::from(child.wait().await.code()),
        Err(error) => {
            let _ = context.stderr.line(format!("su: failed to execute {}: {}", account.shell, error.errno)).await;
            ExitStatus::Code(126)
        }
    }
}
