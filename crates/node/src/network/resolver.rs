//! The resolver of a network namespace: `/etc/resolv.conf` and `/etc/hosts` as glibc and Go read them.

use std::net::IpAddr;

/// Parsed `/etc/resolv.conf` and `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Name servers in order, at most three.
    pub nameservers: Vec<IpAddr>,
    /// Search domains.
    pub search: Vec<String>,
    /// Dots from which on a name is tried as it is first.
    pub ndots: usize,
    /// Lines of the hosts file.
    pub hosts: Vec<(IpAddr, Vec<String>)>,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self { nameservers: Vec::new(), search: Vec::new(), ndots: 1, hosts: Vec::new() }
    }
}

impl ResolverConfig {
    /// Reads both files; what cannot be understood is skipped, as resolv.conf(5) says.
    pub fn parse(resolv_conf: &str, hosts: &str) -> Self {
        let mut config = Self::default();
        for line in resolv_conf.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    if let Some(ip) = words.next().and_then(|word| word.parse().ok())
                        && config.nameservers.len() < 3
                    {
                        config.nameservers.push(ip);
                    }
                }
                Some("search" | "domain") => config.search = words.map(|word| word.trim_end_matches('.').to_owned()).collect(),
                Some("options") => {
                    for option in words {
                        if let Some(dots) = option.strip_prefix("ndots:").and_then(|dots| dots.parse::<usize>().ok()) {
                            config.ndots = dots.min(15);
                        }
                    }
                }
                _ => {}
            }
        }
        for line in hosts.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            if let Some(ip) = words.next().and_then(|word| word.parse().ok()) {
                config.hosts.push((ip, words.map(str::to_owned).collect()));
            }
        }
        config
    }

    /// Addresses that the hosts file gives a name.
    pub fn in_hosts(&self, name: &str) -> Vec<IpAddr> {
        let name = name.trim_end_matches('.');
        self.hosts.iter().filter(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(name))).map(|(ip, _)| *ip).collect()
    }

    /// Fully qualified names to try, in order.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let dots = name.bytes().filter(|b| *b == b'.').count();
        if dots >= self.ndots {
            std::iter::once(name.to_owned()).chain(searched).collect()
        } else {
            searched.chain([name.to_owned()]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ResolverConfig;

    #[test]
    fn search_list_and_ndots_decide_the_order() {
        let config = ResolverConfig::parse(
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
            "127.0.0.1 localhost\n10.244.1.2\tweb-0 # me\n",
        );
        assert_eq!(config.candidates("web")[0], "web.shop.svc.cluster.local");
        assert_eq!(config.candidates("web").last().map(String::as_str), Some("web"));
        assert_eq!(config.candidates("example.org."), ["example.org"]);
        let flat = ResolverConfig { ndots: 1, ..config.clone() };
        assert_eq!(flat.candidates("web.shop")[0], "web.shop");
        assert_eq!(config.in_hosts("WEB-0"), ["10.244.1.2".parse::<std::net::IpAddr>().expect("address")]);
    }
}
