//! The operating system of a node before kubeadm: Debian 12 with the packages containerd, kubelet, kubeadm and kubectl,
//! prepared as the kubeadm documentation asks. What kubeadm itself writes is given by whoever installs the cluster.

mod debian;
mod host;

pub use host::{HostFile, HostSpec, host_image};
