//! `sudo`

use std::collections::BTreeMap;

use crate::fs::Credentials;
use crate::machine::{Command, ExitStatus, ProcessContext, Users};

/// A command that takes over a process's standard streams, directory and environment.
pub(super) fn child_of(context: &ProcessContext, argv: Vec<String>) -> Command {
    let mut command = Command::new(argv);
    command.env = context.env.clone();
    command.cwd = context.cwd.clone();
    command.who = context.files.credentials();
    command.umask = context.files.umask();
    command.namespace = context.files.namespace().clone();
    command.origin = Some(context.origin.clone());
    command.stdin = context.stdin.clone();
    command.stdout = context.stdout.clone();
    command.stderr = context.stderr.clone();
    command.terminal = context.terminal.clone();
    command.parent = context.pid;
    command.unit = context.unit.clone();
    command.container = context.container.clone();
    command
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut argv: Vec<String> = context.argv.iter().skip(1).cloned().collect();
    let mut user = "root".to_owned();
    let mut login = false;
    let mut set = BTreeMap::new();
    while let Some(arg) = argv.first().cloned() {
        match arg.as_str() {
            "-i" | "--login" | "-s" | "--shell" => login = true,
            "-n" | "-E" | "-H" | "-k" | "-S" | "-b" | "--preserve-env" | "--" => {}
            "-l" | "--list" => {
                let _ = context
                    .stdout
                    .line(format!("User root may run the following commands on {}:\n    (ALL : ALL) ALL", context.machine.name()))
                    .await;
                return ExitStatus::SUCCESS;
            }
            "-v" => return ExitStatus::SUCCESS,
            "-u" | "--user" => {
                argv.remove(0);
                user = argv.first().cloned().unwrap_or_default();
            }
            text if text.starts_with('-') => {
                let _ = context
                    .stderr
                    .line(format!("sudo: invalid option -- '{}'\nusage: sudo [-u user] command [arg ...]", text.trim_start_matches('-')))
                    .await;
                return ExitStatus::FAILURE;
            }
            text if text.contains('=') && !text.starts_with('/') => {
                if let Some((name, value)) = text.split_once('=') {
                    set.insert(name.to_owned(), value.to_owned());
                }
            }
            _ => break,
        }
        argv.remove(0);
    }
    let users = Users::of(&context.files);
    let Some(account) = users.user(&user).cloned() else {
        let _ = context.stderr.line(format!("sudo: unknown user {user}\nsudo: error initializing audit plugin sudoers_audit")).await;
        return ExitStatus::FAILURE;
    };
    if login {
        argv = if argv.is_empty() {
            vec![account.shell.clone(), "-l".to_owned()]
        } else {
            vec![account.shell.clone(), "-lc".to_owned(), argv.join(" ")]
        };
    }
    if argv.is_empty() {
        let _ = context.stderr.line("usage: sudo [-u user] command [arg ...]").await;
        return ExitStatus::FAILURE;
    }
    let name = argv[0].clone();
    let mut command = child_of(&context, argv);
    command.who = Credentials { uid: account.uid, gid: account.gid };
    // sudo's environment: its own PATH, and who asked.
    command.env.extend(set);
    for (key, value) in [("HOME", account.home.as_str()), ("USER", &account.name), ("LOGNAME", &account.name), ("SUDO_USER", "root")] {
        command.env.insert(key.to_owned(), value.to_owned());
    }
    command.env.insert("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    match context.machine.spawn(command) {
        Ok(child) => ExitStatus::from(child.wait().await.code()),
        Err(error) if error.errno == crate::fs::Errno::NotFound => {
            let _ = context.stderr.line(format!("sudo: {name}: command not found")).await;
            ExitStatus::FAILURE
        }
        Err(error) => {
            let _ = context.stderr.line(format!("sudo: unable to execute {name}: {}", error.errno)).await;
            ExitStatus::FAILURE
        }
    }
}
