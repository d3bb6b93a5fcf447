//! Root on the nodes: scripts and files by the container runtime's exec.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::engine::Engine;
use crate::backend::host_command::{Finished, HostError};
use crate::backend::{AccessError, Inventory, NodeAccess, NodeFile, Output, Role};

/// Prints mode and owner in a line, then the content. 44 says that there is no such file.
const READ: &str = r#"[ -e "$1" ] || exit 44; stat -L -c '%a %U:%G' -- "$1" && exec cat -- "$1""#;

/// Exit status of [`READ`] for a file that is not there.
const NO_FILE: i32 = 44;

/// Writes standard input to a file; the mode is the second argument or empty.
const WRITE: &str = r#"if [ -n "$2" ]; then mode=$2; elif [ -e "$1" ]; then mode=; else mode=0644; fi
cat > "$1" || exit
[ -z "$mode" ] || chmod "$mode" -- "$1""#;

/// The nodes of a cluster.
pub struct Nodes {
    engine: Engine,
    inventory: Arc<Inventory>,
}

impl Nodes {
    /// Access to all nodes of an inventory.
    pub fn new(engine: Engine, inventory: Arc<Inventory>) -> Self {
        Self { engine, inventory }
    }

    async fn exec(&self, node: &str, script: &str, words: &[&str], stdin: &[u8]) -> Result<Finished, AccessError> {
        let found = self.inventory.node(node).ok_or_else(|| AccessError::NoNode(node.to_owned()))?;
        let command = self.engine.exec(node, found.role == Role::ControlPlane, script, words).stdin(stdin);
        self.engine.on_node(command).await.map_err(|error| match error {
            HostError::Slow { limit, .. } => AccessError::Timeout(limit),
            HostError::Failed { complaint, .. } => AccessError::Failed(format!("{node}: {complaint}")),
            error => AccessError::Failed(error.to_string()),
        })
    }
}

impl NodeAccess for Nodes {
    fn run<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async move {
            let finished = self.exec(node, script, &[], stdin.as_bytes()).await?;
            let stderr = String::from_utf8_lossy(&finished.stderr).into_owned();
            Ok(Output { status: finished.status, stdout: finished.text(), stderr })
        }
        .boxed()
    }

    fn read<'a>(&'a self, node: &'a str, path: &'a str) -> BoxFuture<'a, Result<Option<NodeFile>, AccessError>> {
        async move {
            let finished = self.exec(node, READ, &[path], &[]).await?;
            match finished.status {
                0 => file(&finished.stdout).map(Some).ok_or_else(|| AccessError::Failed(format!("{path}: stat said something odd"))),
                NO_FILE => Ok(None),
                _ => Err(AccessError::Failed(format!("{path}: {}", finished.complaint()))),
            }
        }
        .boxed()
    }

    fn write<'a>(&'a self, node: &'a str, path: &'a str, content: &'a [u8], mode: Option<u32>) -> BoxFuture<'a, Result<(), AccessError>> {
        async move {
            let mode = mode.map(|mode| format!("{mode:04o}")).unwrap_or_default();
            let finished = self.exec(node, WRITE, &[path, &mode], content).await?;
            if finished.status == 0 { Ok(()) } else { Err(AccessError::Failed(format!("{path}: {}", finished.complaint()))) }
        }
        .boxed()
    }
}

fn file(output: &[u8]) -> Option<NodeFile> {
    let end = output.iter().position(|b| *b == b'\n')?;
    let line = std::str::from_utf8(&output[..end]).ok()?;
    let (mode, owner) = line.split_once(' ')?;
    Some(NodeFile { content: output[end + 1..].to_vec(), mode: u32::from_str_radix(mode, 8).ok()?, owner: owner.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::host_command::testing::FakeCommands;
    use crate::backend::host_command::{Commands, HostCommand, HostPrograms, Started};
    use crate::backend::kind::engine::{Daemon, HostSettings, Provider};

    /// Runs what is meant for a node on this host: the scripts are ordinary ones.
    struct Here;

    impl Commands for Here {
        fn start(&self, command: &HostCommand) -> Result<Started, HostError> {
            let bash = command.args.iter().position(|a| a == "bash").unwrap();
            HostPrograms.start(&HostCommand::new("bash", command.args[bash + 1..].to_vec()))
        }

        fn has(&self, _: &str) -> bool {
            true
        }
    }

    fn nodes(commands: Arc<dyn Commands>) -> Nodes {
        let daemon = Daemon { provider: Provider::Docker, context: None, host: None };
        Nodes::new(Engine::of(commands, daemon, &HostSettings::default()), Arc::new(Inventory::example(1)))
    }

    #[tokio::test]
    async fn files_are_read_and_written_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = nodes(Arc::new(Here));
        let path = dir.path().join("it's a file").to_string_lossy().into_owned();
        assert_eq!(nodes.read("worker-1", &path).await, Ok(None));
        nodes.write("worker-1", &path, b"a\0\xff\n\n", None).await.unwrap();
        let file = nodes.read("worker-1", &path).await.unwrap().unwrap();
        assert_eq!((file.content.as_slice(), file.mode), (b"a\0\xff\n\n".as_slice(), 0o644));
        nodes.write("worker-1", &path, b"b", Some(0o600)).await.unwrap();
        nodes.write("worker-1", &path, b"", None).await.unwrap();
        let file = nodes.read("worker-1", &path).await.unwrap().unwrap();
        assert_eq!((file.content.as_slice(), file.mode), (b"".as_slice(), 0o600), "an existing file keeps its mode");
        assert!(nodes.write("worker-1", "/no/such/dir/x", b"", None).await.is_err());
        assert_eq!(nodes.read("worker-9", &path).await, Err(AccessError::NoNode("worker-9".into())));
    }

    #[tokio::test]
    async fn scripts_say_what_they_say_and_only_the_control_plane_has_a_kubeconfig() {
        let fake = FakeCommands::new(|_| crate::backend::host_command::testing::fails("nope\n"));
        let nodes = nodes(Arc::new(fake.clone()));
        let output = nodes.run("worker-1", "false", "").await.unwrap();
        assert_eq!((output.status, output.stderr.as_str()), (1, "nope\n"));
        nodes.run("control-plane", "true", "").await.unwrap();
        let with: Vec<bool> = fake.lines().iter().map(|line| line.contains("KUBECONFIG=/etc/kubernetes/admin.conf")).collect();
        assert_eq!(with, [false, true]);
    }
}
