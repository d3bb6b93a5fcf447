//! busybox's `nslookup` (`networking/nslookup.c` with FEATURE_NSLOOKUP_BIG): it asks for A and AAAA at once, searches the domains of
//! resolv.conf only for names without a dot, shows each answer, and fails if one of them is a refusal.

use std::net::{IpAddr, SocketAddr};

use super::super::dig::reverse_name;
use super::shown;
use crate::machine::{ExitStatus, ProcessContext};
use crate::network::{QueryFailure, Rcode, RecordType};

pub(super) async fn run(context: &ProcessContext, name: &str, kind: Option<RecordType>, server: IpAddr) -> ExitStatus {
    let network = context.machine.network();
    let config = network.resolver(&context.origin);
    let reverse = name.parse::<IpAddr>().ok().filter(|_| kind.is_none());
    let kinds = match (kind, reverse) {
        (Some(kind), _) => vec![kind],
        (None, Some(_)) => vec![RecordType::Ptr],
        (None, None) => vec![RecordType::A, RecordType::Aaaa],
    };
    let names = match reverse {
        Some(ip) => vec![reverse_name(ip)],
        None if name.contains('.') || config.search.is_empty() => vec![name.trim_end_matches('.').to_owned()],
        None => config.search.iter().map(|domain| format!("{name}.{domain}")).collect(),
    };
    let target = SocketAddr::new(server, 53);
    let mut text = String::new();
    let mut status = ExitStatus::SUCCESS;
    for kind in &kinds {
        for name in &names {
            let reply = match network.query(&context.origin, target, name, *kind).await {
                Ok(reply) => reply,
                // All queries wait at the same time; nothing has come when one has not.
                Err(error) => {
                    if error.kind == QueryFailure::Refused {
                        let _ = context.stderr.line("nslookup: read: Connection refused").await;
                    }
                    let _ = context.stdout.write(";; connection timed out; no servers could be reached\n\n").await;
                    return ExitStatus::FAILURE;
                }
            };
            if text.is_empty() {
                text = format!("Server:\t\t{server}\nAddress:\t{target}\n\n");
            }
            if reply.rcode != Rcode::NoError {
                text.push_str(&format!("** server can't find {name}: {}\n", reply.rcode.name()));
                status = ExitStatus::FAILURE;
            } else {
                if !reply.authoritative {
                    text.push_str("Non-authoritative answer:\n");
                }
                text.extend(reply.records.iter().map(|record| shown(record, "")));
            }
            text.push('\n');
        }
    }
    let _ = context.stdout.write(text).await;
    status
}
