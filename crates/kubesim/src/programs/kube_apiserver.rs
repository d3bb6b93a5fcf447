//! kube-apiserver: flags and files to a [`apiserver::ServerConfig`], a TLS listener, and connections to the server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use apiserver::{Peer, Server, ServerConfig, Store};
use component::Dialer;
use component::klog::Severity;
use component::pflag::Flags;
use component::tls::ClientTls;
use futures::future::BoxFuture;
use node::machine::{ExitStatus, ProcessContext, Program};
use node::network::{Listener, ServerTls};
use tokio::time::Instant;

use super::flags::KUBE_APISERVER;
use super::{files, health};

/// The program.
pub struct KubeApiserver {
    /// The World's store; read only while etcd answers.
    pub store: Store,
}

/// How long the storage factory tries to reach etcd before the program gives up (apiserver, `storage/storagebackend/factory`).
const ETCD_PATIENCE: Duration = Duration::from_secs(20);

impl Program for KubeApiserver {
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus> {
        let store = self.store.clone();
        Box::pin(async move {
            let parsed = Flags::parse(KUBE_APISERVER, context.argv.get(1..).unwrap_or_default()).map_err(|error| error.to_string());
            let flags = match parsed.and_then(|flags| flags.no_arguments("kube-apiserver").map(|()| flags)) {
                Ok(flags) => flags,
                Err(error) => {
                    context.stderr.write_now(format!("Error: {error}\n").as_bytes());
                    return ExitStatus::FAILURE;
                }
            };
            let (config, tls) = match configure(&context, &flags) {
                Ok(configured) => configured,
                Err(error) => {
                    context.klog().error("run.go:72", &error, "command failed", &[]);
                    return ExitStatus::FAILURE;
                }
            };
            if let Err(error) = reach_etcd(&context, &flags).await {
                context.klog().plain(
                    Severity::Fatal,
                    "instance.go:233",
                    &format!("Error creating leases: error creating storage factory: {error}"),
                );
                return ExitStatus::FAILURE;
            }
            let address = SocketAddr::new(bind_address(&flags), config.secure_port);
            let listener = match health::listen(&context, "kube-apiserver", address, Some(tls)) {
                Ok(listener) => listener,
                Err(error) => {
                    let error = format!("failed to create listener: failed to listen on {address}: {error}");
                    context.klog().error("run.go:72", &error, "command failed", &[]);
                    return ExitStatus::FAILURE;
                }
            };
            if !context.resumed {
                context.klog().plain(Severity::Info, "secure_serving.go:211", &format!("Serving securely on [::]:{}", config.secure_port));
            }
            serve(Server::new(store, config), listener).await
        })
    }
}

