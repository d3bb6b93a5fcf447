//! What a kubelet reads when it starts, in upstream's order, and how it fails. Every file is read anew at every start.

use component::Klog;
use component::Target;
use component::klog::{Severity, Value};
use component::kubeconfig::Kubeconfig;
use component::tls::ClientTls;
use values::KUBERNETES_VERSION;

use super::config::KubeletConfig;
use super::flags::Flags;
use super::state::{Settings, StoredTarget};
use crate::containerd::Cri;
use crate::fs::{Errno, View};
use crate::machine::ProcessContext;

/// How starting ended otherwise than with a running kubelet.
pub(super) enum Stop {
    /// `--version` or `--help`: print this.
    Print(String),
    /// `command failed` with this error.
    Failed(String),
}

/// Reads all that a kubelet needs.
pub(super) fn start(context: &ProcessContext, log: &Klog) -> Result<Settings, Stop> {
    let flags = Flags::parse(&context.argv[1..]).map_err(|error| Stop::Failed(error.to_string()))?;
    for flag in &flags.deprecated {
        let line = format!(
            "Flag --{flag} has been deprecated, This parameter should be set via the config file specified by the Kubelet's --config flag. See https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/ for more information.\n"
        );
        context.stderr.write_now(line.as_bytes());
    }
    if flags.is_set("help") {
        return Err(Stop::Print(
            "The kubelet is the primary \"node agent\" that runs on each node.\n\nUsage:\n  kubelet [flags]\n".to_owned(),
        ));
    }
    if flags.values.contains_key("version") {
        return Err(Stop::Print(format!("Kubernetes {KUBERNETES_VERSION}\n")));
    }
    let files = &context.files;
    let loaded = KubeletConfig::load(files, &flags).map_err(Stop::Failed)?;
    if let Some(reason) = &loaded.lenient {
        log.info("codec.go:92", "Using lenient decoding as strict decoding failed", &[("err", Value::Text(reason))]);
    }
    let config = loaded.config;
    let client_ca = client_ca(files, &config.client_ca_file)
        .map_err(|reason| Stop::Failed(format!("failed to construct kubelet dependencies: {reason}")))?;
    let run = |reason: String| Stop::Failed(format!("failed to run Kubelet: {reason}"));

    log.info("server.go:525", "Kubelet version", &[("kubeletVersion", Value::Text(KUBERNETES_VERSION))]);
    let empty = || Value::Text("");
    log.info("server.go:527", "Golang settings", &[("GOGC", empty()), ("GOMAXPROCS", empty()), ("GOTRACEBACK", empty())]);
    log.info("watchdog_linux.go:95", "Systemd watchdog is not enabled", &[]);
    log.info(
        "watchdog_linux.go:138",
        "Systemd watchdog is not enabled or the interval is invalid, so health checking will not be started.",
        &[],
    );
    let node_name = match flags.get("hostname-override") {
        "" => context.machine.name(),
        name => name.to_ascii_lowercase(),
    };
    let target = if flags.get("kubeconfig").is_empty() {
        log.info("server.go:640", "Standalone mode, no API client", &[]);
        None
    } else {
        Some(client(files, &flags, &config, log, context.machine.clock().now()).map_err(run)?)
    };
    if !config.client_ca_file.is_empty() {
        let name = format!("client-ca-bundle::{}", config.client_ca_file);
        log.info("dynamic_cafile_content.go:161", "Starting controller", &[("name", Value::Text(&name))]);
    }
    reach_runtime(context, &config, log).map_err(run)?;
    let serving_cert = serving_certificate(files, &flags, &config)
        .map_err(|reason| Stop::Failed(format!("failed to construct kubelet dependencies: {reason}")))?;
    if config.fail_swap_on && files.read_text("/proc/swaps").is_ok_and(|text| text.lines().count() > 1) {
        let swaps = files.read_text("/proc/swaps").unwrap_or_default();
        return Err(run(format!(
            "running with swap on is not supported, please disable swap or set --fail-swap-on flag to false. /proc/swaps contained: [{}]",
            swaps.lines().collect::<Vec<_>>().join(" ")
        )));
    }
    let address = context.machine.read(|state| state.address.to_string());
    let node_ip = match flags.get("node-ip").split(',').next().unwrap_or_default() {
        "" | "0.0.0.0" | "::" => address.clone(),
        given => given.to_owned(),
    };
    if node_ip.parse::<std::net::IpAddr>().is_err() {
        return Err(run(format!("bad --node-ip {}", component::klog::quote(&node_ip))));
    }
    if node_ip != address {
        // The kubelet goes on, without a usable address (kubelet_node_status.go).
        log.error(
            "kubelet_node_status.go:733",
            &format!("node IP: {} not found in the host's network interfaces", component::klog::quote(&node_ip)),
            "Failed to set some node status fields",
            &[("node", Value::Text(&node_name))],
        );
    }
    Ok(Settings {
        pid: context.pid,
        started: context.machine.clock().now(),
        flags,
        config,
        node_name,
        node_ip,
        target,
        client_ca,
        serving_cert,
    })
}

