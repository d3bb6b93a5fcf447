//! `kubeadm`: questions about a cluster that stands. Setting one up, upgrading and resetting are not simulated.

use std::time::Duration;

use component::tls::certificates;
use jiff::Timestamp;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::machine::{ExitStatus, ProcessContext};

const VERSION: &str = "v1.35.4";
const PKI: &str = "/etc/kubernetes/pki";

/// Name, file (a certificate or a kubeconfig), authority.
const CERTIFICATES: &[(&str, &str, &str)] = &[
    ("admin.conf", "/etc/kubernetes/admin.conf", "ca"),
    ("apiserver", "/etc/kubernetes/pki/apiserver.crt", "ca"),
    ("apiserver-etcd-client", "/etc/kubernetes/pki/apiserver-etcd-client.crt", "etcd-ca"),
    ("apiserver-kubelet-client", "/etc/kubernetes/pki/apiserver-kubelet-client.crt", "ca"),
    ("controller-manager.conf", "/etc/kubernetes/controller-manager.conf", "ca"),
    ("etcd-healthcheck-client", "/etc/kubernetes/pki/etcd/healthcheck-client.crt", "etcd-ca"),
    ("etcd-peer", "/etc/kubernetes/pki/etcd/peer.crt", "etcd-ca"),
    ("etcd-server", "/etc/kubernetes/pki/etcd/server.crt", "etcd-ca"),
    ("front-proxy-client", "/etc/kubernetes/pki/front-proxy-client.crt", "front-proxy-ca"),
    ("scheduler.conf", "/etc/kubernetes/scheduler.conf", "ca"),
    ("super-admin.conf", "/etc/kubernetes/super-admin.conf", "ca"),
];

const AUTHORITIES: &[(&str, &str)] = &[
    ("ca", "/etc/kubernetes/pki/ca.crt"),
    ("etcd-ca", "/etc/kubernetes/pki/etcd/ca.crt"),
    ("front-proxy-ca", "/etc/kubernetes/pki/front-proxy-ca.crt"),
];

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let words: Vec<&str> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).map(String::as_str).collect();
    match words[..] {
        ["version", ..] => {
            let short = context.argv.iter().any(|arg| arg == "short" || arg == "-oshort" || arg == "--output=short");
            let text = if short {
                VERSION.to_owned()
            } else {
                format!(
                    "kubeadm version: &version.Info{{Major:\"1\", Minor:\"35\", EmulationMajor:\"\", EmulationMinor:\"\", MinCompatibilityMajor:\"\", MinCompatibilityMinor:\"\", GitVersion:\"{VERSION}\", GitTreeState:\"clean\", Compiler:\"gc\", Platform:\"linux/amd64\"}}"
                )
            };
            let _ = context.stdout.line(text).await;
            ExitStatus::SUCCESS
        }
        ["certs", "check-expiration"] => check_expiration(&context).await,
        [] => {
            let _ = context.stdout.line("KUBEADM: Easily bootstrap a secure Kubernetes cluster.\n\nSimulated here: kubeadm version, kubeadm certs check-expiration.").await;
            ExitStatus::SUCCESS
        }
        _ => {
            let _ = context.stderr.line(format!("error: \"kubeadm {}\" is not simulated", words.join(" "))).await;
            ExitStatus::FAILURE
        }
    }
}

async fn check_expiration(context: &ProcessContext) -> ExitStatus {
    if !context.files.exists(&format!("{PKI}/ca.key")) {
        let _ = context.stderr.line("error: this command must be run on a control plane node").await;
        return ExitStatus::FAILURE;
    }
    let mut text = "[check-expiration] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n[check-expiration] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n\n".to_owned();
    let now = context.machine.clock().now();
    let mut rows =
        vec![["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED"].map(str::to_owned).to_vec()];
    for (name, file, authority) in CERTIFICATES {
        rows.push(match expiry(context, file) {
            Some(end) => vec![(*name).to_owned(), shown(end), residual(end, now), (*authority).to_owned(), "no".to_owned()],
            None => vec![format!("!MISSING! {name}"), String::new(), String::new(), String::new(), String::new()],
        });
    }
    text.push_str(&super::report::columns(&rows, 3));
    text.push('\n');
    let mut rows = vec![["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED"].map(str::to_owned).to_vec()];
    for (name, file) in AUTHORITIES {
        rows.push(match expiry(context, file) {
            Some(end) => vec![(*name).to_owned(), shown(end), residual(end, now), "no".to_owned()],
            None => vec![format!("!MISSING! {name}"), String::new(), String::new(), String::new()],
        });
    }
    text.push_str(&super::report::columns(&rows, 3));
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}

/// End of the certificate in a file, or of the client certificate in a kubeconfig.
fn expiry(context: &ProcessContext, file: &str) -> Option<Timestamp> {
    let bytes = context.files.read(file).ok()?;
    let pem = if file.ends_with(".conf") {
        let files = context.files.clone();
        let read = move |path: &str| files.read(path).map(|bytes| bytes.to_vec()).map_err(crate::fs::Errno::go);
        component::kubeconfig::Kubeconfig::parse(file, &bytes).ok()?.target(None, &read).ok()?.tls.cert_pem?
    } else {
        bytes.to_vec()
    };
    let der = certificates(&pem).into_iter().next()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn shown(end: Timestamp) -> String {
    end.strftime("%b %d, %Y %H:%M UTC").to_string()
}

/// apimachinery's `ShortHumanDuration`: the largest unit alone.
fn residual(end: Timestamp, now: Timestamp) -> String {
    let Ok(left) = Duration::try_from(end.duration_since(now)) else { return "<invalid>".to_owned() };
    match left.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds @ 86_400..31_536_000 => format!("{}d", seconds / 86_400),
        seconds => format!("{}y", seconds / 31_536_000),
    }
}
