//! Our kubectl on the user's machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use component::watch;
use component::{Origin, Target, client_for};
use kubectl::{Connect, Invocation, TerminalSize};
use tokio::signal::unix::{SignalKind, signal};

use super::editor::HostEditor;
use super::files::HostFiles;
use crate::backend::host_dialer::HostDialer;
use crate::cli::context::Context;

struct HostConnect;

impl Connect for HostConnect {
    fn connect(&self, target: Target) -> Result<kube::Client, String> {
        Ok(client_for(Arc::new(HostDialer), Origin::Host, target))
    }
}

/// Runs kubectl; the result is its exit code. Ctrl-C ends it with 130, as the shell would report.
pub async fn run(context: &Context, argv: Vec<String>, env: BTreeMap<String, String>) -> u8 {
    let cwd = std::env::current_dir().map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_else(|_| "/".into());
    let invocation = Invocation {
        argv,
        env,
        cwd,
        files: Arc::new(HostFiles),
        connect: Arc::new(HostConnect),
        stdin: Box::new(tokio::io::stdin()),
        stdout: Box::new(tokio::io::stdout()),
        stderr: Box::new(tokio::io::stderr()),
        terminal: terminal(context),
        now: context.wall(),
        editor: Arc::new(HostEditor),
    };
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => 130,
        code = kubectl::run(invocation) => u8::try_from(code).unwrap_or(1),
    }
}

/// The terminal's size, followed while kubectl runs.
fn terminal(context: &Context) -> Option<watch::Receiver<TerminalSize>> {
    let terminal = context.terminal;
    if !terminal.is_interactive() {
        return None;
    }
    let now = move || terminal.size().map(|size| TerminalSize { width: size.columns, height: size.rows });
    let (sender, receiver) = watch::channel(now()?);
    let mut changes = signal(SignalKind::window_change()).ok()?;
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            if let Some(size) = now() {
                sender.send_replace(size);
            }
        }
    });
    Some(receiver)
}
