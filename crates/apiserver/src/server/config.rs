//! What a server is told by its flags and files.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use component::tls::ClientTls;
use component::{Clock, Dialer, Origin};

/// Configuration of one API server: kube-apiserver's flags, with files already read.
#[derive(Clone)]
pub struct ServerConfig {
    /// The simulation's time.
    pub clock: Clock,
    /// Reaches kubelets (`<node ip>:10250`), webhooks and aggregated servers.
    pub dialer: Arc<dyn Dialer>,
    /// Where this server's own connections start.
    pub origin: Origin,
    /// `--client-ca-file`.
    pub client_ca_pem: Vec<u8>,
    /// `--requestheader-client-ca-file`.
    pub requestheader_ca_pem: Vec<u8>,
    /// `--kubelet-client-certificate`, `--kubelet-client-key`, `--kubelet-certificate-authority` (empty: not verified).
    pub kubelet_client: ClientTls,
    /// `--service-account-signing-key-file` (PEM).
    pub service_account_signing_key_pem: Vec<u8>,
    /// `--service-account-key-file`s (PEM, public or private).
    pub service_account_keys_pem: Vec<Vec<u8>>,
    /// `--service-account-issuer`.
    pub service_account_issuer: String,
    /// `--service-cluster-ip-range`.
    pub service_cidr: String,
    /// `--service-node-port-range`, inclusive.
    pub node_ports: (u16, u16),
    /// `--advertise-address`.
    pub advertise_address: IpAddr,
    /// `--secure-port`.
    pub secure_port: u16,
    /// `--authorization-mode`.
    pub authorization_modes: Vec<String>,
    /// `--enable-admission-plugins`.
    pub enable_admission_plugins: Vec<String>,
    /// `--disable-admission-plugins`.
    pub disable_admission_plugins: Vec<String>,
    /// `--anonymous-auth`.
    pub anonymous_auth: bool,
    /// `--enable-bootstrap-token-auth`.
    pub bootstrap_token_auth: bool,
    /// Version that `/version` reports.
    pub version: Version,
}

/// What `/version` reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `v1.35.4`.
    pub git_version: String,
    /// Commit.
    pub git_commit: String,
    /// Build date.
    pub build_date: String,
    /// Compiler.
    pub go_version: String,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            git_version: "v1.35.4".into(),
            git_commit: "0000000000000000000000000000000000000000".into(),
            build_date: "2026-04-15T00:00:00Z".into(),
            go_version: "go1.25.7".into(),
        }
    }
}

impl ServerConfig {
    /// kubeadm's usual flags, without any file.
    pub fn new(clock: Clock, dialer: Arc<dyn Dialer>, origin: Origin) -> Self {
        Self {
            clock,
            dialer,
            origin,
            client_ca_pem: Vec::new(),
            requestheader_ca_pem: Vec::new(),
            kubelet_client: ClientTls { insecure: true, ..ClientTls::default() },
            service_account_signing_key_pem: Vec::new(),
            service_account_keys_pem: Vec::new(),
            service_account_issuer: "https://kubernetes.default.svc.cluster.local".into(),
            service_cidr: "10.96.0.0/12".into(),
            node_ports: (30000, 32767),
            advertise_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure_port: 6443,
            authorization_modes: vec!["Node".into(), "RBAC".into()],
            enable_admission_plugins: vec!["NodeRestriction".into()],
            disable_admission_plugins: Vec::new(),
            anonymous_auth: true,
            bootstrap_token_auth: true,
            version: Version::default(),
        }
    }
}
