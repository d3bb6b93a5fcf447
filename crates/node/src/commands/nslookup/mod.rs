//! `nslookup`: BIND's, and busybox's where it is `/bin/nslookup`.

mod busybox;

use std::net::{IpAddr, SocketAddr};

use super::dig::reverse_name;
use crate::machine::{ExitStatus, ProcessContext};
use crate::network::{QueryFailure, Rcode, Record, RecordData, RecordType};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut kind = None;
    let mut words = Vec::new();
    for arg in context.argv.iter().skip(1) {
        match arg.strip_prefix("-type=").or_else(|| arg.strip_prefix("-query=")).or_else(|| arg.strip_prefix("-q=")) {
            Some(name) => kind = RecordType::parse(name),
            None if arg.starts_with('-') => {}
            None => words.push(arg.clone()),
        }
    }
    let Some(name) = words.first().cloned() else {
        let _ = context.stderr.line("nslookup: the interactive mode is not simulated: give a name").await;
        return ExitStatus::FAILURE;
    };
    let network = context.machine.network();
    let config = network.resolver(&context.origin);
    let server = match words.get(1) {
        Some(server) => match server.parse::<IpAddr>() {
            Ok(ip) => ip,
            Err(_) => match network.resolve(&context.origin, server).await {
                Ok(resolved) if !resolved.addresses.is_empty() => resolved.addresses[0],
                _ => {
                    let _ = context.stderr.line(format!("nslookup: couldn't get address for '{server}': not found")).await;
                    return ExitStatus::FAILURE;
                }
            },
        },
        None => config.nameservers.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
    };
    if context.is_file("/bin/nslookup") {
        return busybox::run(&context, &name, kind, server).await;
    }
    let target = SocketAddr::new(server, 53);
    let reverse = name.parse::<IpAddr>().ok();
    let candidates = match reverse {
        Some(ip) => vec![reverse_name(ip)],
        None => config.candidates(&name),
    };
    let kind = kind.unwrap_or(if reverse.is_some() { RecordType::Ptr } else { RecordType::A });
    let mut last = None;
    for candidate in &candidates {
        let reply = match network.query(&context.origin, target, candidate, kind).await {
            Ok(reply) => reply,
            Err(error) => {
                let text = match error.kind {
                    QueryFailure::Refused => format!(";; communications error to {server}#53: connection refused"),
                    QueryFailure::Timeout => format!(";; communications error to {server}#53: timed out"),
                };
                let _ = context.stdout.line(format!("{text}\n;; no servers could be reached\n")).await;
                return ExitStatus::FAILURE;
            }
        };
        if reply.rcode != Rcode::NoError || reply.records.is_empty() {
            last = Some(reply.rcode);
            continue;
        }
        let mut text = format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n");
        if reverse.is_none() && !reply.authoritative {
            text.push_str("Non-authoritative answer:\n");
        }
        for record in &reply.records {
            text.push_str(&shown(record, "."));
        }
        let _ = context.stdout.line(text).await;
        return ExitStatus::SUCCESS;
    }
    let shown = if reverse.is_some() { candidates[0].clone() } else { name };
    let rcode = last.unwrap_or(Rcode::NxDomain);
    let text = if rcode == Rcode::NoError {
        format!("*** Can't find {shown}: No answer")
    } else {
        format!("** server can't find {shown}: {}", rcode.name())
    };
    let _ = context.stdout.line(format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n{text}\n")).await;
    ExitStatus::FAILURE
}

/// A record on a line. BIND ends the names in it with a dot.
fn shown(record: &Record, dot: &str) -> String {
    match &record.data {
        RecordData::A(ip) => format!("Name:\t{}\nAddress: {ip}\n", record.name),
        RecordData::Aaaa(ip) => format!("Name:\t{}\nAddress: {ip}\n", record.name),
        RecordData::Cname(alias) => format!("{}\tcanonical name = {alias}{dot}\n", record.name),
        RecordData::Ptr(host) => format!("{}\tname = {host}{dot}\n", record.name),
        RecordData::Srv { priority, weight, port, target } => {
            format!("{}\tservice = {priority} {weight} {port} {target}{dot}\n", record.name)
        }
        RecordData::Txt(text) => format!("{}\ttext = \"{text}\"\n", record.name),
        RecordData::Ns(host) => format!("{}\tnameserver = {host}{dot}\n", record.name),
        RecordData::Soa(primary, mail) => format!("{}\n\torigin = {primary}\n\tmail addr = {mail}\n", record.name),
    }
}
