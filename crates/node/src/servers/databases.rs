//! Databases: they start, say so, listen and take part in probes; they do not speak their protocols.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::Owner;

async fn idle(mut context: ProcessContext, program: &str, port: u16, greeting: &[&str]) -> ExitStatus {
    context.signals.handle(&[Signal::Term, Signal::Int]);
    let owner = Owner { pid: context.pid, program: program.to_owned() };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let Ok(mut listener) = context.machine.network().listen(&context.origin, address, owner, None) else {
        context.stderr.write_now(format!("{program}: could not bind to port {port}: Address already in use\n").as_bytes());
        return ExitStatus::FAILURE;
    };
    if !context.resumed {
        let now = context.machine.clock().now().strftime("%Y-%m-%d %H:%M:%S.%3f UTC");
        for line in greeting {
            context.stderr.write_now(format!("{}\n", line.replace("{now}", &now.to_string())).as_bytes());
        }
    }
    let mut open = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = context.signals.recv() => return ExitStatus::SUCCESS,
            accepted = listener.accept() => {
                // Kept open for a while, so that a client sees a server that does not answer.
                open.push(accepted);
                if open.len() > 16 {
                    open.remove(0);
                }
            }
        }
    }
}

pub(super) async fn mysqld(context: ProcessContext) -> ExitStatus {
    idle(context, "mysqld", 3306, &["{now} 0 [System] [MY-010931] [Server] mysqld: ready for connections. socket: '/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL."]).await
}

pub(super) async fn postgres(context: ProcessContext) -> ExitStatus {
    idle(
        context,
        "postgres",
        5432,
        &[
            "PostgreSQL init process complete; ready for start up.",
            "{now} [1] LOG:  listening on IPv4 address \"0.0.0.0\", port 5432",
            "{now} [1] LOG:  database system is ready to accept connections",
        ],
    )
    .await
}

pub(super) async fn memcached(context: ProcessContext) -> ExitStatus {
    idle(context, "memcached", 11211, &[]).await
}
