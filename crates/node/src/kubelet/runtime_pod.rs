//! A pod as the runtime has it.

use std::sync::Arc;

use super::process::Kubelet;
use crate::containerd::{Container, ContainerState, CriError, Sandbox, SandboxState};

/// Label by which containers and sandboxes are found.
pub(super) const UID_LABEL: &str = "io.kubernetes.pod.uid";

/// Sandboxes and containers of a pod, the newest first.
#[derive(Clone, Debug, Default)]
pub(super) struct RuntimePod {
    pub(super) sandboxes: Vec<Arc<Sandbox>>,
    pub(super) containers: Vec<Arc<Container>>,
}

impl RuntimePod {
    /// The sandbox that is ready.
    pub(super) fn sandbox(&self) -> Option<&Arc<Sandbox>> {
        self.sandboxes.first().filter(|sandbox| sandbox.state == SandboxState::Ready)
    }

    /// The newest container of a name.
    pub(super) fn newest(&self, name: &str) -> Option<&Arc<Container>> {
        self.containers.iter().find(|container| container.config.name == name)
    }

    /// The one before it.
    pub(super) fn previous(&self, name: &str) -> Option<&Arc<Container>> {
        self.containers.iter().filter(|container| container.config.name == name).nth(1)
    }

    /// All that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Arc<Container>> {
        self.containers.iter().filter(|container| container.state == ContainerState::Running)
    }
}

impl Kubelet {
    /// Asks the runtime.
    pub(super) fn runtime_pod(&self, uid: &str) -> Result<RuntimePod, CriError> {
        let sandboxes: Vec<_> = self.cri.sandboxes()?.into_iter().filter(|sandbox| sandbox.config.uid == uid).collect();
        let mut containers: Vec<_> = self
            .cri
            .containers()?
            .into_iter()
            .filter(|container| container.config.labels.get(UID_LABEL).is_some_and(|label| label == uid))
            .collect();
        containers.sort_by(|a, b| b.config.attempt.cmp(&a.config.attempt).then_with(|| b.created.cmp(&a.created)));
        Ok(RuntimePod { sandboxes, containers })
    }
}
