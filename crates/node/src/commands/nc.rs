//! `nc`: is a port open, and text to and from it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use component::dial::DialError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::options::{Options, flag, value};
use crate::machine::{ExitStatus, ProcessContext};
use crate::network::Owner;

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('z', ""),
        flag('v', ""),
        flag('n', ""),
        flag('l', ""),
        flag('u', ""),
        flag('k', ""),
        flag('N', ""),
        flag('4', ""),
        value('w', ""),
        value('p', ""),
        value('q', ""),
        value('i', ""),
    ];
    let options = match Options::of(&context, &specs, 1).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.has("u") {
        let _ = context.stderr.line("nc: UDP is not simulated, names excepted").await;
        return ExitStatus::FAILURE;
    }
    if options.has("l") {
        return listen(&context, &options).await;
    }
    let [host, port] = &options.rest[..] else {
        let _ = context.stderr.line("usage: nc [-lnvz] [-w timeout] [destination] [port]").await;
        return ExitStatus::FAILURE;
    };
    let limit = options.get("w").and_then(|text| text.parse().ok()).map_or(Duration::from_secs(130), Duration::from_secs);
    let (first, last) = port.split_once('-').map_or((port.as_str(), port.as_str()), |range| range);
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else {
        let _ = context.stderr.line(format!("nc: port number invalid: {port}")).await;
        return ExitStatus::FAILURE;
    };
    let address: IpAddr = match host.parse() {
        Ok(address) => address,
        Err(_) => match context.machine.network().resolve(&context.origin, host).await {
            Ok(resolved) => resolved.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            Err(_) => {
                let _ = context.stderr.line(format!("nc: getaddrinfo for host \"{host}\" port {port}: Name or service not known")).await;
                return ExitStatus::FAILURE;
            }
        },
    };
    let mut status = ExitStatus::FAILURE;
    for port in first..=last {
        let connected =
            tokio::time::timeout(limit, context.machine.network().connect_tcp(&context.origin, SocketAddr::new(address, port), None)).await;
        match connected {
            Ok(Ok(connection)) => {
                status = ExitStatus::SUCCESS;
                if options.has("v") {
                    let _ = context.stderr.line(format!("Connection to {host} ({address}) {port} port [tcp/*] succeeded!")).await;
                }
                if !options.has("z") {
                    talk(&context, connection.stream).await;
                }
            }
            Ok(Err(error)) => {
                let reason = match error {
                    DialError::NoRoute { .. } => "No route to host",
                    DialError::Timeout { .. } => "Connection timed out",
                    _ => "Connection refused",
                };
                if options.has("v") {
                    let _ = context.stderr.line(format!("nc: connect to {host} ({address}) port {port} (tcp) failed: {reason}")).await;
                }
            }
            Err(_) => {
                if options.has("v") {
                    let _ = context
                        .stderr
                        .line(format!("nc: connect to {host} ({address}) port {port} (tcp) timed out: Operation now in progress"))
                        .await;
                }
            }
        }
    }
    status
}

async fn talk(context: &ProcessContext, stream: tokio::io::DuplexStream) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        while let Some(chunk) = context.stdin.read().await {
            if writer.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = writer.shutdown().await;
        std::future::pending::<()>().await;
    };
    let receive = async {
        let mut buffer = vec![0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            if context.stdout.write(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = receive => {}
        () = send => {}
    }
}

async fn listen(context: &ProcessContext, options: &Options) -> ExitStatus {
    let port = options.get("p").or(options.rest.last().map(String::as_str)).and_then(|text| text.parse::<u16>().ok());
    let Some(port) = port else {
        let _ = context.stderr.line("nc: missing port with option -l").await;
        return ExitStatus::FAILURE;
    };
    let owner = Owner { pid: context.pid, program: "nc".to_owned() };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let mut listener = match context.machine.network().listen(&context.origin, address, owner, None) {
        Ok(listener) => listener,
        Err(error) => {
            let _ = context.stderr.line(format!("nc: {error}")).await;
            return ExitStatus::FAILURE;
        }
    };
    if options.has("v") {
        let _ = context.stderr.line(format!("Listening on 0.0.0.0 {port}")).await;
    }
    loop {
        let accepted = listener.accept().await;
        if options.has("v") {
            let _ = context.stderr.line(format!("Connection received on {} {}", accepted.peer.ip(), accepted.peer.port())).await;
        }
        talk(context, accepted.stream).await;
        if !options.has("k") {
            return ExitStatus::SUCCESS;
        }
    }
}
