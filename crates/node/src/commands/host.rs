//! `host`

use std::net::{IpAddr, SocketAddr};

use super::dig::reverse_name;
use crate::machine::{ExitStatus, ProcessContext};
use crate::network::{Rcode, RecordData, RecordType};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let words: Vec<&String> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let Some(name) = words.first() else {
        let _ = context.stderr.line("Usage: host [-t type] hostname [server]").await;
        return ExitStatus::FAILURE;
    };
    let network = context.machine.network();
    let config = network.resolver(&context.origin);
    let server = words
        .get(1)
        .and_then(|server| server.parse().ok())
        .or(config.nameservers.first().copied())
        .unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let reverse = name.parse::<IpAddr>().ok();
    let (candidates, kind) = match reverse {
        Some(ip) => (vec![reverse_name(ip)], RecordType::Ptr),
        None => (config.candidates(name), RecordType::A),
    };
    let mut rcode = Rcode::NxDomain;
    for candidate in candidates {
        let Ok(reply) = network.query(&context.origin, SocketAddr::new(server, 53), &candidate, kind).await else {
            let _ = context.stdout.line(";; communications error: no servers could be reached").await;
            return ExitStatus::FAILURE;
        };
        rcode = reply.rcode;
        for record in &reply.records {
            let line = match &record.data {
                RecordData::A(ip) => format!("{} has address {ip}", record.name),
                RecordData::Aaaa(ip) => format!("{} has IPv6 address {ip}", record.name),
                RecordData::Cname(alias) => format!("{} is an alias for {alias}.", record.name),
                RecordData::Ptr(host) => format!("{} domain name pointer {host}.", record.name),
                _ => continue,
            };
            let _ = context.stdout.line(line).await;
        }
        if !reply.records.is_empty() {
            return ExitStatus::SUCCESS;
        }
    }
    let code = if rcode == Rcode::NoError { Rcode::NxDomain } else { rcode };
    let _ = context.stdout.line(format!("Host {name} not found: {}({})", if code == Rcode::NxDomain { 3 } else { 2 }, code.name())).await;
    ExitStatus::FAILURE
}