/// `UnsecuredDependencies` → `InitializeTLS` reads the client CA so that it fails early.
fn client_ca(files: &View, path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let text = files.read_text(path).map_err(|errno| format!("unable to load client CA file {path}: open {path}: {}", errno.go()))?;
    if component::tls::certificates(text.as_bytes()).is_empty() {
        return Err(format!("unable to load client CA file {path}: data does not contain any valid RSA or ECDSA certificates"));
    }
    Ok(text)
}

fn serving_certificate(files: &View, flags: &Flags, config: &KubeletConfig) -> Result<String, String> {
    let (cert, key) = (&config.tls_cert_file, &config.tls_private_key_file);
    if !cert.is_empty() && !key.is_empty() {
        for path in [cert, key] {
            files.read(path).map_err(|errno| format!("open {path}: {}", errno.go()))?;
        }
        return files.read_text(cert).map_err(|errno| format!("open {cert}: {}", errno.go()));
    }
    let directory = match flags.get("cert-dir") {
        "" => "/var/lib/kubelet/pki",
        directory => directory,
    };
    // A kubelet without its self-signed certificate would make a new one; nobody verifies it.
    Ok(files.read_text(&format!("{directory}/kubelet.crt")).unwrap_or_default())
}

/// `buildKubeletClientConfig`: the kubeconfig if it is usable, else the bootstrap kubeconfig.
fn client(files: &View, flags: &Flags, config: &KubeletConfig, log: &Klog, now: jiff::Timestamp) -> Result<StoredTarget, String> {
    let (path, bootstrap) = (flags.get("kubeconfig"), flags.get("bootstrap-kubeconfig"));
    if !config.rotate_certificates {
        return load(files, path).map_err(|reason| format!("invalid kubeconfig: {reason}"));
    }
    log.info("server.go:951", "Client rotation is on, will bootstrap in background", &[]);
    let target = if bootstrap.is_empty() {
        load(files, path).map_err(|reason| format!("unable to load kubeconfig: {reason}"))?
    } else {
        match still_valid(files, path, log, now) {
            Some(target) => target,
            None => load(files, bootstrap).map_err(|reason| format!("unable to load bootstrap kubeconfig: {reason}"))?,
        }
    };
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    if files.exists(current) {
        log.info("certificate_store.go:147", "Loading cert/key pair from a file", &[("filePath", Value::Text(current))]);
    }
    Ok(target)
}

