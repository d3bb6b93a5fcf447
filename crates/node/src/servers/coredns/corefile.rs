//! Corefiles: server blocks with plugins (`caddyfile`).

/// A server block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Zones with ports: `.:53`.
    pub(super) keys: Vec<String>,
    /// Plugins in order.
    pub(super) plugins: Vec<Plugin>,
}

/// A plugin with its arguments and the lines inside its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) args: Vec<String>,
    pub(super) lines: Vec<Vec<String>>,
    pub(super) line: usize,
}

/// Plugins that the release has been built with. Those without effect here are accepted.
const PLUGINS: &[&str] = &[
    "acl",
    "any",
    "auto",
    "autopath",
    "azure",
    "bind",
    "bufsize",
    "cache",
    "cancel",
    "chaos",
    "clouddns",
    "debug",
    "dns64",
    "dnssec",
    "dnstap",
    "erratic",
    "errors",
    "etcd",
    "file",
    "forward",
    "geoip",
    "grpc",
    "header",
    "health",
    "hosts",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "metadata",
    "minimal",
    "multisocket",
    "nomad",
    "nsid",
    "pprof",
    "prometheus",
    "quic",
    "ready",
    "reload",
    "rewrite",
    "root",
    "route53",
    "secondary",
    "sign",
    "template",
    "timeouts",
    "tls",
    "trace",
    "transfer",
    "tsig",
    "view",
    "whoami",
    "import",
];

/// Options of the kubernetes plugin.
const KUBERNETES_OPTIONS: &[&str] = &[
    "endpoint",
    "tls",
    "kubeconfig",
    "namespaces",
    "labels",
    "pods",
    "endpoint_pod_names",
    "ttl",
    "noendpoints",
    "fallthrough",
    "ignore",
    "namespace_labels",
    "multicluster",
    "startup_timeout",
    "apiserver_qps",
    "apiserver_burst",
    "apiserver_max_inflight",
];

/// Reads a Corefile. Errors are CoreDNS' whole line.
pub(super) fn parse(path: &str, text: &str) -> Result<Vec<Block>, String> {
    let fail = |line: usize, what: &str| Err(format!("{path}:{line} - Error during parsing: {what}"));
    let mut blocks: Vec<Block> = Vec::new();
    let mut depth = 0;
    let mut last = 0;
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        let mut words = split(raw);
        if words.is_empty() {
            continue;
        }
        last = number;
        let opens = words.last().is_some_and(|word| word == "{");
        if opens {
            words.pop();
        }
        if words == ["}"] {
            if depth == 0 {
                return fail(number, "Unexpected '}' because no matching opening brace");
            }
            depth -= 1;
            continue;
        }
        match depth {
            0 => {
                if !opens {
                    return fail(number, &format!("Unexpected token '{}', expecting '{{'", words.last().map_or("", String::as_str)));
                }
                blocks.push(Block { keys: words.iter().map(|word| word.trim_end_matches(',').to_owned()).collect(), plugins: Vec::new() });
                depth = 1;
            }
            1 => {
                let name = words.remove(0);
                if !PLUGINS.contains(&name.as_str()) {
                    return fail(number, &format!("Unknown directive '{name}'"));
                }
                if let Some(block) = blocks.last_mut() {
                    block.plugins.push(Plugin { name, args: words, lines: Vec::new(), line: number });
                }
                depth += usize::from(opens);
            }
            _ => {
                if let Some(plugin) = blocks.last_mut().and_then(|block| block.plugins.last_mut()) {
                    plugin.lines.push(words);
                }
                depth += usize::from(opens);
            }
        }
    }
    if depth > 0 {
        return fail(last, "Unexpected EOF");
    }
    for plugin in blocks.iter().flat_map(|block| &block.plugins) {
        let broken = |what: String| Err(format!("plugin/{}: {path}:{} - Error during parsing: {what}", plugin.name, plugin.line));
        match plugin.name.as_str() {
            "kubernetes" => {
                if let Some(line) = plugin.lines.iter().find(|line| !KUBERNETES_OPTIONS.contains(&line[0].as_str())) {
                    return broken(format!("unknown property '{}'", line[0]));
                }
            }
            "forward" if plugin.args.len() < 2 => {
                return broken("Wrong argument count or unexpected line ending after '.'".to_owned());
            }
            "forward" => {
                let bad = plugin.args[1..].iter().find(|to| {
                    let host = to.split(':').next().unwrap_or_default();
                    !to.starts_with('/') && host.parse::<std::net::IpAddr>().is_err()
                });
                if let Some(bad) = bad {
                    return Err(format!("plugin/forward: not an IP address or file: \"{bad}\""));
                }
            }
            _ => {}
        }
    }
    Ok(blocks)
}

fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && word.is_empty() => break,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

impl Block {
    /// The first plugin of a name.
    pub(super) fn plugin(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }

    /// Zone and port of each key.
    pub(super) fn zones(&self) -> Vec<(String, u16)> {
        self.keys
            .iter()
            .map(|key| {
                let key = key.strip_prefix("dns://").unwrap_or(key);
                let (zone, port) = key.rsplit_once(':').map_or((key, 53), |(zone, port)| (zone, port.parse().unwrap_or(53)));
                (zone.trim_matches('.').to_lowercase(), port)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    const DEFAULT: &str = ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       pods insecure\n       fallthrough in-addr.arpa ip6.arpa\n       ttl 30\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30 {\n       disable success cluster.local\n    }\n    loop\n    reload\n    loadbalance\n}\n";

    #[test]
    fn kubeadms_corefile_is_read() {
        let blocks = parse("Corefile", DEFAULT).expect("valid");
        assert_eq!(blocks[0].zones(), [(String::new(), 53)]);
        let kubernetes = blocks[0].plugin("kubernetes").expect("there");
        assert_eq!((kubernetes.args[0].as_str(), kubernetes.lines.len()), ("cluster.local", 3));
    }

    #[test]
    fn mistakes_stop_it() {
        for (text, expected) in [
            (DEFAULT.replace("errors", "errrors"), "Corefile:2 - Error during parsing: Unknown directive 'errrors'"),
            (DEFAULT.trim_end().trim_end_matches('}').to_owned(), "Corefile:21 - Error during parsing: Unexpected EOF"),
            (
                DEFAULT.replace("pods insecure", "podz insecure"),
                "plugin/kubernetes: Corefile:7 - Error during parsing: unknown property 'podz'",
            ),
            (DEFAULT.replace("/etc/resolv.conf {", "nowhere {"), "plugin/forward: not an IP address or file: \"nowhere\""),
        ] {
            assert_eq!(parse("Corefile", &text).expect_err("refused"), expected);
        }
    }
}
