//! Kubeconfig files as kubeadm writes them.

use base64::Engine;

use crate::pki::{Authority, Pair};

/// A kubeconfig with embedded certificates. `user` names the entry and, with the cluster, the context.
pub fn embedded(server: &str, ca: &Authority, cluster: &str, user: &str, pair: &Pair) -> String {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (cert, key) = (encode(&pair.cert), encode(&pair.key));
    render(server, ca, cluster, user, &format!("    client-certificate-data: {cert}\n    client-key-data: {key}\n"))
}

/// A kubelet's kubeconfig: its certificate is a file that rotates.
pub fn kubelet(server: &str, ca: &Authority, cluster: &str, node: &str) -> String {
    const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let credentials = format!("    client-certificate: {CURRENT}\n    client-key: {CURRENT}\n");
    render(server, ca, cluster, &format!("system:node:{node}"), &credentials)
}

fn render(server: &str, ca: &Authority, cluster: &str, user: &str, credentials: &str) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(&ca.pair.cert);
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: {server}\n  name: {cluster}\n\
         contexts:\n- context:\n    cluster: {cluster}\n    user: {user}\n  name: {user}@{cluster}\n\
         current-context: {user}@{cluster}\nkind: Config\nusers:\n- name: {user}\n  user:\n{credentials}"
    )
}
