//! etcd: while its process runs, the store answers. Its content is the World's; its data directory only has to be there.

use std::net::SocketAddr;

use apiserver::Store;
use component::pflag::{FlagError, Flags};
use futures::future::BoxFuture;
use node::machine::{ExitStatus, ProcessContext, Program};
use node::network::ServerTls;

use super::files;
use super::flags::ETCD;
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
            let flags = match parse(context.argv.get(1..).unwrap_or_default()) {
                Ok(flags) => flags,
                Err(refusal) => {
                    context.stderr.write_now(format!("{refusal}\n").as_bytes());
                    return ExitStatus::from(2);
                }
            };
            match start(&context, &flags) {
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

/// etcd reads its flags with Go's own package: one dash is as good as two, and the words of refusals differ from pflag's.
fn parse(arguments: &[String]) -> Result<Flags, String> {
    let long = |word: &String| match word.strip_prefix('-') {
        Some(name) if !name.is_empty() && !name.starts_with('-') => format!("--{name}"),
        _ => word.clone(),
    };
    Flags::parse(ETCD, &arguments.iter().map(long).collect::<Vec<_>>()).map_err(|error| match error {
        FlagError::Unknown(name) => format!("flag provided but not defined: -{name}"),
        FlagError::NeedsArgument(name) => format!("flag needs an argument: -{name}"),
        FlagError::Invalid { flag, value, reason } => {
            let kind = if reason.contains("ParseBool") { "boolean value" } else { "value" };
            let of = if reason.contains("ParseBool") { "for" } else { "for flag" };
            format!("invalid {kind} {value:?} {of} {}: parse error", &flag[1..])
        }
        other => other.to_string(),
    })
}

fn start(context: &ProcessContext, flags: &Flags) -> Result<Vec<node::network::Listener>, String> {
    if let Some(word) = flags.positional.first() {
        return Err(format!("error verifying flags, {word:?} is not a valid flag"));
    }
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

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn flags_are_read_as_gos_own_package_reads_them() {
        let parse = |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let flags = parse("-data-dir=/var/lib/etcd --client-cert-auth --snapshot-count 10000").expect("valid");
        assert_eq!((flags.text("data-dir"), flags.switch("client-cert-auth", false)), (Some("/var/lib/etcd"), true));
        for (line, refusal) in [
            ("--etcd-servers=x", "flag provided but not defined: -etcd-servers"),
            ("--data-dir", "flag needs an argument: -data-dir"),
            ("--client-cert-auth=maybe", r#"invalid boolean value "maybe" for -client-cert-auth: parse error"#),
            ("--snapshot-count=many", r#"invalid value "many" for flag -snapshot-count: parse error"#),
        ] {
            assert_eq!(parse(line), Err(refusal.to_owned()), "{line}");
        }
    }
}
