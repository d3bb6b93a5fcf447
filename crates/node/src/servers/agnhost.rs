//! `agnhost`: `pause`, `netexec`, `serve-hostname` of Kubernetes' test image.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::task::JoinSet;

use super::http::{self, Response};
use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::Owner;

pub(super) async fn run(mut context: ProcessContext) -> ExitStatus {
    let command = context.argv.get(1).cloned().unwrap_or_else(|| "pause".to_owned());
    let option = |names: &[&str], default: u16| {
        context
            .argv
            .iter()
            .enumerate()
            .find_map(|(at, word)| {
                let word = word.trim_start_matches('-');
                names.iter().find_map(|name| match word.strip_prefix(name)?.strip_prefix('=') {
                    Some(value) => value.parse().ok(),
                    None if word == *name => context.argv.get(at + 1)?.parse().ok(),
                    None => None,
                })
            })
            .unwrap_or(default)
    };
    context.signals.handle(&[Signal::Term, Signal::Int]);
    let port = match command.as_str() {
        "pause" => {
            context.stdout.write_now(b"Paused\n");
            context.signals.recv().await;
            return ExitStatus::SUCCESS;
        }
        "netexec" => option(&["http-port"], 8080),
        "serve-hostname" => option(&["port"], 9376),
        other => {
            context.stderr.write_now(format!("Error: unknown command \"{other}\" for \"app\"\nRun 'app --help' for usage.\n").as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    let owner = Owner { pid: context.pid, program: "agnhost".to_owned() };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let mut listener = match context.machine.network().listen(&context.origin, address, owner, None) {
        Ok(listener) => listener,
        Err(error) => {
            context.stderr.write_now(format!("{error}\n").as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    let hostname = context.env.get("HOSTNAME").cloned().unwrap_or_default();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = context.signals.recv() => return ExitStatus::SUCCESS,
            accepted = listener.accept() => accepted,
        };
        let (hostname, clock, plain) = (hostname.clone(), context.machine.clock(), command == "serve-hostname");
        connections.spawn(http::serve(accepted, move |request| {
            let hostname = hostname.clone();
            async move {
                if plain {
                    return Response::text(200, format!("{hostname}\n"));
                }
                match request.path.as_str() {
                    "/hostname" | "/hostName" => Response::text(200, hostname),
                    "/clientip" => Response::text(200, request.peer.to_string()),
                    "/healthz" => Response::text(200, ""),
                    "/echo" => {
                        let message = request.query.split('&').find_map(|pair| pair.strip_prefix("msg=")).unwrap_or_default().to_owned();
                        Response::text(200, message)
                    }
                    "/" => Response::text(200, format!("NOW: {}", clock.now().strftime("%Y-%m-%d %H:%M:%S.%9f +0000 UTC"))),
                    _ => Response::text(404, "404 page not found\n"),
                }
            }
        }));
    }
}
