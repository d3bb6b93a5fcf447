//! `dig`

use std::net::{IpAddr, SocketAddr};

use crate::machine::{ExitStatus, ProcessContext};
use crate::network::{QueryFailure, Rcode, RecordData, RecordType, Reply};

/// Name under which an address is looked up in reverse.
pub(super) fn reverse_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let digits: Vec<String> =
                ip.octets().iter().rev().flat_map(|byte| [format!("{:x}", byte & 15), format!("{:x}", byte >> 4)]).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let network = context.machine.network();
    let config = network.resolver(&context.origin);
    let mut server = config.nameservers.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let (mut name, mut kind, mut short, mut search, mut answer_only) = (None, RecordType::A, false, false, false);
    let mut args = context.argv.iter().skip(1);
    while let Some(arg) = args.next() {
        if let Some(host) = arg.strip_prefix('@') {
            server = match host.parse() {
                Ok(ip) => ip,
                Err(_) => match network.resolve(&context.origin, host).await {
                    Ok(resolved) if !resolved.addresses.is_empty() => resolved.addresses[0],
                    _ => {
                        let _ = context.stdout.line(format!("dig: couldn't get address for '{host}': not found")).await;
                        return ExitStatus::Code(10);
                    }
                },
            };
        } else if let Some(option) = arg.strip_prefix('+') {
            match option {
                "short" => short = true,
                "search" => search = true,
                "noall" | "nocomments" | "nostats" => answer_only = true,
                _ => {}
            }
        } else if arg == "-x" {
            name = args.next().and_then(|ip| ip.parse().ok()).map(reverse_name);
            kind = RecordType::Ptr;
        } else if arg == "-t" {
            kind = args.next().and_then(|text| RecordType::parse(text)).unwrap_or(kind);
        } else if let (Some(found), true) = (RecordType::parse(arg), name.is_some() || !arg.contains('.')) {
            kind = found;
        } else if !arg.starts_with('-') {
            name = Some(arg.clone());
        }
    }
    let name = name.unwrap_or_else(|| ".".to_owned());
    let target = SocketAddr::new(server, 53);
    let candidates = if search { config.candidates(&name) } else { vec![name.trim_end_matches('.').to_owned()] };
    let mut answer: Option<(String, Reply)> = None;
    for candidate in candidates {
        match network.query(&context.origin, target, &candidate, kind).await {
            Ok(reply) => {
                let found = !reply.records.is_empty();
                answer = Some((candidate, reply));
                if found {
                    break;
                }
            }
            Err(error) => {
                let text = match error.kind {
                    QueryFailure::Refused => "connection refused",
                    QueryFailure::Timeout => "timed out",
                };
                let _ = context.stdout.line(format!(";; communications error to {server}#53: {text}\n\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> {}\n;; global options: +cmd\n;; no servers could be reached\n", context.argv[1..].join(" "))).await;
                return ExitStatus::Code(9);
            }
        }
    }
    let Some((asked, reply)) = answer else { return ExitStatus::Code(9) };
    let _ = context.stdout.write(print(&context, &asked, kind, &reply, server, short, answer_only)).await;
    ExitStatus::SUCCESS
}

fn data(data: &RecordData) -> (RecordType, String) {
    match data {
        RecordData::A(ip) => (RecordType::A, ip.to_string()),
        RecordData::Aaaa(ip) => (RecordType::Aaaa, ip.to_string()),
        RecordData::Cname(name) => (RecordType::Cname, format!("{name}.")),
        RecordData::Ptr(name) => (RecordType::Ptr, format!("{name}.")),
        RecordData::Srv { priority, weight, port, target } => (RecordType::Srv, format!("{priority} {weight} {port} {target}.")),
        RecordData::Txt(text) => (RecordType::Txt, format!("\"{text}\"")),
        RecordData::Ns(name) => (RecordType::Ns, format!("{name}.")),
        RecordData::Soa(primary, mail) => (RecordType::Soa, format!("{primary}. {mail}. 1 7200 1800 86400 5")),
    }
}

fn print(context: &ProcessContext, asked: &str, kind: RecordType, reply: &Reply, server: IpAddr, short: bool, answer_only: bool) -> String {
    let records: Vec<String> = reply
        .records
        .iter()
        .map(|record| {
            let (kind, text) = data(&record.data);
            if short { text } else { format!("{}.\t\t{}\tIN\t{}\t{text}", record.name, record.ttl, kind.name()) }
        })
        .collect();
    let answers = records.iter().fold(String::new(), |text, line| text + line + "\n");
    if short || answer_only {
        return answers;
    }
    let flags = if reply.authoritative { "qr aa rd" } else { "qr rd ra" };
    let id = asked.bytes().fold(7u16, |h, b| h.wrapping_mul(31).wrapping_add(u16::from(b)));
    let section =
        if reply.rcode == Rcode::NoError && !records.is_empty() { format!(";; ANSWER SECTION:\n{answers}\n") } else { String::new() };
    format!(
        "\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> {}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {}, id: {id}\n;; flags: {flags}; QUERY: 1, ANSWER: {}, AUTHORITY: 0, ADDITIONAL: 1\n\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n;; QUESTION SECTION:\n;{asked}.\t\tIN\t{}\n\n{section};; Query time: 0 msec\n;; SERVER: {server}#53({server}) (UDP)\n;; WHEN: {}\n;; MSG SIZE  rcvd: {}\n\n",
        context.argv[1..].join(" "),
        reply.rcode.name(),
        records.len(),
        kind.name(),
        context.machine.clock().now().strftime("%a %b %d %H:%M:%S UTC %Y"),
        40 + asked.len() + records.len() * 16,
    )
}
