//! `dpkg` and `dpkg-query`: the packages that the machine's files stand for.

use super::systemctl::glob;
use crate::machine::{ExitStatus, ProcessContext};

/// Name, version, description.
pub(super) const PACKAGES: &[(&str, &str, &str)] = &[
    ("apt", "2.6.1", "commandline package manager"),
    ("base-files", "12.4+deb12u9", "Debian base system miscellaneous files"),
    ("bash", "5.2.15-2+b7", "GNU Bourne Again SHell"),
    ("ca-certificates", "20230311", "Common CA certificates"),
    ("conntrack", "1:1.4.7-1+b2", "Program to modify the conntrack tables"),
    ("containerd", "1.7.24~ds1-6", "open and reliable container runtime"),
    ("coreutils", "9.1-1", "GNU core utilities"),
    ("cri-tools", "1.35.0-1.1", "Container Runtime Interface Tools"),
    ("curl", "7.88.1-10+deb12u8", "command line tool for transferring data with URL syntax"),
    ("dnsutils", "1:9.18.33-1~deb12u2", "Transitional package for bind9-dnsutils"),
    ("iproute2", "6.1.0-3", "networking and traffic control tools"),
    ("iptables", "1.8.9-2", "administration tools for packet filtering and NAT"),
    ("jq", "1.6-2.1", "lightweight and flexible command-line JSON processor"),
    ("kubeadm", "1.35.4-1.1", "Command-line utility for administering a Kubernetes cluster"),
    ("kubectl", "1.35.4-1.1", "Command-line utility for interacting with a Kubernetes cluster"),
    ("kubelet", "1.35.4-1.1", "Node agent for Kubernetes clusters"),
    ("kubernetes-cni", "1.8.0-1.1", "Binaries required to provision kubernetes container networking"),
    ("openssh-server", "1:9.2p1-2+deb12u4", "secure shell (SSH) server, for secure access from remote machines"),
    ("openssl", "3.0.15-1~deb12u1", "Secure Sockets Layer toolkit - cryptographic utility"),
    ("procps", "2:4.0.2-3", "/proc file system utilities"),
    ("sudo", "1.9.13p3-1+deb12u1", "Provide limited super user privileges to specific users"),
    ("systemd", "252.36-1~deb12u1", "system and service manager"),
    ("vim", "2:9.0.1378-2", "Vi IMproved - enhanced vi editor"),
    ("wget", "1.21.3-1+deb12u1", "retrieves files from the web"),
];

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default();
    let patterns: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    match args.first().map_or("", String::as_str) {
        "-l" | "--list" => {
            let held = context.files.read_text("/var/lib/dpkg/holds").unwrap_or_default();
            let found: Vec<_> =
                PACKAGES.iter().filter(|(name, ..)| patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, name))).collect();
            if found.is_empty() {
                let _ = context
                    .stderr
                    .line(format!("dpkg-query: no packages found matching {}", patterns.first().map_or("", |pattern| pattern.as_str())))
                    .await;
                return ExitStatus::FAILURE;
            }
            let width = found.iter().map(|(name, ..)| name.len()).max().unwrap_or(14).max(14);
            let versions = found.iter().map(|(_, version, _)| version.len()).max().unwrap_or(12).max(12);
            let mut text = format!(
                "Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ {:<width$} {:<versions$} Architecture Description\n+++-{}-{}-{}-{}\n",
                "Name",
                "Version",
                "=".repeat(width),
                "=".repeat(versions),
                "=".repeat(12),
                "=".repeat(40)
            );
            for (name, version, description) in found {
                let desired = if held.lines().any(|line| line == *name) { "hi" } else { "ii" };
                text.push_str(&format!("{desired}  {name:<width$} {version:<versions$} amd64        {description}\n"));
            }
            let _ = context.stdout.write(text).await;
            ExitStatus::SUCCESS
        }
        "-s" | "--status" | "-W" | "--show" => {
            let mut status = ExitStatus::SUCCESS;
            for pattern in patterns {
                match PACKAGES.iter().find(|(name, ..)| name == pattern) {
                    Some((name, version, description)) if args[0].contains('s') && args[0] != "--show" => {
                        let _ = context.stdout.line(format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nDescription: {description}")).await;
                    }
                    Some((name, version, _)) => {
                        let _ = context.stdout.line(format!("{name}\t{version}")).await;
                    }
                    None => {
                        let _ = context
                            .stderr
                            .line(format!("dpkg-query: package '{pattern}' is not installed and no information is available"))
                            .await;
                        status = ExitStatus::FAILURE;
                    }
                }
            }
            status
        }
        "--print-architecture" => {
            let _ = context.stdout.line("amd64").await;
            ExitStatus::SUCCESS
        }
        _ => {
            let _ = context.stderr.line("dpkg: error: installing and removing packages is not simulated").await;
            ExitStatus::Code(2)
        }
    }
}
