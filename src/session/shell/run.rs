//! Running the practice shell.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use crate::model::quote;
use crate::session::error::SessionError;
use crate::session::folder::{Folder, Record};
use crate::session::private;

use super::find::{Kind, Program};
use super::{shims, startup};

/// How the shell gets its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// From a person at a terminal.
    Terminal,
    /// From standard input, without a terminal.
    Stdin,
}

/// A practice shell that is ready to run.
#[derive(Debug)]
pub struct Practice {
    command: Command,
}

impl Practice {
    /// Writes the start-up file and the shims of the session, and picks the shell.
    pub fn prepare(folder: &Folder, record: &Record, script: Script, my_shell: bool) -> Result<Self, SessionError> {
        let interactive = script == Script::Terminal;
        let program = Program::choose(interactive)?;
        let ckaprep = std::env::current_exe().map_err(SessionError::file("find", "ckaprep"))?;
        shims::write(folder, &ckaprep)?;
        let (shell, kubeconfig, bin) = (folder.shell(), folder.kubeconfig(), folder.bin());
        private::directory(&shell).map_err(SessionError::file("create", &shell))?;
        let facts = startup::Facts {
            session: &record.id,
            kubeconfig: &kubeconfig,
            server: &record.server,
            bin: &bin,
            shell: &shell,
            my_shell,
            interactive,
        };
        // zsh takes its start-up file by directory and name.
        let file = shell.join(match program.kind {
            Kind::Bash => "bashrc",
            Kind::Zsh => ".zshrc",
        });
        private::write(&file, startup::text(program.kind, facts).as_bytes()).map_err(SessionError::file("write", &file))?;
        Ok(Self { command: command(&program, &file, &shell, interactive) })
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Result<ExitStatus, SessionError> {
        let shell = self.command.as_std().get_program().to_owned();
        self.command.status().await.map_err(SessionError::file("run", shell))
    }
}

fn command(program: &Program, file: &Path, shell: &Path, interactive: bool) -> Command {
    let mut command = Command::new(&program.path);
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    match (program.kind, interactive) {
        (Kind::Bash, true) => command.arg("--rcfile").arg(file).arg("-i"),
        // A shell that reads a script from a pipe reads $BASH_ENV, and nothing else.
        (Kind::Bash, false) => command.env("BASH_ENV", file).args(["--norc", "-s"]),
        (Kind::Zsh, true) => command.env("ZDOTDIR", shell).args(["-o", "no_global_rcs", "-i"]),
        (Kind::Zsh, false) => command
            .env("ZDOTDIR", shell)
            .args(["-o", "no_global_rcs", "-c"])
            .arg(format!("source {}; source /dev/stdin", quote(&file.to_string_lossy()))),
    };
    command
}
