//! The server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use component::Origin;
use component::watch;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use tokio::task::JoinSet;

use super::corefile::{self, Block};
use super::kubernetes::{self, Objects, Settings};
use crate::kubelet::informer::{Store, reflect};
use crate::machine::{ExitStatus, Output, ProcessContext, Signal};
use crate::network::{NameServer, Network, Owner, Query, Rcode, Record, RecordData, RecordType, Reply, ResolverConfig};
use crate::servers::http::{self, Response};
use crate::servers::in_cluster;

/// How long a resumed server waits for its caches; sockets of resumed processes are waited for a little longer.
const RESUME_PATIENCE: std::time::Duration = std::time::Duration::from_millis(1500);

pub(in crate::servers) async fn run(mut context: ProcessContext) -> ExitStatus {
    let path = context
        .argv
        .iter()
        .position(|word| word == "-conf")
        .and_then(|at| context.argv.get(at + 1).cloned())
        .unwrap_or_else(|| "Corefile".to_owned());
    let path = context.path(&path);
    let text = match context.files.read_text(&path) {
        Ok(text) => text,
        Err(errno) => {
            context.stderr.write_now(format!("open {path}: {}\n", errno.go()).as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    let blocks = match corefile::parse(&path, &text) {
        Ok(blocks) => blocks,
        Err(error) => {
            context.stderr.write_now(format!("{error}\n").as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    let say = |line: &str| context.stdout.write_now(format!("{line}\n").as_bytes());
    let mut tasks = JoinSet::new();
    let (service_sender, services) = watch::channel(Store::<Service>::default());
    let (slice_sender, slices) = watch::channel(Store::<EndpointSlice>::default());
    let kubernetes = blocks.iter().find_map(|block| block.plugin("kubernetes"));
    if kubernetes.is_some() {
        match in_cluster::client(&context) {
            Ok(client) => {
                tasks.spawn(reflect(client.clone(), "/api/v1/services".to_owned(), service_sender));
                tasks.spawn(reflect(client, "/apis/discovery.k8s.io/v1/endpointslices".to_owned(), slice_sender));
            }
            Err(error) => {
                context.stderr.write_now(format!("plugin/kubernetes: {error}\n").as_bytes());
                return ExitStatus::FAILURE;
            }
        }
    }
    let server = Arc::new(Server {
        network: context.machine.network().clone(),
        origin: context.origin.clone(),
        stdout: context.stdout.clone(),
        files: context.files.clone(),
        services: services.clone(),
        slices: slices.clone(),
        blocks: blocks.clone(),
    });
    if context.resumed && kubernetes.is_some() {
        // It knew the cluster before: it answers again once it does, and callers wait that long for its sockets.
        let (mut services, mut slices) = (services.clone(), slices.clone());
        let filled = async {
            let _ = services.wait_for(|services| services.synced).await;
            let _ = slices.wait_for(|slices| slices.synced).await;
        };
        let _ = tokio::time::timeout(RESUME_PATIENCE, filled).await;
    }
    let owner = || Owner { pid: context.pid, program: "coredns".to_owned() };
    let any = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let network = context.machine.network().clone();
    let mut ports: Vec<u16> = blocks.iter().flat_map(Block::zones).map(|(_, port)| port).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut sockets = Vec::new();
    for port in ports {
        match network.serve_names(&context.origin, any(port), owner(), server.clone()) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                context.stderr.write_now(format!("{error}\n").as_bytes());
                return ExitStatus::FAILURE;
            }
        }
    }
    for (name, port) in [("health", 8080), ("ready", 8181), ("prometheus", 9153)] {
        if !blocks.iter().any(|block| block.plugin(name).is_some()) {
            continue;
        }
        if let Ok(mut listener) = network.listen(&context.origin, any(port), owner(), None) {
            let (services, slices) = (services.clone(), slices.clone());
            let needs_sync = kubernetes.is_some();
            tasks.spawn(async move {
                let mut connections = JoinSet::new();
                loop {
                    let accepted = listener.accept().await;
                    let ready = !needs_sync || services.borrow().synced && slices.borrow().synced;
                    connections.spawn(http::serve(accepted, move |request| async move {
                        match (port, request.path.as_str()) {
                            (8080, "/health") => Response::text(200, "OK"),
                            (8181, "/ready") if ready => Response::text(200, "OK"),
                            (8181, "/ready") => Response::text(503, "kubernetes"),
                            (9153, "/metrics") => {
                                Response::text(200, "# TYPE coredns_build_info gauge\ncoredns_build_info{version=\"1.13.1\"} 1\n")
                            }
                            _ => Response::text(404, "404 page not found\n"),
                        }
                    }));
                }
            });
        }
    }
    context.signals.handle(&[Signal::Term, Signal::Int]);
    if !context.resumed {
        if kubernetes.is_some() {
            say("[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server");
        }
        for block in &blocks {
            for (zone, port) in block.zones() {
                say(&format!("{zone}.:{port}").replace("..", "."));
            }
        }
        use sha2::Digest;
        let hash: String = sha2::Sha512::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        say(&format!("[INFO] plugin/reload: Running configuration SHA512 = {hash}"));
        say("CoreDNS-1.13.1");
        say("linux/amd64, go1.25.2, 1db4568");
    }
    context.signals.recv().await;
    say("[INFO] SIGTERM: Shutting down servers then terminating");
    if blocks.iter().any(|block| block.plugin("health").is_some()) {
        say("[INFO] plugin/health: Going into lameduck mode for 5s");
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
    drop(sockets);
    ExitStatus::SUCCESS
}

struct Server {
    network: Arc<Network>,
    origin: Origin,
    stdout: Output,
    files: crate::fs::View,
    services: watch::Receiver<Store<Service>>,
    slices: watch::Receiver<Store<EndpointSlice>>,
    blocks: Vec<Block>,
}

impl NameServer for Server {
    fn answer<'a>(&'a self, query: Query) -> BoxFuture<'a, Option<Reply>> {
        Box::pin(async move {
            let zone_of = |block: &Block| {
                block
                    .zones()
                    .into_iter()
                    .map(|(zone, _)| zone)
                    .filter(|zone| zone.is_empty() || query.name == *zone || query.name.ends_with(&format!(".{zone}")))
                    .map(|zone| zone.len())
                    .max()
            };
            // The block with the most specific zone.
            let block = self
                .blocks
                .iter()
                .filter_map(|block| Some((zone_of(block)?, block)))
                .max_by_key(|(length, _)| *length)
                .map(|(_, block)| block);
            let Some(block) = block else { return Some(Reply::empty(Rcode::Refused)) };
            let reply = self.resolve(block, &query).await;
            if block.plugin("log").is_some() {
                let line = format!(
                    "[INFO] {}:40000 - 1 \"{} IN {}. udp 50 false 512\" {} qr,aa,rd 100 0.000150s\n",
                    query.from,
                    query.kind.name(),
                    query.name,
                    reply.rcode.name()
                );
                self.stdout.write_now(line.as_bytes());
            }
            Some(reply)
        })
    }
}

impl Server {
    async fn resolve(&self, block: &Block, query: &Query) -> Reply {
        let asked = query.name.clone();
        let mut name = asked.clone();
        for rewrite in block.plugins.iter().filter(|plugin| plugin.name == "rewrite") {
            let args: Vec<&str> = rewrite.args.iter().map(String::as_str).filter(|arg| !matches!(*arg, "stop" | "continue")).collect();
            if let ["name", rest @ ..] = args.as_slice() {
                let clean = |name: &str| name.trim_end_matches('.').to_lowercase();
                name = match rest {
                    ["exact", from, to, ..] | [from, to] if clean(from) == name => clean(to),
                    ["suffix", from, to, ..] if name.ends_with(&clean(from)) => {
                        format!("{}{}", &name[..name.len() - clean(from).len()], clean(to))
                    }
                    ["prefix", from, to, ..] if name.starts_with(from) => format!("{to}{}", &name[from.len()..]),
                    _ => name,
                };
            }
        }
        let mut reply = self.plugins(block, query, &name).await;
        // Answers carry the name that was asked for.
        if name != asked {
            for record in &mut reply.records {
                if record.name == name {
                    record.name.clone_from(&asked);
                }
            }
        }
        reply
    }

    async fn plugins(&self, block: &Block, query: &Query, name: &str) -> Reply {
        if let Some(hosts) = block.plugin("hosts") {
            let mut lines: Vec<Vec<String>> = hosts.lines.clone();
            if let Some(file) = hosts.args.first() {
                let text = self.files.read_text(file).unwrap_or_default();
                lines.extend(text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()));
            }
            let addresses: Vec<Record> = lines
                .iter()
                .filter(|line| line.iter().skip(1).any(|host| host.trim_end_matches('.').eq_ignore_ascii_case(name)))
                .filter_map(|line| match line[0].parse().ok()? {
                    IpAddr::V4(ip) if query.kind == RecordType::A => Some(RecordData::A(ip)),
                    IpAddr::V6(ip) if query.kind == RecordType::Aaaa => Some(RecordData::Aaaa(ip)),
                    _ => None,
                })
                .map(|data| Record { name: name.to_owned(), ttl: 3600, data })
                .collect();
            if !addresses.is_empty() {
                return Reply { rcode: Rcode::NoError, authoritative: true, records: addresses };
            }
        }
        if let Some(plugin) = block.plugin("kubernetes") {
            let option = |name: &str| plugin.lines.iter().find(|line| line[0] == name).and_then(|line| line.get(1).cloned());
            let settings = Settings {
                zones: if plugin.args.is_empty() {
                    vec!["cluster.local".to_owned()]
                } else {
                    plugin.args.iter().map(|zone| zone.trim_end_matches('.').to_lowercase()).collect()
                },
                pods: option("pods").unwrap_or_else(|| "disabled".to_owned()),
                ttl: option("ttl").and_then(|ttl| ttl.parse().ok()).unwrap_or(5),
            };
            let found = {
                let (services, slices) = (self.services.borrow(), self.slices.borrow());
                let in_zone = settings.zones.iter().any(|zone| name == zone || name.ends_with(&format!(".{zone}")));
                if in_zone && !services.synced {
                    Some(Reply::empty(Rcode::ServFail))
                } else {
                    kubernetes::answer(&Objects { services: &services.objects, slices: &slices.objects }, &settings, name, query.kind)
                }
            };
            if let Some(mut reply) = found {
                // The target of an alias is looked up as well.
                let alias = reply.records.iter().find_map(|record| match &record.data {
                    RecordData::Cname(target) if query.kind != RecordType::Cname => Some(target.clone()),
                    _ => None,
                });
                if let Some(target) = alias {
                    let further = Box::pin(self.plugins(block, query, &target)).await;
                    reply.records.extend(further.records);
                }
                return reply;
            }
        }
        let Some(forward) = block.plugin("forward") else {
            return Reply::empty(if block.plugin("kubernetes").is_some() { Rcode::ServFail } else { Rcode::Refused });
        };
        let mut upstreams = Vec::new();
        for to in forward.args.iter().skip(1) {
            if to.starts_with('/') {
                let text = self.files.read_text(to).unwrap_or_default();
                upstreams.extend(ResolverConfig::parse(&text, "").nameservers.into_iter().map(|ip| SocketAddr::new(ip, 53)));
            } else if let Ok(address) = to.parse::<SocketAddr>() {
                upstreams.push(address);
            } else if let Ok(ip) = to.parse::<IpAddr>() {
                upstreams.push(SocketAddr::new(ip, 53));
            }
        }
        for upstream in upstreams {
            match self.network.query(&self.origin, upstream, name, query.kind).await {
                Ok(reply) => return Reply { authoritative: false, ..reply },
                Err(error) => {
                    if block.plugin("errors").is_some() {
                        let line = format!("[ERROR] plugin/errors: 2 {name}. {}: {error}\n", query.kind.name());
                        self.stdout.write_now(line.as_bytes());
                    }
                }
            }
        }
        Reply::empty(Rcode::ServFail)
    }
}
