//! The server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use component::Origin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::config::{self, Location, Server};
use crate::fs::{Errno, View};
use crate::machine::{ExitStatus, Output, ProcessContext, Signal};
use crate::network::{Network, Owner};
use crate::servers::http::{self, Request, Response};

const CONFIG: &str = "/etc/nginx/nginx.conf";

pub(in crate::servers) async fn run(mut context: ProcessContext) -> ExitStatus {
    let version =
        context.env.get("NGINX_VERSION").cloned().unwrap_or_else(|| "1.29".to_owned()).split('-').next().unwrap_or_default().to_owned();
    let version = if version.matches('.').count() < 2 { format!("{version}.5") } else { version };
    let now = context.machine.clock().now().strftime("%Y/%m/%d %H:%M:%S").to_string();
    match context.argv.get(1).map(String::as_str) {
        Some("-v") => {
            context.stderr.write_now(format!("nginx version: nginx/{version}\n").as_bytes());
            return ExitStatus::SUCCESS;
        }
        Some("-t") => {
            return match config::load(&context.files, CONFIG) {
                Ok(_) => {
                    context.stderr.write_now(
                        format!(
                            "nginx: the configuration file {CONFIG} syntax is ok\nnginx: configuration file {CONFIG} test is successful\n"
                        )
                        .as_bytes(),
                    );
                    ExitStatus::SUCCESS
                }
                Err(reason) => {
                    context
                        .stderr
                        .write_now(format!("nginx: [emerg] {reason}\nnginx: configuration file {CONFIG} test failed\n").as_bytes());
                    ExitStatus::FAILURE
                }
            };
        }
        Some("-s") => return signal(&context),
        _ => {}
    }
    let emerg = |reason: &str| {
        context.stderr.write_now(format!("{now} [emerg] 1#1: {reason}\nnginx: [emerg] {reason}\n").as_bytes());
        ExitStatus::FAILURE
    };
    let mut servers = match config::load(&context.files, CONFIG) {
        Ok(servers) => Arc::new(servers),
        Err(reason) => return emerg(&reason),
    };
    let mut ports: Vec<u16> = servers.iter().flat_map(|server| server.ports.iter().copied()).collect();
    ports.sort_unstable();
    ports.dedup();
    let (sender, mut accepted) = mpsc::channel(16);
    let mut tasks = JoinSet::new();
    for port in ports {
        // Ports below 1024 need root; containerd lets any user bind them since it sets ip_unprivileged_port_start only with userns.
        if port < 1024 && context.files.credentials().uid != 0 {
            return emerg(&format!("bind() to 0.0.0.0:{port} failed (13: Permission denied)"));
        }
        let owner = Owner { pid: context.pid, program: "nginx".to_owned() };
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        match context.machine.network().listen(&context.origin, address, owner, None) {
            Ok(mut listener) => {
                let sender = sender.clone();
                tasks.spawn(async move {
                    loop {
                        let connection = listener.accept().await;
                        if sender.send((port, connection)).await.is_err() {
                            return;
                        }
                    }
                });
            }
            Err(_) => return emerg(&format!("bind() to 0.0.0.0:{port} failed (98: Address already in use)")),
        }
    }
    context.signals.handle(&[Signal::Quit, Signal::Term, Signal::Int, Signal::Hup]);
    // The master shows its role in place of its arguments.
    let title = format!("nginx: master process {}", context.argv.join(" "));
    let pid = context.pid;
    context.machine.write(|state| {
        if let Some(process) = state.processes.get_mut(&pid).filter(|process| process.argv.len() > 1) {
            Arc::make_mut(process).argv = vec![title];
        }
    });
    if !context.resumed {
        let cpus = context.machine.read(|state| state.hardware.cpus);
        let mut text = String::new();
        for line in [
            "using the \"epoll\" event method".to_owned(),
            format!("nginx/{version}"),
            "built by gcc 12.2.0 (Debian 12.2.0-14+deb12u1)".to_owned(),
            "OS: Linux 6.1.0-30-amd64".to_owned(),
            "getrlimit(RLIMIT_NOFILE): 1048576:1048576".to_owned(),
            "start worker processes".to_owned(),
        ] {
            text.push_str(&format!("{now} [notice] 1#1: {line}\n"));
        }
        for worker in 0..cpus {
            text.push_str(&format!("{now} [notice] 1#1: start worker process {}\n", 29 + worker));
        }
        context.stderr.write_now(text.as_bytes());
    }
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            signal = context.signals.recv() => {
                if signal != Signal::Hup {
                    return ExitStatus::SUCCESS;
                }
                if let Ok(fresh) = config::load(&context.files, CONFIG) {
                    servers = Arc::new(fresh);
                }
            }
            Some((port, connection)) = accepted.recv() => {
                let worker = Worker {
                    files: context.files.clone(),
                    stdout: context.stdout.clone(),
                    stderr: context.stderr.clone(),
                    clock: context.machine.clock(),
                    network: context.machine.network().clone(),
                    origin: context.origin.clone(),
                    version: version.clone(),
                    servers: servers.clone(),
                    port,
                };
                let worker = Arc::new(worker);
                connections.spawn(http::serve(connection, move |request| {
                    let worker = worker.clone();
                    async move { worker.answer(request).await }
                }));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// `nginx -s reload|quit|stop`
fn signal(context: &ProcessContext) -> ExitStatus {
    let signal = match context.argv.get(2).map(String::as_str) {
        Some("reload") => Signal::Hup,
        Some("quit") => Signal::Quit,
        _ => Signal::Term,
    };
    let master = context.machine.read(|state| {
        state
            .processes
            .values()
            .find(|process| process.container == context.container && &*process.program == "nginx" && process.init)
            .map(|process| process.pid)
    });
    match master.map(|pid| context.machine.kill(pid, signal)) {
        Some(Ok(())) => ExitStatus::SUCCESS,
        _ => ExitStatus::FAILURE,
    }
}

struct Worker {
    files: View,
    stdout: Output,
    stderr: Output,
    clock: component::Clock,
    network: Arc<Network>,
    origin: Origin,
    version: String,
    servers: Arc<Vec<Server>>,
    port: u16,
}

impl Worker {
    async fn answer(&self, request: Request) -> Response {
        let host = request.header("host").unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        let here = || self.servers.iter().filter(|server| server.ports.contains(&self.port));
        let server = here().find(|server| server.names.contains(&host)).or_else(|| here().next());
        let mut response = match server {
            Some(server) => self.locate(server.location(&request.path), &request).await,
            None => self.error_page(404),
        };
        response.headers.insert(0, ("server".to_owned(), format!("nginx/{}", self.version)));
        let date = self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers.push(("date".to_owned(), date));
        let time = self.clock.now().strftime("%d/%b/%Y:%H:%M:%S +0000");
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let header = |name: &str| request.header(name).unwrap_or("-").to_owned();
        let line = format!(
            "{} - - [{time}] \"{} {}{query} HTTP/1.1\" {} {} \"{}\" \"{}\" \"{}\"\n",
            request.peer.ip(),
            request.method,
            request.path,
            response.status,
            if request.method == "HEAD" { 0 } else { response.body.len() },
            header("referer"),
            header("user-agent"),
            header("x-forwarded-for"),
        );
        self.stdout.write_now(line.as_bytes());
        response
    }

    async fn locate(&self, location: &Location, request: &Request) -> Response {
        if let Some((code, text)) = &location.answer {
            let text = self.interpolate(text, request);
            if matches!(code, 301 | 302 | 303 | 307 | 308) {
                let mut response = self.error_page(*code);
                response.headers.push(("location".to_owned(), text));
                return response;
            }
            if text.is_empty() && *code >= 300 {
                return self.error_page(*code);
            }
            let kind = location.default_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
            return self.with_headers(
                Response { status: *code, headers: vec![("content-type".to_owned(), kind)], body: Bytes::from(text) },
                location,
            );
        }
        if let Some(target) = &location.proxy {
            return self.proxy(target, location, request).await;
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return self.error_page(405);
        }
        let root = location.root.clone().unwrap_or_else(|| "/etc/nginx/html".to_owned());
        let path = match &location.alias {
            Some(alias) => format!("{alias}{}", request.path.strip_prefix(&location.path).unwrap_or(&request.path)),
            None => format!("{root}{}", request.path),
        };
        for candidate in &location.try_files {
            let candidate = self.interpolate(candidate, request);
            if let Some(code) = candidate.strip_prefix('=').and_then(|code| code.parse().ok()) {
                return self.error_page(code);
            }
            let full = format!("{root}{candidate}");
            if self.files.stat(&full).is_ok_and(|stat| stat.is_file()) {
                return self.file(&full, location, request);
            }
        }
        self.file(&path, location, request)
    }

    fn file(&self, path: &str, location: &Location, request: &Request) -> Response {
        let mut path = path.to_owned();
        if self.files.is_dir(&path) {
            if !request.path.ends_with('/') {
                let mut response = self.error_page(301);
                let host = request.header("host").unwrap_or("localhost");
                response.headers.push(("location".to_owned(), format!("http://{host}{}/", request.path)));
                return response;
            }
            let indexes = if location.index.is_empty() { vec!["index.html".to_owned()] } else { location.index.clone() };
            let base = path.trim_end_matches('/').to_owned();
            match indexes.iter().map(|index| format!("{base}/{index}")).find(|index| self.files.exists(index)) {
                Some(index) => path = index,
                None => {
                    self.error(&format!("directory index of \"{base}/\" is forbidden"), request);
                    return self.error_page(403);
                }
            }
        }
        match self.files.read(&path) {
            Ok(body) => {
                let kind = match path.rsplit('.').next() {
                    Some("html" | "htm") => "text/html",
                    Some("css") => "text/css",
                    Some("txt") => "text/plain",
                    Some("json") => "application/json",
                    Some("js") => "application/javascript",
                    _ => location.default_type.as_deref().unwrap_or("application/octet-stream"),
                };
                self.with_headers(Response { status: 200, headers: vec![("content-type".to_owned(), kind.to_owned())], body }, location)
            }
            Err(errno) => {
                self.error(&format!("open() \"{path}\" failed ({}: {errno})", errno.number()), request);
                self.error_page(if errno == Errno::PermissionDenied { 403 } else { 404 })
            }
        }
    }

    fn with_headers(&self, mut response: Response, location: &Location) -> Response {
        response.headers.extend(location.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
        response
    }

    async fn proxy(&self, target: &str, location: &Location, request: &Request) -> Response {
        let rest = target.strip_prefix("http://").unwrap_or(target);
        let (authority, base) = match rest.split_once('/') {
            Some((authority, base)) => (authority, Some(format!("/{base}"))),
            None => (rest, None),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(80)),
            None => (authority, 80),
        };
        let path = match base {
            Some(base) => format!("{base}{}", request.path.strip_prefix(&location.path).unwrap_or_default()),
            None => request.path.clone(),
        };
        let headers = [("x-forwarded-for".to_owned(), request.peer.ip().to_string())];
        match http::get(self.network.clone(), &self.origin, host, port, false, &path, &headers).await {
            Ok(received) => {
                let kind = received.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("text/html").to_owned();
                Response { status: received.status, headers: vec![("content-type".to_owned(), kind)], body: received.body }
            }
            Err(reason) => {
                self.error(&format!("connect() failed ({reason}) while connecting to upstream"), request);
                self.error_page(502)
            }
        }
    }

    fn interpolate(&self, text: &str, request: &Request) -> String {
        let host = request.header("host").unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        text.replace("$request_uri", &request.path)
            .replace("$uri", &request.path)
            .replace("$host", &host)
            .replace("$remote_addr", &request.peer.ip().to_string())
            .replace("$server_addr", &request.local.ip().to_string())
            .replace("$server_port", &self.port.to_string())
            .replace("$request_method", &request.method)
            .replace("\\n", "\n")
    }

    fn error(&self, reason: &str, request: &Request) {
        let now = self.clock.now().strftime("%Y/%m/%d %H:%M:%S");
        let host = request.header("host").unwrap_or_default();
        let line = format!(
            "{now} [error] 29#29: *1 {reason}, client: {}, server: localhost, request: \"{} {} HTTP/1.1\", host: \"{host}\"\n",
            request.peer.ip(),
            request.method,
            request.path
        );
        self.stderr.write_now(line.as_bytes());
    }

    fn error_page(&self, status: u16) -> Response {
        let reason = ::http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Error");
        let reason = match status {
            301 => "Moved Permanently",
            302 => "Found",
            405 => "Not Allowed",
            503 => "Service Temporarily Unavailable",
            504 => "Gateway Time-out",
            _ => reason,
        };
        let text = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx/{}</center>\r\n</body>\r\n</html>\r\n",
            self.version
        );
        Response { status, headers: vec![("content-type".to_owned(), "text/html".to_owned())], body: Bytes::from(text) }
    }
}
