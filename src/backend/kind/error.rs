//! What can go wrong with a kind cluster, and what to do next.

use std::path::PathBuf;

use super::engine::{Provider, is_daemon_trouble};
use crate::backend::host_command::HostError;

/// A kind cluster could not be made, found or used.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// Neither docker nor podman.
    #[error("the kind backend needs Docker or Podman, and neither is on the PATH")]
    NoRuntime,
    /// `KIND_EXPERIMENTAL_PROVIDER` names something else.
    #[error("KIND_EXPERIMENTAL_PROVIDER is {name:?}; docker and podman are known")]
    UnknownProvider {
        /// Its value.
        name: String,
    },
    /// No kind.
    #[error("kind is not installed, or not on the PATH")]
    NoKind,
    /// The daemon does not answer.
    #[error("{} does not answer: {reason}", .provider.program())]
    NoDaemon {
        /// Docker or podman.
        provider: Provider,
        /// Its client's words.
        reason: String,
    },
    /// The disk is full.
    #[error("no space is left where {} keeps its data: {reason}", .provider.program())]
    DiskFull {
        /// Docker or podman.
        provider: Provider,
        /// The words.
        reason: String,
    },
    /// The node image is not there and could not be had.
    #[error("the node image {image} is not there and could not be pulled: {reason}")]
    NoImage {
        /// The image.
        image: String,
        /// Why.
        reason: String,
    },
    /// Workload images that a scenario needs.
    #[error("images that the scenario needs are neither on the nodes nor to be had: {}", .images.join(", "))]
    NoWorkloadImages {
        /// The images.
        images: Vec<String>,
    },
    /// kind failed.
    #[error("kind could not create the cluster {name}: {reason}")]
    Create {
        /// The cluster.
        name: String,
        /// kind's last words.
        reason: String,
    },
    /// The configuration is wrong.
    #[error("the kind configuration {origin}: {reason}")]
    Config {
        /// Where it comes from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// Another ckaprep uses the cluster.
    #[error("the cluster {name} is in use by another ckaprep{}", .by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default())]
    Locked {
        /// The cluster.
        name: String,
        /// What is known of the other.
        by: Option<String>,
    },
    /// There is no such cluster of ours.
    #[error("there is no cluster {name:?} of ckaprep's")]
    Unknown {
        /// The name.
        name: String,
        /// Which there are.
        known: Vec<String>,
    },
    /// The cluster's containers are gone.
    #[error("the cluster {name} is gone: {reason}")]
    Gone {
        /// The cluster.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// It did not get ready.
    #[error("the cluster {name} did not become ready within {seconds} s: {reason}")]
    NotReady {
        /// The cluster.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// What was missing.
        reason: String,
    },
    /// A used cluster can't be brought back.
    #[error("the cluster {name} cannot be brought back to clean: {reason}")]
    Unsure {
        /// The cluster.
        name: String,
        /// Why.
        reason: String,
    },
    /// A file of ours.
    #[error("cannot {action} {path}: {reason}")]
    File {
        /// `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The API server does not answer, or not as it should.
    #[error("the API server of {name}: {reason}")]
    Api {
        /// The cluster.
        name: String,
        /// Why.
        reason: String,
    },
    /// A program's answer could not be understood.
    #[error("the answer of {what} could not be understood: {reason}")]
    Odd {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
    /// Stopped by a signal.
    #[error("interrupted")]
    Interrupted,
    /// A program of the host.
    #[error(transparent)]
    Host(HostError),
}

impl KindError {
    /// A host program's failure as what it means.
    pub fn of_host(error: HostError, provider: Provider) -> Self {
        match error {
            HostError::Missing { program } if program == provider.program() => Self::NoRuntime,
            HostError::Failed { complaint, .. } if is_daemon_trouble(&complaint) => {
                Self::NoDaemon { provider, reason: first_line(&complaint) }
            }
            HostError::Failed { complaint, .. } if is_disk_full(&complaint) => Self::DiskFull { provider, reason: last_line(&complaint) },
            error => Self::Host(error),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoRuntime => "install Docker (https://docs.docker.com/engine/install) or Podman; the embedded cluster needs neither: leave out --backend".into(),
            Self::UnknownProvider { .. } => "unset it, or set it to podman".into(),
            Self::NoKind => "install it (https://kind.sigs.k8s.io/docs/user/quick-start: `go install sigs.k8s.io/kind@latest`, or your package manager), or name it with CKAPREP_KIND".into(),
            Self::NoDaemon { provider: Provider::Docker, .. } => "start Docker (`sudo systemctl start docker`, or Docker Desktop), check that you may use it (`docker info`); `ckaprep doctor` looks further".into(),
            Self::NoDaemon { .. } => "check `podman info`; `ckaprep doctor` looks further".into(),
            Self::DiskFull { provider, .. } => format!("free space: `ckaprep cluster list` shows what ckaprep holds, `{} system df` the rest", provider.program()),
            Self::NoImage { .. } => "check the network, load the image by hand, or name another with --kind-image; `ckaprep cluster prepare` fetches it ahead".into(),
            Self::NoWorkloadImages { .. } => "`ckaprep cluster prepare` loads them while there is a network".into(),
            Self::Create { .. } => "`ckaprep doctor` looks at this machine; --keep leaves the broken cluster for you to look at".into(),
            Self::Config { .. } => "https://kind.sigs.k8s.io/docs/user/configuration describes the format".into(),
            Self::Locked { .. } => "`ckaprep cluster list` shows who uses it; without --cluster another one is taken".into(),
            Self::Unknown { known, .. } if known.is_empty() => "`ckaprep cluster create` makes one".into(),
            Self::Unknown { known, .. } => format!("clusters: {}", known.join(", ")),
            Self::Gone { name, .. } => format!("`ckaprep reset` makes it anew; `ckaprep cluster delete {name}` forgets it"),
            Self::NotReady { .. } | Self::Unsure { .. } => "`ckaprep cluster delete` and start again; `ckaprep doctor` looks at this machine".into(),
            Self::File { .. } => "check permissions and free space, or name another directory for state with CKAPREP_STATE_DIR".into(),
            Self::Api { .. } => "`ckaprep reset` repairs the cluster or makes it anew".into(),
            Self::Odd { .. } | Self::Interrupted | Self::Host(_) => return None,
        };
        Some(text)
    }
}

/// Complaints that mean a full disk.
pub fn is_disk_full(complaint: &str) -> bool {
    complaint.contains("no space left on device") || complaint.contains("No space left on device")
}

/// The last line that says something.
pub fn last_line(text: &str) -> String {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_understood_and_has_a_next_step() {
        let failed = |complaint: &str| HostError::Failed { line: "docker ps".into(), status: 1, complaint: complaint.into() };
        let of = |complaint: &str| KindError::of_host(failed(complaint), Provider::Docker);
        assert!(matches!(of("Cannot connect to the Docker daemon at x"), KindError::NoDaemon { .. }));
        assert!(matches!(of("write /a: no space left on device"), KindError::DiskFull { .. }));
        assert!(matches!(of("other"), KindError::Host(_)));
        assert!(matches!(KindError::of_host(HostError::Missing { program: "docker".into() }, Provider::Docker), KindError::NoRuntime));
        assert!(of("no space left on device").hint().is_some_and(|h| h.contains("free space")));
    }
}
