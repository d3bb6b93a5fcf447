//! etcd: while its process runs, the store answers. Its content is the World's; its data directory only has to be there.

use std::net::SocketAddr;

use apiserver::Store;
use futures::future::BoxFuture;
use node::machine::{ExitStatus, ProcessContext, Program};
use node::network::ServerTls;

use super::files;
use super::flags::{ETCD, Flags};
use super::health;

/// The program.
pub struct Etcd {
    /// The World's store.
    pub store: Store,
}

/// Closes the store when the process ends, however it ends.
struct Open(Store);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set_available(false);
    }
}

impl Program for Etcd {
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus> {
        let store = self.store.clone();
        Box::pin(async move {
            match start(&context) {
                Ok(listeners) => {
                    let _open = Open(store.clone());
                    store.set_available(true);
                    if !context.resumed {
                        log(&context, "info", "embed/serve.go:283", "serving client traffic securely");
                    }
                    futures::future::join_all(listeners.into_iter().map(health::serve)).await;
                    ExitStatus::FAILURE
                }
                Err(reason) => {
                    log(&context, "fatal", "etcdmain/etcd.go:204", &reason);
                    ExitStatus::FAILURE
                }
            }
        })
    }
}

/// A line in zap's JSON form.
fn log(context: &ProcessContext, level: &str, caller: &str, message: &str) {
    let time = context.machine.clock().now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let line = serde_json::json!({"level": level, "ts": time, "caller": caller, "msg": message});
    context.stderr.write_now(format!("{line}\n").as_bytes());
}

fn start(context: &ProcessContext) -> Result<Vec<node::network::Listener>, String> {
    let flags = Flags::parse(&ETCD, context.argv.get(1..).unwrap_or_default()).map_err(|e| format!("failed to verify flags: {e}"))?;
    let data_dir = flags.text("data-dir").unwrap_or("default.etcd");
    if !context.files.exists(data_dir) {
        context.files.make_dirs(data_dir, 0o700).map_err(|e| format!("cannot access data directory: mkdir {data_dir}: {}", e.go()))?;
    }
    let tls = match (flags.text("cert-file"), flags.text("key-file")) {
        (Some(cert), Some(key)) => Some(ServerTls::from_pem(&files::key_pair(context, cert, key)?)),
        _ => None,
    };
    for flag in ["trusted-ca-file", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file"] {
        files::read_flag(context, flags.text(flag))?;
    }
    let mut listeners = Vec::new();
    for (flag, default) in
        [("listen-client-urls", "http://localhost:2379"), ("listen-peer-urls", "http://localhost:2380"), ("listen-metrics-urls", "")]
    {
        for url in flags.text(flag).unwrap_or(default).split(',').filter(|url| !url.is_empty()) {
            let address = address(url).ok_or_else(|| {
                format!("invalid value {url:?} for flag -{flag}: URL address does not have the form \"host:port\": {url}")
            })?;
            let tls = url.starts_with("https").then(|| tls.clone()).flatten();
            listeners.push(health::listen(context, "etcd", address, tls).map_err(|e| e.to_string())?);
        }
    }
    Ok(listeners)
}

fn address(url: &str) -> Option<SocketAddr> {
    let authority = url.split_once("://")?.1;
    authority.replace("localhost", "127.0.0.1").parse().ok()
}
