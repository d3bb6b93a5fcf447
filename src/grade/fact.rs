//! Facts: the single things that checks need to know about a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::resource::ResourceRef;

/// One thing to know. What an observation of it looks like stands at each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact {
    /// An object: its JSON.
    Object {
        /// Kind.
        resource: ResourceRef,
        /// Namespace, for namespaced kinds.
        namespace: Option<String>,
        /// Name.
        name: String,
    },
    /// All objects of a kind: an array of their JSON.
    List {
        /// Kind.
        resource: ResourceRef,
        /// Namespace; all of them without.
        namespace: Option<String>,
    },
    /// A systemd unit: `{"active": "active", "enabled": "enabled"}`, the words of `systemctl is-active` and `is-enabled`.
    Unit {
        /// Node.
        node: String,
        /// Unit.
        unit: String,
    },
    /// A file: `{"content", "mode": "0600", "owner": "root:root"}`.
    File {
        /// Node.
        node: String,
        /// Absolute path.
        path: String,
    },
    /// What a container logged: a string.
    Logs {
        /// Container.
        pod: PodRef,
        /// Of the container before the last restart.
        previous: bool,
        /// So many last lines.
        tail: u32,
    },
    /// A command in a container: `{"status", "stdout", "stderr"}`.
    Exec {
        /// Container.
        pod: PodRef,
        /// Program and arguments.
        command: Vec<String>,
    },
    /// A command on a node: `{"status", "stdout", "stderr"}`.
    NodeCommand {
        /// Node.
        node: String,
        /// Shell script.
        script: String,
    },
    /// Whether someone may do something: `{"allowed": true, "reason": ""}`.
    Access(Access),
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodRef {
    /// Namespace.
    pub namespace: String,
    /// Pod.
    pub name: String,
    /// Container; the default one without.
    pub container: Option<String>,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pod {}/{}", self.namespace, self.name)?;
        match &self.container {
            Some(container) => write!(f, ", container {container}"),
            None => Ok(()),
        }
    }
}

/// A question to the authorizer: a SubjectAccessReview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // the fields of authorization.k8s.io/v1 SubjectAccessReview
pub struct Access {
    pub user: String,
    pub groups: Vec<String>,
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.user, self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        if self.namespace.is_empty() { f.write_str(" in all namespaces") } else { write!(f, " in {}", self.namespace) }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { resource, namespace: Some(namespace), name } => write!(f, "{resource} {namespace}/{name}"),
            Self::Object { resource, namespace: None, name } => write!(f, "{resource} {name}"),
            Self::List { resource, namespace: Some(namespace) } => write!(f, "{resource} objects in {namespace}"),
            Self::List { resource, namespace: None } => write!(f, "{resource} objects"),
            Self::Unit { node, unit } => write!(f, "unit {unit} on {node}"),
            Self::File { node, path } => write!(f, "{path} on {node}"),
            Self::Logs { pod, previous: false, .. } => write!(f, "log of {pod}"),
            Self::Logs { pod, previous: true, .. } => write!(f, "previous log of {pod}"),
            Self::Exec { pod, command } => write!(f, "`{}` in {pod}", command.join(" ")),
            Self::NodeCommand { node, script } => write!(f, "`{script}` on {node}"),
            Self::Access(access) => write!(f, "may {access}"),
        }
    }
}
