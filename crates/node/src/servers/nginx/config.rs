//! From directives to servers and locations.

use super::tokens::{Directive, parse};
use crate::fs::View;

/// One `server`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) ports: Vec<u16>,
    pub(super) names: Vec<String>,
    pub(super) top: Location,
    pub(super) locations: Vec<Location>,
}

/// One `location`, or what stands directly in a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) exact: bool,
    pub(super) root: Option<String>,
    pub(super) alias: Option<String>,
    pub(super) index: Vec<String>,
    pub(super) answer: Option<(u16, String)>,
    pub(super) proxy: Option<String>,
    pub(super) default_type: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) autoindex: bool,
    pub(super) try_files: Vec<String>,
}

/// Directives that are known. Others are an error, as in life; most of these have no effect here.
const KNOWN: &[&str] = &[
    "access_log",
    "add_header",
    "alias",
    "allow",
    "auth_basic",
    "auth_basic_user_file",
    "autoindex",
    "charset",
    "client_body_buffer_size",
    "client_body_timeout",
    "client_header_timeout",
    "client_max_body_size",
    "default_type",
    "deny",
    "error_log",
    "error_page",
    "events",
    "expires",
    "fastcgi_pass",
    "fastcgi_param",
    "gzip",
    "gzip_min_length",
    "gzip_types",
    "http",
    "http2",
    "include",
    "index",
    "internal",
    "keepalive_requests",
    "keepalive_timeout",
    "large_client_header_buffers",
    "limit_conn",
    "limit_except",
    "limit_rate",
    "limit_req",
    "limit_req_zone",
    "listen",
    "load_module",
    "location",
    "log_format",
    "map",
    "multi_accept",
    "pid",
    "port_in_redirect",
    "proxy_buffering",
    "proxy_connect_timeout",
    "proxy_http_version",
    "proxy_pass",
    "proxy_read_timeout",
    "proxy_redirect",
    "proxy_send_timeout",
    "proxy_set_header",
    "real_ip_header",
    "resolver",
    "return",
    "rewrite",
    "root",
    "satisfy",
    "sendfile",
    "server",
    "server_name",
    "server_names_hash_bucket_size",
    "server_tokens",
    "set",
    "set_real_ip_from",
    "ssi",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_ciphers",
    "ssl_prefer_server_ciphers",
    "ssl_protocols",
    "ssl_session_cache",
    "ssl_session_timeout",
    "stub_status",
    "tcp_nodelay",
    "tcp_nopush",
    "try_files",
    "types",
    "types_hash_max_size",
    "underscores_in_headers",
    "upstream",
    "use",
    "user",
    "worker_connections",
    "worker_processes",
    "worker_rlimit_nofile",
    "daemon",
    "if",
];

/// Reads `nginx.conf` with what it includes. Errors are what follows `[emerg] 1#1: `.
pub(super) fn load(files: &View, path: &str) -> Result<Vec<Server>, String> {
    let directives = read(files, path)?;
    let mut found = Vec::new();
    check(&directives, false)?;
    for http in directives.iter().filter(|directive| directive.name == "http") {
        let inner = expand(files, http.block.as_deref().unwrap_or_default())?;
        check(&inner, false)?;
        let mut defaults = Location::default();
        apply(&mut defaults, &inner);
        for server in inner.iter().filter(|directive| directive.name == "server") {
            found.push(self::server(files, server, &defaults)?);
        }
    }
    Ok(found)
}

fn read(files: &View, path: &str) -> Result<Vec<Directive>, String> {
    let text = files.read_text(path).map_err(|errno| format!("open() \"{path}\" failed ({}: {errno})", errno.number()))?;
    let directives = parse(path, &text)?;
    expand(files, &directives)
}

