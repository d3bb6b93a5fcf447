//! A machine for tests: Debian's files, a kubelet and a containerd that do no more than their flags and files say.

use std::sync::Arc;

use component::{Clock, Generator};
use jiff::Timestamp;

use crate::fs::Errno;
use crate::image::{HostFile, HostSpec, host_image};
use crate::machine::{ExitStatus, Machine, MachineEnv, MachineState, ProcessContext, Programs, Signal};
use crate::network::Network;
use crate::shell::Shell;

/// The moment at which test machines are booted.
pub(crate) const BOOT: &str = "2026-11-24T06:31:27Z";

/// A kubelet as far as a unit is concerned: it needs its configuration and the authority that this names.
async fn kubelet(context: ProcessContext) -> ExitStatus {
    if context.argv.iter().any(|arg| arg == "--version") {
        let _ = context.stdout.line("Kubernetes v1.35.4").await;
        return ExitStatus::SUCCESS;
    }
    let read = |path: &str| context.files.read_text(path);
    let authority = read("/var/lib/kubelet/config.yaml")
        .ok()
        .and_then(|config| config.lines().find_map(|line| line.trim().strip_prefix("clientCAFile: ").map(str::to_owned)));
    let problem = match authority.as_deref().map(|path| (path, read(path))) {
        Some((path, Err(errno))) => Some(format!("unable to load client CA file {path}: open {path}: {}", errno.go())),
        None => Some(format!("open /var/lib/kubelet/config.yaml: {}", Errno::NotFound.go())),
        Some((_, Ok(_))) => None,
    };
    if let Some(problem) = problem {
        let _ = context.stderr.line(format!("E1124 run.go:72] \"command failed\" err=\"{problem}\"")).await;
        return ExitStatus::FAILURE;
    }
    let mut signals = context.signals;
    signals.handle(&[Signal::Term]);
    signals.recv().await;
    ExitStatus::SUCCESS
}

async fn containerd(context: ProcessContext) -> ExitStatus {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    context.notify_ready();
    let mut signals = context.signals;
    signals.handle(&[Signal::Term]);
    signals.recv().await;
    ExitStatus::SUCCESS
}

pub(crate) fn programs() -> Programs {
    let mut programs = crate::programs();
    programs.register("kubelet", kubelet);
    programs.register("containerd", containerd);
    programs
}

pub(crate) fn state() -> MachineState {
    let now: Timestamp = BOOT.parse().expect("a time");
    let file = |path: &str, mode, content: &str| HostFile { path: path.to_owned(), mode, content: content.to_owned() };
    let files = vec![
        file(
            "/var/lib/kubelet/config.yaml",
            0o644,
            "kind: KubeletConfiguration\nauthentication:\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\n",
        ),
        file(
            "/var/lib/kubelet/kubeadm-flags.env",
            0o644,
            "KUBELET_KUBEADM_ARGS=\"--pod-infra-container-image=registry.k8s.io/pause:3.10.1\"\n",
        ),
        file("/etc/kubernetes/pki/ca.crt", 0o644, "-----BEGIN CERTIFICATE-----\n"),
        file("/etc/kubernetes/kubelet.conf", 0o600, "kind: Config\n"),
    ];
    let address = [172, 18, 0, 5].into();
    let hosts = [("worker-2".to_owned(), address)];
    let tree = host_image(&HostSpec { name: "worker-2", address, hosts: &hosts, now, files, links: Vec::new() });
    MachineState::new("worker-2", address, tree, Generator::for_part(1, "worker-2"), now)
}

pub(crate) fn wake(state: MachineState, now: Timestamp) -> Arc<Machine> {
    let clock = Clock::starting_at(now);
    Machine::start(state, MachineEnv { clock, network: Network::new(clock), programs: Arc::new(programs()) })
}

/// A booted machine.
pub(crate) async fn machine() -> Arc<Machine> {
    let machine = wake(state(), BOOT.parse().expect("a time"));
    machine.boot_and_wait().await;
    machine
}

/// A root shell on a booted machine.
pub(crate) async fn shell() -> Shell {
    let machine = machine().await;
    machine.open_shell("root", crate::machine::Input::empty(), None).await.expect("a shell")
}

/// Runs a script and gives all that it printed, with the exit code if that is not 0.
pub(crate) async fn run(shell: &mut Shell, script: &str) -> String {
    let (status, out, err) = shell.run(script).await;
    let code = if status.success() { String::new() } else { format!("[exit {}]\n", status.code()) };
    format!("{out}{err}{code}")
}
