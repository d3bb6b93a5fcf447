//! `ip`, `ifconfig` and `route`: addresses, links and routes; changing them is refused.

use std::net::{IpAddr, Ipv4Addr};

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

/// A network interface.
struct Link {
    name: String,
    index: u32,
    peer: Option<String>,
    address: Option<(IpAddr, u8)>,
    mac: String,
    up: bool,
}

/// Addresses of this network namespace, for `hostname -I`.
pub(super) fn own_addresses(context: &ProcessContext) -> String {
    let addresses: Vec<String> = links(context).iter().skip(1).filter_map(|link| link.address).map(|(ip, _)| ip.to_string()).collect();
    addresses.join(" ")
}

fn mac(seed: &str) -> String {
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let bytes = hash.to_be_bytes();
    format!("52:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
}

fn links(context: &ProcessContext) -> Vec<Link> {
    let loopback = Link {
        name: "lo".to_owned(),
        index: 1,
        peer: None,
        address: Some((IpAddr::V4(Ipv4Addr::LOCALHOST), 8)),
        mac: "00:00:00:00:00:00".to_owned(),
        up: true,
    };
    context.machine.read(|state| {
        let netns = state.network.netns(&context.origin).unwrap_or_default();
        if let Some(key) = &netns {
            let address = state.network.pods.get(key).and_then(|pod| pod.address).map(|ip| (IpAddr::V4(ip), 32));
            return vec![
                loopback,
                Link {
                    name: "eth0".to_owned(),
                    index: 2,
                    peer: Some("if4".to_owned()),
                    address,
                    mac: mac(&format!("{}{}", key.namespace, key.name)),
                    up: true,
                },
            ];
        }
        let mut all = vec![
            loopback,
            Link { name: "eth0".to_owned(), index: 2, peer: None, address: Some((state.address, 16)), mac: mac(&state.name), up: true },
        ];
        for (position, pod) in state.network.pods.values().filter(|pod| pod.address.is_some()).enumerate() {
            all.push(Link {
                name: pod.veth.clone(),
                index: 3 + position as u32,
                peer: Some("if2".to_owned()),
                address: gateway(state.network.pods.values().find_map(|pod| pod.address)).map(|ip| (IpAddr::V4(ip), 32)),
                mac: mac(&pod.veth),
                up: true,
            });
        }
        all
    })
}

/// The node's own address in its pod network: `.1`, as the ptp plugin gives it to each veth.
fn gateway(pod: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    pod.map(|ip| {
        let [a, b, c, _] = ip.octets();
        Ipv4Addr::new(a, b, c, 1)
    })
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let command = name(&context).to_owned();
    if command == "route" {
        return routes(&context, true).await;
    }
    if command == "ifconfig" {
        return ifconfig(&context).await;
    }
    let (options, words): (Vec<&String>, Vec<&String>) = context.argv.iter().skip(1).partition(|arg| arg.starts_with('-'));
    let brief = options.iter().any(|option| matches!(option.as_str(), "-br" | "-brief"));
    if options.iter().any(|option| matches!(option.as_str(), "-j" | "-json")) {
        return fail(&context, "ip: -json is not simulated").await;
    }
    if options.iter().any(|option| matches!(option.as_str(), "-V" | "-Version")) {
        let _ = context.stdout.line("ip utility, iproute2-6.1.0, libbpf 1.1.0").await;
        return ExitStatus::SUCCESS;
    }
    let object = words.first().map_or("", |word| word.as_str());
    let rest = words.get(1..).unwrap_or_default();
    let verb = rest.first().map_or("show", |word| word.as_str());
    if matches!(verb, "add" | "del" | "delete" | "set" | "change" | "replace" | "flush") {
        return fail(&context, &format!("RTNETLINK answers: Operation not permitted\nip: changing {object}s is not simulated")).await;
    }
    match object {
        "a" | "ad" | "addr" | "address" | "l" | "link" => {
            let device = match rest {
                [_, word, device, ..] if matches!(word.as_str(), "dev") => Some(device.as_str()),
                [_, device, ..] => Some(device.as_str()),
                [device] if verb != "show" && verb != "list" && verb != "ls" && verb != "s" => Some(device.as_str()),
                _ => None,
            };
            let mut found = links(&context);
            if let Some(device) = device {
                found.retain(|link| link.name == device);
                if found.is_empty() {
                    return fail(&context, &format!("Device \"{device}\" does not exist.")).await;
                }
            }
            let addresses = object.starts_with('a');
            let text: String = found.iter().map(|link| if brief { brief_line(link, addresses) } else { block(link, addresses) }).collect();
            let _ = context.stdout.write(text).await;
            ExitStatus::SUCCESS
        }
        "r" | "ro" | "route" if verb == "get" => {
            let Some(target) = rest.get(1).and_then(|word| word.parse::<IpAddr>().ok()) else {
                return fail(&context, "Error: any valid prefix is expected rather than \"\".").await;
            };
            let source = context.machine.network().source_address(&context.origin).unwrap_or(target);
            let _ = context.stdout.line(format!("{target} dev eth0 src {source} uid 0 \n    cache ")).await;
            ExitStatus::SUCCESS
        }
        "r" | "ro" | "route" => routes(&context, false).await,
        "n" | "neigh" | "neighbour" | "neighbor" => {
            let own = context.machine.name();
            for (node, address) in context.machine.network().nodes() {
                if node != own {
                    let _ = context.stdout.line(format!("{address} dev eth0 lladdr {} REACHABLE", mac(&node))).await;
                }
            }
            ExitStatus::SUCCESS
        }
        "netns" => ExitStatus::SUCCESS,
        "" => fail(&context, "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }").await,
        object => fail(&context, &format!("Object \"{object}\" is unknown, try \"ip help\".")).await,
    }
}

async fn fail(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stderr.line(text).await;
    ExitStatus::FAILURE
}

fn title(link: &Link) -> String {
    match &link.peer {
        Some(peer) => format!("{}@{peer}", link.name),
        None => link.name.clone(),
    }
}

fn brief_line(link: &Link, addresses: bool) -> String {
    let state = if link.name == "lo" { "UNKNOWN" } else { "UP" };
    let detail = match (addresses, link.address) {
        (true, Some((ip, length))) if link.name == "lo" => format!("{ip}/{length} ::1/128"),
        (true, Some((ip, length))) => format!("{ip}/{length}"),
        (true, None) => String::new(),
        (false, _) => format!("{} <BROADCAST,MULTICAST,UP,LOWER_UP>", link.mac),
    };
    format!("{:<16} {state:<14} {detail} \n", title(link))
}

fn block(link: &Link, addresses: bool) -> String {
    let loopback = link.name == "lo";
    let flags = if loopback { "LOOPBACK,UP,LOWER_UP" } else { "BROADCAST,MULTICAST,UP,LOWER_UP" };
    let (mtu, queue, state) =
        if loopback { (65536, "noqueue", "UNKNOWN") } else { (1500, if link.peer.is_some() { "noqueue" } else { "fq_codel" }, "UP") };
    let kind = if loopback { "loopback" } else { "ether" };
    let broadcast = if loopback { "00:00:00:00:00:00" } else { "ff:ff:ff:ff:ff:ff" };
    let up = if link.up { "default" } else { "down" };
    let mut text = format!(
        "{}: {}: <{flags}> mtu {mtu} qdisc {queue} state {state}{} group {up} qlen 1000\n    link/{kind} {} brd {broadcast}\n",
        link.index,
        title(link),
        if addresses { "" } else { " mode DEFAULT" },
        link.mac
    );
    if let (true, Some((ip, length))) = (addresses, link.address) {
        let scope = if loopback { "host" } else { "global" };
        let broadcast = match ip {
            IpAddr::V4(v4) if length == 16 => {
                let [a, b, ..] = v4.octets();
                format!(" brd {a}.{b}.255.255")
            }
            _ => String::new(),
        };
        text.push_str(&format!(
            "    inet {ip}/{length}{broadcast} scope {scope} {}\n       valid_lft forever preferred_lft forever\n",
            link.name
        ));
        if loopback {
            text.push_str("    inet6 ::1/128 scope host noprefixroute \n       valid_lft forever preferred_lft forever\n");
        }
    }
    text
}

/// The routing table: what the CNI set up for pods, and the machines' network.
pub(super) async fn routes(context: &ProcessContext, old_style: bool) -> ExitStatus {
    let lines: Vec<String> = context.machine.read(|state| {
        if state.network.netns(&context.origin).flatten().is_some() {
            let own = context.machine.network();
            let _ = own;
            let pod = links_gateway(state, context);
            return vec![format!("default via {pod} dev eth0 "), format!("{pod} dev eth0 scope link ")];
        }
        let IpAddr::V4(address) = state.address else { return Vec::new() };
        let [a, b, ..] = address.octets();
        let mut lines = vec![format!("default via {a}.{b}.0.1 dev eth0 ")];
        for pod in state.network.pods.values() {
            if let Some(ip) = pod.address {
                lines.push(format!("{ip} dev {} scope host ", pod.veth));
            }
        }
        lines.push(format!("{a}.{b}.0.0/16 dev eth0 proto kernel scope link src {address} "));
        lines
    });
    let text = if old_style {
        let mut text =
            "Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n".to_owned();
        for line in &lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let via = words.iter().position(|word| *word == "via").and_then(|at| words.get(at + 1)).copied().unwrap_or("0.0.0.0");
            let device = words.iter().position(|word| *word == "dev").and_then(|at| words.get(at + 1)).copied().unwrap_or("eth0");
            let (destination, mask) = match words[0] {
                "default" => ("0.0.0.0", "0.0.0.0"),
                network if network.ends_with("/16") => (network.trim_end_matches("/16"), "255.255.0.0"),
                host => (host, "255.255.255.255"),
            };
            let flags = if via == "0.0.0.0" { if mask == "255.255.255.255" { "UH" } else { "U" } } else { "UG" };
            text.push_str(&format!("{destination:<15} {via:<15} {mask:<15} {flags:<5}     0 0          0 {device}\n"));
        }
        text
    } else {
        lines.iter().fold(String::new(), |text, line| text + line + "\n")
    };
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}

fn links_gateway(state: &crate::machine::MachineState, context: &ProcessContext) -> Ipv4Addr {
    let key = state.network.netns(&context.origin).flatten();
    let address = key.and_then(|key| state.network.pods.get(&key).and_then(|pod| pod.address));
    gateway(address).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

async fn ifconfig(context: &ProcessContext) -> ExitStatus {
    let text: String = links(context)
        .iter()
        .map(|link| {
            let (flags, mtu) =
                if link.name == "lo" { ("73<UP,LOOPBACK,RUNNING>", 65536) } else { ("4163<UP,BROADCAST,RUNNING,MULTICAST>", 1500) };
            let address = link.address.map(|(ip, _)| format!("        inet {ip}\n")).unwrap_or_default();
            format!("{}: flags={flags}  mtu {mtu}\n{address}        ether {}\n\n", link.name, link.mac)
        })
        .collect();
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}
