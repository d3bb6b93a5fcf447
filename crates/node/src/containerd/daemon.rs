//! The daemon and the shims as programs.

use super::config::DaemonConfig;
use super::crictl;
use super::log;
use crate::fs::Kind;
use crate::machine::{ExitStatus, ProcessContext, Programs, Signal};

/// Adds containerd, its shim and crictl to the program table.
pub fn register(programs: &mut Programs) {
    programs.register("containerd", run);
    programs.register("containerd-shim-runc-v2", shim);
    programs.register("crictl", crictl::run);
}

/// A shim lives until it is killed: it has no work that is not data.
async fn shim(context: ProcessContext) -> ExitStatus {
    let _context = context;
    std::future::pending().await
}

async fn run(mut context: ProcessContext) -> ExitStatus {
    let path = match option(&context.argv, "--config", "-c") {
        Some(path) => context.path(path),
        None => "/etc/containerd/config.toml".to_owned(),
    };
    match context.argv.get(1).map(String::as_str) {
        Some("--version" | "-v") => {
            context.stdout.write_now(
                format!(
                    "containerd github.com/containerd/containerd {}~ds1 {}~ds1-1+b1\n",
                    super::cri::CONTAINERD_VERSION,
                    super::cri::CONTAINERD_VERSION
                )
                .as_bytes(),
            );
            return ExitStatus::SUCCESS;
        }
        Some("config") => return print_config(&context, &path),
        _ => {}
    }
    let config = if context.resumed { context.machine.read(|state| state.containers.daemon.clone()) } else { None };
    let config = match config {
        Some(config) => config,
        None => match start(&context, &path) {
            Ok(config) => config,
            Err(message) => {
                context.stderr.write_now(format!("containerd: {message}\n").as_bytes());
                return ExitStatus::FAILURE;
            }
        },
    };
    context.notify_ready();
    context.signals.handle(&[Signal::Term, Signal::Int]);
    context.signals.recv().await;
    let line = |message: &str| {
        let text = log::format(context.machine.clock().now(), "info", message, &[]);
        context.stderr.write_now(format!("{text}\n").as_bytes());
    };
    line("Stop CRI service");
    // Gone already, if somebody removed it.
    let _ = context.machine.host_files().unlink(&config.address);
    context.machine.write(|state| state.containers.daemon = None);
    ExitStatus::SUCCESS
}

fn option<'a>(argv: &'a [String], long: &str, short: &str) -> Option<&'a str> {
    let at = argv.iter().position(|word| word == long || word == short || word.starts_with(&format!("{long}=")))?;
    argv[at].split_once('=').map(|(_, value)| value).or_else(|| argv.get(at + 1).map(String::as_str))
}

/// Reads the configuration, says what a starting daemon says, and opens the socket.
fn start(context: &ProcessContext, path: &str) -> Result<std::sync::Arc<DaemonConfig>, String> {
    let files = context.machine.host_files();
    let config = std::sync::Arc::new(DaemonConfig::load(&files, path)?);
    let line = |level: &str, message: &str| {
        let text = log::format(context.machine.clock().now(), level, message, &[]);
        context.stderr.write_now(format!("{text}\n").as_bytes());
    };
    line("info", "starting containerd");
    for plugin in ["io.containerd.content.v1.content", "io.containerd.snapshotter.v1.overlayfs", "io.containerd.runtime.v2.task"] {
        line("info", &format!("loading plugin \"{plugin}\"..."));
    }
    if !config.cri_disabled {
        line("info", "loading plugin \"io.containerd.grpc.v1.cri\"...");
        if super::cni::NetworkConfig::load(&files, &config.cni_conf_dir).is_err() {
            let message = "failed to load cni during init, please check CRI plugin status before setting up network for pods";
            let error = format!(
                "cni config load failed: no network config found in {}: cni plugin not initialized: failed to load cni config",
                config.cni_conf_dir
            );
            let text = log::format(context.machine.clock().now(), "error", message, &[("error", error)]);
            context.stderr.write_now(format!("{text}\n").as_bytes());
        }
        for message in ["Start subscribing containerd event", "Start recovering state"] {
            line("info", message);
        }
    }
    let directory = config.address.rsplit_once('/').map_or("/", |(directory, _)| directory);
    files.make_dirs(directory, 0o711).map_err(|errno| format!("mkdir {directory}: {}", errno.go()))?;
    // What a killed daemon left behind is replaced.
    let _ = files.unlink(&config.address);
    files
        .make_node(&config.address, Kind::Socket, 0o660)
        .map_err(|errno| format!("failed to get listener for main endpoint: listen unix {}: bind: {}", config.address, errno.go()))?;
    context.machine.write(|state| state.containers.daemon = Some(config.clone()));
    for message in ["Start event monitor", "Start snapshots syncer", "Start cni network conf syncer for default", "Start streaming server"]
    {
        line("info", message);
    }
    line("info", &format!("serving... address={}", config.address));
    line("info", "containerd successfully booted in 0.031411s");
    Ok(config)
}

/// `containerd config default` and `containerd config dump`.
fn print_config(context: &ProcessContext, path: &str) -> ExitStatus {
    let config = match context.argv.get(2).map(String::as_str) {
        Some("default") => DaemonConfig::default(),
        Some("dump") => match DaemonConfig::load(&context.machine.host_files(), path) {
            Ok(config) => config,
            Err(message) => {
                context.stderr.write_now(format!("containerd: {message}\n").as_bytes());
                return ExitStatus::FAILURE;
            }
        },
        _ => {
            context.stderr.write_now(b"containerd: config: use default or dump\n");
            return ExitStatus::FAILURE;
        }
    };
    let disabled = if config.cri_disabled { "[\"cri\"]" } else { "[]" };
    let text = format!(
        "disabled_plugins = {disabled}\nroot = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\nversion = 2\n\n[grpc]\n  address = \"{}\"\n  gid = 0\n  uid = 0\n\n[plugins]\n\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    sandbox_image = \"{}\"\n\n    [plugins.\"io.containerd.grpc.v1.cri\".cni]\n      bin_dir = \"{}\"\n      conf_dir = \"{}\"\n\n    [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n      default_runtime_name = \"runc\"\n      snapshotter = \"overlayfs\"\n\n      [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes]\n\n        [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n          runtime_type = \"io.containerd.runc.v2\"\n\n          [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n            SystemdCgroup = {}\n",
        config.address, config.sandbox_image, config.cni_bin_dir, config.cni_conf_dir, config.systemd_cgroup
    );
    context.stdout.write_now(text.as_bytes());
    ExitStatus::SUCCESS
}
