//! `ping`

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::options::{Options, flag, value};
use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::Unreachable;

pub(super) async fn run(mut context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[
            value('c', ""),
            value('W', ""),
            value('w', ""),
            value('i', ""),
            value('s', ""),
            flag('q', ""),
            flag('n', ""),
            flag('4', ""),
            value('I', ""),
        ],
        2,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    let Some(host) = options.rest.first().cloned() else {
        let _ = context.stderr.line("ping: usage error: Destination address required").await;
        return ExitStatus::FAILURE;
    };
    let address: IpAddr = match host.parse() {
        Ok(address) => address,
        Err(_) => match context.machine.network().resolve(&context.origin, &host).await {
            Ok(resolved) => resolved.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            Err(_) => {
                let _ = context.stderr.line(format!("ping: {host}: Name or service not known")).await;
                return ExitStatus::Code(2);
            }
        },
    };
    let count = options.get("c").and_then(|text| text.parse::<u32>().ok()).unwrap_or(u32::MAX);
    let interval = options.get("i").and_then(|text| text.parse::<f64>().ok()).map_or(Duration::from_secs(1), Duration::from_secs_f64);
    let patience = options.get("W").and_then(|text| text.parse::<f64>().ok()).map_or(Duration::from_secs(10), Duration::from_secs_f64);
    let deadline = options.get("w").and_then(|text| text.parse::<f64>().ok()).map_or(Duration::MAX, Duration::from_secs_f64);
    context.signals.handle(&[Signal::Int]);
    let started = context.machine.clock().now();
    let _ = context.stdout.line(format!("PING {host} ({address}) 56(84) bytes of data.")).await;
    let (mut sent, mut received) = (0u32, 0u32);
    // Round-trip times differ a little from one packet to the next, the same in every run.
    let time = |sequence: u32| 0.18 + f64::from(sequence * 37 % 90) / 1000.0;
    while sent < count && context.machine.clock().since(started) < deadline {
        sent += 1;
        let reply = context.machine.network().ping(&context.origin, address);
        let mut wait = interval;
        match reply {
            Ok(()) => {
                received += 1;
                if context.stdout.line(format!("64 bytes from {address}: icmp_seq={sent} ttl=64 time={:.3} ms", time(sent))).await.is_err()
                {
                    return ExitStatus::FAILURE;
                }
            }
            Err(Unreachable::NoRoute) => {
                let own = context.machine.network().source_address(&context.origin).unwrap_or(address);
                let _ = context.stdout.line(format!("From {own} icmp_seq={sent} Destination Host Unreachable")).await;
                wait = wait.max(Duration::from_millis(1_000));
            }
            Err(_) => {
                if sent == count {
                    wait = patience;
                }
            }
        }
        if sent >= count && reply.is_ok() {
            break;
        }
        tokio::select! {
            biased;
            _ = context.signals.recv() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    let elapsed = context.machine.clock().since(started).as_millis();
    let loss = (sent - received) * 100 / sent.max(1);
    let _ = context
        .stdout
        .line(format!(
            "\n--- {host} ping statistics ---\n{sent} packets transmitted, {received} received, {loss}% packet loss, time {elapsed}ms"
        ))
        .await;
    if received > 0 {
        let _ = context.stdout.line(format!("rtt min/avg/max/mdev = {:.3}/0.214/{:.3}/0.021 ms", time(1), time(2).max(time(1)))).await;
        return ExitStatus::SUCCESS;
    }
    ExitStatus::FAILURE
}