/// `isClientConfigStillValid`
fn still_valid(files: &View, path: &str, log: &Klog, now: jiff::Timestamp) -> Option<StoredTarget> {
    let complain = |text: String| {
        log.error("bootstrap.go:266", &text, "Unhandled Error", &[("logger", Value::Text("UnhandledError"))]);
        None
    };
    if files.stat(path) == Err(Errno::NotFound) {
        return None;
    }
    let target = match load(files, path) {
        Ok(target) => target,
        Err(reason) => return complain(format!("unable to read existing bootstrap client config from {path}: {reason}")),
    };
    let chain = component::tls::certificates(target.cert_pem.as_bytes());
    if chain.is_empty() {
        if target.token.is_some() {
            return Some(target);
        }
        return complain(format!(
            "unable to load TLS certificates from existing bootstrap client config read from {path}: data does not contain any valid RSA or ECDSA certificates"
        ));
    }
    for der in &chain {
        use x509_parser::prelude::FromDer;
        let Ok((_, certificate)) = x509_parser::certificate::X509Certificate::from_der(der) else { continue };
        let until = certificate.validity().not_after.timestamp();
        if now.as_second() > until {
            let until = jiff::Timestamp::from_second(until).unwrap_or_default().strftime("%Y-%m-%d %H:%M:%S +0000 UTC");
            return complain(format!("part of the existing bootstrap client certificate in {path} is expired: {until}"));
        }
    }
    Some(target)
}

fn load(files: &View, path: &str) -> Result<StoredTarget, String> {
    let bytes = files.read(path).map_err(|errno| format!("stat {path}: {}", errno.go()))?;
    let read = |path: &str| files.read(path).map(|bytes| bytes.to_vec()).map_err(Errno::go);
    let go_yaml = |text: &str| component::yaml::to_json(text).err().map(|error| format!("error loading config file \"{path}\": {error}"));
    if let Some(reason) = go_yaml(&String::from_utf8_lossy(&bytes)) {
        return Err(reason);
    }
    let kubeconfig = Kubeconfig::parse(path, &bytes).map_err(|error| error.to_string())?;
    let target = kubeconfig.target(None, &read).map_err(|error| format!("invalid configuration: {error}"))?;
    if target.server.is_empty() {
        return Err("invalid configuration: no server found for cluster".to_owned());
    }
    let text = |pem: Option<Vec<u8>>| pem.map(|pem| String::from_utf8_lossy(&pem).into_owned()).unwrap_or_default();
    Ok(StoredTarget {
        server: target.server,
        ca_pem: text(Some(target.tls.ca_pem)),
        cert_pem: text(target.tls.cert_pem),
        key_pem: text(target.tls.key_pem),
        token: target.token,
        insecure: target.tls.insecure,
        server_name: target.tls.server_name,
    })
}

impl StoredTarget {
    /// As clients want it.
    pub fn target(&self) -> Target {
        let pem = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        Target {
            server: self.server.clone(),
            tls: ClientTls {
                ca_pem: self.ca_pem.clone().into_bytes(),
                cert_pem: pem(&self.cert_pem),
                key_pem: pem(&self.key_pem),
                insecure: self.insecure,
                server_name: self.server_name.clone(),
            },
            token: self.token.clone(),
            namespace: "default".to_owned(),
            impersonate: None,
        }
    }
}

/// `PreInitRuntimeService`: the socket must answer now.
fn reach_runtime(context: &ProcessContext, config: &KubeletConfig, log: &Klog) -> Result<(), String> {
    let endpoint = &config.container_runtime_endpoint;
    let shown = if endpoint.contains("://") { endpoint.clone() } else { format!("unix://{endpoint}") };
    let cri = Cri::new(&context.machine, endpoint);
    match cri.version() {
        Ok(_) => Ok(()),
        Err(error) => {
            if error.is_unavailable() {
                transport_warning(log, 1, cri.path(), &error.message);
            }
            Err(format!("validate service connection: validate CRI v1 runtime API for endpoint \"{shown}\": {error}"))
        }
    }
}

/// grpc-go's warning about a socket that does not answer.
pub(super) fn transport_warning(log: &Klog, channel: u32, path: &str, message: &str) {
    log.plain(
        Severity::Warning,
        "logging.go:55",
        &format!(
            "[core] [Channel #{channel} SubChannel #{}]grpc: addrConn.createTransport failed to connect to {{Addr: \"{path}\", ServerName: \"localhost\", BalancerAttributes: {{\"<%!p(pickfirstleaf.managedByPickfirstKeyType={{}})>\": \"<%!p(bool=true)>\" }}}}. Err: {message}",
            channel + 1
        ),
    );
}
