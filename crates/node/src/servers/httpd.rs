//! Apache: serves `DocumentRoot`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::task::JoinSet;

use super::http::{self, Response};
use crate::machine::{ExitStatus, ProcessContext, Signal};
use crate::network::Owner;

pub(super) async fn run(mut context: ProcessContext) -> ExitStatus {
    let config = "/usr/local/apache2/conf/httpd.conf";
    let text = context.files.read_text(config).unwrap_or_default();
    let directive = |name: &str| {
        text.lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(|value| value.trim().trim_matches('"').to_owned()))
    };
    let port: u16 = directive("Listen").and_then(|value| value.rsplit(':').next()?.parse().ok()).unwrap_or(80);
    let root = directive("DocumentRoot").unwrap_or_else(|| "/usr/local/apache2/htdocs".to_owned());
    let owner = Owner { pid: context.pid, program: "httpd".to_owned() };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let stamp = |context: &ProcessContext| context.machine.clock().now().strftime("%a %b %d %H:%M:%S.%6f %Y").to_string();
    let mut listener = match context.machine.network().listen(&context.origin, address, owner, None) {
        Ok(listener) => listener,
        Err(_) => {
            let line = format!(
                "(98)Address already in use: AH00072: make_sock: could not bind to address 0.0.0.0:{port}\nno listening sockets available, shutting down\nAH00015: Unable to open logs\n"
            );
            context.stderr.write_now(line.as_bytes());
            return ExitStatus::FAILURE;
        }
    };
    context.signals.handle(&[Signal::Term, Signal::Winch, Signal::Int]);
    if !context.resumed {
        let ip = context.machine.network().source_address(&context.origin).map(|ip| ip.to_string()).unwrap_or_default();
        context.stderr.write_now(format!("AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {ip}. Set the 'ServerName' directive globally to suppress this message\n").as_bytes());
        context.stderr.write_now(format!("[{}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.66 (Unix) configured -- resuming normal operations\n[{}] [core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'\n", stamp(&context), stamp(&context)).as_bytes());
    }
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = context.signals.recv() => return ExitStatus::SUCCESS,
            accepted = listener.accept() => accepted,
        };
        let (files, stdout, clock, root) = (context.files.clone(), context.stdout.clone(), context.machine.clock(), root.clone());
        connections.spawn(http::serve(accepted, move |request| {
            let (files, stdout, root) = (files.clone(), stdout.clone(), root.clone());
            async move {
                let path = format!("{root}{}", request.path);
                let path = if files.is_dir(&path) { format!("{}/index.html", path.trim_end_matches('/')) } else { path };
                let (status, body) = match files.read(&path) {
                    Ok(bytes) => (200, bytes),
                    Err(crate::fs::Errno::PermissionDenied) => (403, "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.</p>\n</body></html>\n".into()),
                    Err(_) => (404, "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n".into()),
                };
                let time = clock.now().strftime("%d/%b/%Y:%H:%M:%S +0000");
                let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
                stdout.write_now(format!("{} - - [{time}] \"{} {}{query} HTTP/1.1\" {status} {}\n", request.peer.ip(), request.method, request.path, body.len()).as_bytes());
                let headers = vec![("server".to_owned(), "Apache/2.4.66 (Unix)".to_owned()), ("content-type".to_owned(), "text/html".to_owned())];
                Response { status, headers, body }
            }
        }));
    }
}
