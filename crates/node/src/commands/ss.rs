//! `ss` and `netstat`: listening sockets. Connections of the simulation are too short to be listed.

use std::net::IpAddr;

use super::options::{Options, flag, name};
use crate::machine::{ExitStatus, ProcessContext};
use crate::network::Protocol;

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let netstat = name(&context) == "netstat";
    let specs = [
        flag('l', "listening"),
        flag('n', "numeric"),
        flag('t', "tcp"),
        flag('u', "udp"),
        flag('p', "processes"),
        flag('a', "all"),
        flag('4', "ipv4"),
        flag('6', "ipv6"),
        flag('H', "no-header"),
        flag('e', "extended"),
        flag('s', "summary"),
        flag('r', "route"),
        flag('x', "unix"),
        flag('w', "raw"),
        flag('o', "options"),
        flag('m', "memory"),
        flag('i', "info"),
    ];
    let options = match Options::of(&context, &specs, 255).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    if netstat && options.has("r") {
        return super::ip::routes(&context, true).await;
    }
    let machine = context.machine.clone();
    let netns = machine.read(|state| state.network.netns(&context.origin)).unwrap_or_default();
    let both = options.has("t") == options.has("u");
    let mut sockets = machine.network().listeners(&machine.name(), &netns);
    sockets.retain(|(key, _)| both || (key.protocol == Protocol::Tcp) == options.has("t"));
    if !(options.has("l") || options.has("a")) {
        // Without -l only connections are listed.
        sockets.retain(|(key, _)| key.protocol == Protocol::Udp && netstat);
    }
    let port_filter = options.rest.iter().find_map(|word| word.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()));
    sockets.retain(|(key, _)| port_filter.is_none_or(|port| key.port == port));
    sockets.sort_by_key(|(key, _)| (key.protocol != Protocol::Udp, key.address.is_unspecified(), key.address, key.port));
    let text = if netstat { netstat_table(&sockets, options.has("p")) } else { ss_table(&sockets, &options, both) };
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}

type Sockets = [(crate::network::SocketKey, std::sync::Arc<crate::network::Socket>)];

/// Go's and most servers' unspecified address is that of both families: `*`.
fn shown(address: IpAddr) -> String {
    if address.is_unspecified() { "*".to_owned() } else { address.to_string() }
}

fn ss_table(sockets: &Sockets, options: &Options, both: bool) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !options.has("H") {
        let mut header = Vec::new();
        if both {
            header.push("Netid".to_owned());
        }
        header.extend(["State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"].map(str::to_owned));
        rows.push(header);
    }
    for (key, socket) in sockets {
        let tcp = key.protocol == Protocol::Tcp;
        let peer = if key.address.is_unspecified() { "*:*" } else { "0.0.0.0:*" };
        let mut row = Vec::new();
        if both {
            row.push(key.protocol.lower().to_owned());
        }
        let process =
            if options.has("p") { format!("users:((\"{}\",pid={},fd={}))", socket.program, socket.pid, socket.fd) } else { String::new() };
        row.extend([
            if tcp { "LISTEN" } else { "UNCONN" }.to_owned(),
            "0".to_owned(),
            if tcp { "4096" } else { "0" }.to_owned(),
            format!("{}:{}", shown(key.address), key.port),
            peer.to_owned(),
            process,
        ]);
        rows.push(row);
    }
    aligned(&rows)
}

/// Local and peer addresses are right-aligned at the colon's column in life; right-aligning the whole is close to it.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    rows.iter().fold(String::new(), |text, row| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let address = columns - column == 3 || columns - column == 2;
            line.push_str(&if address { format!("{cell:>width$} ") } else { format!("{cell:<width$} ") });
        }
        text + line.trim_end() + "\n"
    })
}

fn netstat_table(sockets: &Sockets, programs: bool) -> String {
    let mut text = "Active Internet connections (only servers)\n".to_owned();
    text.push_str(&format!(
        "Proto Recv-Q Send-Q {:<23} {:<23} {:<11}{}\n",
        "Local Address",
        "Foreign Address",
        "State",
        if programs { " PID/Program name" } else { "" }
    ));
    for (key, socket) in sockets {
        let tcp = key.protocol == Protocol::Tcp;
        let wide = key.address.is_unspecified();
        let proto = format!("{}{}", key.protocol.lower(), if wide { "6" } else { "" });
        let local = format!("{}:{}", if wide { "::".to_owned() } else { key.address.to_string() }, key.port);
        let peer = if wide { ":::*" } else { "0.0.0.0:*" };
        let process = if programs { format!(" {}/{}", socket.pid, socket.program) } else { String::new() };
        text.push_str(
            format!("{proto:<5} {:>6} {:>6} {local:<23} {peer:<23} {:<11}{process}", 0, 0, if tcp { "LISTEN" } else { "" }).trim_end(),
        );
        text.push('\n');
    }
    text
}
