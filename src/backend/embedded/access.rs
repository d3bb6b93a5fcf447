//! Nodes and the candidate's shell for scripts.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kubesim::shell::{Input, Machine};
use kubesim::{BASE, Sim};

use crate::backend::{AccessError, NodeAccess, NodeFile, Output, ScriptShell};

/// Root on the simulated machines.
pub struct Nodes(pub Sim);

/// The candidate's shell.
pub struct Base(pub Sim);

/// A node's machine by name, or the candidate's own.
pub fn machine(sim: &Sim, name: &str) -> Result<Arc<Machine>, AccessError> {
    sim.machine(name).cloned().ok_or_else(|| AccessError::NoNode(name.to_owned()))
}

/// What a shell on `base` starts with.
pub const BASE_SETUP: &str = "alias k=kubectl";

pub(super) async fn run(machine: Arc<Machine>, setup: Option<&str>, script: &str, stdin: &str) -> Result<Output, AccessError> {
    let input = Input::from_bytes(stdin.as_bytes().to_vec());
    let mut shell = machine.open_shell("root", input, None).await.map_err(|e| AccessError::Failed(e.to_string()))?;
    if let Some(setup) = setup {
        shell.run(setup).await;
    }
    let (status, stdout, stderr) = shell.run(script).await;
    Ok(Output { status: status.code(), stdout, stderr })
}

/// A change that would be lost with this process is not acknowledged.
fn not_kept(reason: String) -> AccessError {
    AccessError::Failed(format!("the change cannot be kept on disk: {reason}"))
}

impl ScriptShell for Base {
    fn run<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async move { run(machine(&self.0, BASE)?, Some(BASE_SETUP), script, stdin).await }.boxed()
    }
}

impl NodeAccess for Nodes {
    fn run<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async move {
            let output = run(machine(&self.0, node)?, None, script, stdin).await?;
            self.0.flush().map_err(not_kept)?;
            Ok(output)
        }
        .boxed()
    }

    fn read<'a>(&'a self, node: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<NodeFile>, AccessError>> {
        async move {
            let machine = machine(&self.0, node)?;
            let files = machine.host_files();
            let Ok(stat) = files.stat(path) else { return Ok(None) };
            let content = files.read(path).map_err(|e| AccessError::Failed(format!("{path}: {e}")))?;
            let name = |id: u32| if id == 0 { "root".to_owned() } else { id.to_string() };
            let owner = format!("{}:{}", name(stat.uid), name(stat.gid));
            Ok(Some(NodeFile { content: content.to_vec(), mode: stat.mode, owner }))
        }
        .boxed()
    }

    fn write<'a>(&'a self, node: &'a str, path: &'a str, content: &'a [u8], mode: Option<u32>) -> BoxFuture<'a, Result<(), AccessError>> {
        async move {
            let machine = machine(&self.0, node)?;
            let files = machine.host_files();
            let wanted = mode.or_else(|| (!files.exists(path)).then_some(0o644));
            let written = match wanted {
                Some(mode) => files.write_mode(path, content.to_vec(), mode).and_then(|()| files.set_mode(path, mode)),
                None => files.write(path, content.to_vec()),
            };
            written.map_err(|e| AccessError::Failed(format!("{path}: {e}")))?;
            self.0.flush().map_err(not_kept)
        }
        .boxed()
    }
}