/// Replaces `include` by what it names; the last part may be a pattern with `*`.
fn expand(files: &View, directives: &[Directive]) -> Result<Vec<Directive>, String> {
    let mut out = Vec::new();
    for directive in directives {
        if directive.name != "include" {
            out.push(directive.clone());
            continue;
        }
        let path = directive.args.first().cloned().unwrap_or_default();
        let path = if path.starts_with('/') { path } else { format!("/etc/nginx/{path}") };
        match path.rsplit_once('/') {
            Some((dir, pattern)) if pattern.contains('*') => {
                let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
                let names = files.read_dir(dir).unwrap_or_default();
                for (name, _) in
                    names.iter().filter(|(name, _)| name.starts_with(before) && name.ends_with(after) && !name.starts_with('.'))
                {
                    out.extend(read(files, &format!("{dir}/{name}"))?);
                }
            }
            _ => out.extend(read(files, &path).map_err(|error| {
                if error.starts_with("open()") { format!("{error} in {}:{}", directive.file, directive.line) } else { error }
            })?),
        }
    }
    Ok(out)
}

fn check(directives: &[Directive], types: bool) -> Result<(), String> {
    for directive in directives {
        if !types && !KNOWN.contains(&directive.name.as_str()) {
            return Err(format!("unknown directive \"{}\" in {}:{}", directive.name, directive.file, directive.line));
        }
        if let Some(block) = &directive.block {
            check(block, matches!(directive.name.as_str(), "types" | "map" | "upstream"))?;
        }
    }
    Ok(())
}

fn server(files: &View, directive: &Directive, defaults: &Location) -> Result<Server, String> {
    let block = expand(files, directive.block.as_deref().unwrap_or_default())?;
    check(&block, false)?;
    let mut server = Server { top: defaults.clone(), ..Server::default() };
    apply(&mut server.top, &block);
    for directive in &block {
        match directive.name.as_str() {
            "listen" => {
                let value = directive.args.first().map(String::as_str).unwrap_or_default();
                let port = value.rsplit(':').next().unwrap_or_default().trim_end_matches(']');
                let port = port
                    .parse::<u16>()
                    .or_else(|_| if value.parse::<std::net::IpAddr>().is_ok() || value == "localhost" { Ok(80) } else { Err(()) });
                let port = port.map_err(|()| {
                    format!("invalid port in \"{value}\" of the \"listen\" directive in {}:{}", directive.file, directive.line)
                })?;
                if !server.ports.contains(&port) {
                    server.ports.push(port);
                }
            }
            "server_name" => server.names.extend(directive.args.iter().cloned()),
            "location" => {
                let (exact, path) = match directive.args.as_slice() {
                    [modifier, path] => (modifier == "=", path.clone()),
                    [path] => (false, path.clone()),
                    _ => {
                        return Err(format!(
                            "invalid number of arguments in \"location\" directive in {}:{}",
                            directive.file, directive.line
                        ));
                    }
                };
                let mut location = Location { path, exact, answer: None, proxy: None, ..server.top.clone() };
                apply(&mut location, directive.block.as_deref().unwrap_or_default());
                server.locations.push(location);
            }
            _ => {}
        }
    }
    if server.ports.is_empty() {
        server.ports.push(80);
    }
    Ok(server)
}

fn apply(location: &mut Location, directives: &[Directive]) {
    for directive in directives {
        let first = || directive.args.first().cloned();
        match directive.name.as_str() {
            "root" => location.root = first(),
            "alias" => location.alias = first(),
            "index" => location.index.clone_from(&directive.args),
            "autoindex" => location.autoindex = first().as_deref() == Some("on"),
            "default_type" => location.default_type = first(),
            "proxy_pass" => location.proxy = first(),
            "try_files" => location.try_files.clone_from(&directive.args),
            "add_header" => {
                if let [name, value, ..] = directive.args.as_slice() {
                    location.headers.push((name.clone(), value.clone()));
                }
            }
            "return" => {
                location.answer = match directive.args.as_slice() {
                    [code, text] => code.parse().ok().map(|code| (code, text.clone())),
                    [one] => Some(one.parse().map_or((302, one.clone()), |code| (code, String::new()))),
                    _ => None,
                };
            }
            _ => {}
        }
    }
}

impl Server {
    /// The location for a path: an exact one, else the longest prefix.
    pub(super) fn location(&self, path: &str) -> &Location {
        self.locations.iter().find(|location| location.exact && location.path == path).unwrap_or_else(|| {
            let prefixes = self.locations.iter().filter(|location| !location.exact && path.starts_with(&location.path));
            prefixes.max_by_key(|location| location.path.len()).unwrap_or(&self.top)
        })
    }
}