/// Hands connections to the server until the process is killed.
async fn serve(server: Arc<Server>, mut listener: Listener) -> ExitStatus {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => {
                let peer = Peer { client_cert: accepted.client_cert, remote: accepted.peer.ip() };
                connections.spawn(server.serve(accepted.stream, peer));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn bind_address(flags: &Flags) -> IpAddr {
    flags.text("bind-address").and_then(|a| a.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn configure(context: &ProcessContext, flags: &Flags) -> Result<(ServerConfig, ServerTls), String> {
    validate(flags)?;
    let machine = &context.machine;
    let network: Arc<dyn Dialer> = machine.network().clone();
    let mut config = ServerConfig::new(machine.clock(), network, context.origin.clone());
    config.client_ca_pem =
        files::read_flag(context, flags.text("client-ca-file")).map_err(|e| format!("unable to load client CA provider: {e}"))?;
    config.requestheader_ca_pem = files::read_flag(context, flags.text("requestheader-client-ca-file"))
        .map_err(|e| format!("unable to load client CA provider: {e}"))?;
    let (cert, key) = (flags.text("tls-cert-file").unwrap_or_default(), flags.text("tls-private-key-file").unwrap_or_default());
    let serving = files::key_pair(context, cert, key)?;
    let (kubelet_cert, kubelet_key) = (flags.text("kubelet-client-certificate"), flags.text("kubelet-client-key"));
    config.kubelet_client = ClientTls {
        ca_pem: files::read_flag(context, flags.text("kubelet-certificate-authority"))?,
        cert_pem: kubelet_cert.map(|path| files::read(context, path)).transpose()?,
        key_pem: kubelet_key.map(|path| files::read(context, path)).transpose()?,
        insecure: flags.text("kubelet-certificate-authority").is_none(),
        server_name: None,
    };
    for flag in ["etcd-cafile", "etcd-certfile", "etcd-keyfile", "proxy-client-cert-file", "proxy-client-key-file"] {
        files::read_flag(context, flags.text(flag))?;
    }
    config.service_account_signing_key_pem = files::read_flag(context, flags.text("service-account-signing-key-file"))
        .map_err(|e| format!("failed to parse service-account-issuer-key-file: {e}"))?;
    config.service_account_keys_pem = flags
        .list("service-account-key-file")
        .iter()
        .map(|path| files::read(context, path))
        .collect::<Result<_, _>>()
        .map_err(|e| format!("failed to read service account keys: {e}"))?;
    if let Some(issuer) = flags.text("service-account-issuer") {
        config.service_account_issuer = issuer.to_owned();
    }
    if let Some(range) = flags.text("service-cluster-ip-range") {
        config.service_cidr = range.to_owned();
    }
    if let Some((low, high)) = flags.text("service-node-port-range").and_then(|range| range.split_once('-')) {
        config.node_ports = low.parse().ok().zip(high.parse().ok()).unwrap_or(config.node_ports);
    }
    if let Some(address) = flags.text("advertise-address").and_then(|a| a.parse().ok()) {
        config.advertise_address = address;
    }
    config.secure_port = flags.number("secure-port", 6443);
    let modes = flags.list("authorization-mode");
    config.authorization_modes = if modes.is_empty() { vec!["AlwaysAllow".to_owned()] } else { modes };
    config.enable_admission_plugins = flags.list("enable-admission-plugins");
    config.disable_admission_plugins = flags.list("disable-admission-plugins");
    config.anonymous_auth = flags.switch("anonymous-auth", true);
    config.bootstrap_token_auth = flags.switch("enable-bootstrap-token-auth", false);
    Ok((config, ServerTls::from_pem(&serving)))
}

/// What the program refuses before it reads a file; several findings come in one list (`cmd/kube-apiserver/app/options`).
fn validate(flags: &Flags) -> Result<(), String> {
    let mut findings = Vec::new();
    if flags.list("etcd-servers").is_empty() {
        findings.push("--etcd-servers must be specified".to_owned());
    }
    let port = flags.number::<i64>("secure-port", 6443);
    if !(1..=65535).contains(&port) {
        findings.push(format!("--secure-port {port} must be between 1 and 65535, inclusive. It cannot be turned off with 0"));
    }
    if flags.text("service-account-issuer").is_none() {
        findings.push("service-account-issuer is a required flag".to_owned());
    }
    if flags.list("service-account-key-file").is_empty() && flags.text("service-account-signing-endpoint").is_none() {
        findings.push("either `--service-account-key-file` or `--service-account-signing-endpoint` must be set".to_owned());
    }
    for mode in flags.list("authorization-mode") {
        if !["AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node"].contains(&mode.as_str()) {
            findings.push(format!("authorization-mode {mode:?} is not a valid mode"));
        }
    }
    if flags.text("service-account-signing-key-file").is_none() {
        findings.push("--service-account-signing-key-file and --service-account-issuer are required flags".to_owned());
    }
    match findings.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// Dials etcd until it answers, with a warning for each failure as gRPC logs it.
async fn reach_etcd(context: &ProcessContext, flags: &Flags) -> Result<(), String> {
    let servers = flags.list("etcd-servers");
    let tls = ClientTls {
        ca_pem: files::read_flag(context, flags.text("etcd-cafile"))?,
        cert_pem: Some(files::read_flag(context, flags.text("etcd-certfile"))?),
        key_pem: Some(files::read_flag(context, flags.text("etcd-keyfile"))?),
        ..ClientTls::default()
    };
    let deadline = Instant::now() + ETCD_PATIENCE;
    let mut delay = Duration::from_secs(1);
    loop {
        for server in &servers {
            let Some((scheme, authority)) = server.split_once("://") else { continue };
            let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "2379"));
            let port = port.trim_end_matches('/').parse().unwrap_or(2379);
            let tls = (scheme == "https").then_some(&tls);
            match context.machine.network().connect(&context.origin, host, port, tls).await {
                // etcd speaks gRPC; what it would say is in the store.
                Ok(_) => return Ok(()),
                Err(error) => context.klog().plain(
                    Severity::Warning,
                    "logging.go:55",
                    &format!(
                        "[core] [Channel #1 SubChannel #3]grpc: addrConn.createTransport failed to connect to {{Addr: \"{host}:{port}\", \
                         ServerName: \"{host}:{port}\", }}. Err: connection error: desc = \"transport: Error while dialing: {error}\""
                    ),
                ),
            }
        }
        if Instant::now() + delay > deadline {
            tokio::time::sleep_until(deadline).await;
            return Err("context deadline exceeded".to_owned());
        }
        tokio::time::sleep(delay).await;
        delay = delay.mul_f32(1.6);
    }
}
