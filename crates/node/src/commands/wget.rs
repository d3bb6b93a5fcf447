//! `wget`: GNU's on Debian, busybox's where it is `/bin/wget`.

use std::time::Duration;

use bytes::Bytes;
use component::dial::DialError;
use component::tls::ClientTls;
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::http::{Call, Failure, Phase, fetch, host_port};
use super::options::{Options, flag, value};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let busybox = context.is_file("/bin/wget");
    // `-qO-` and `-O -`; GNU's `-nv`.
    let args: Vec<String> = context.argv.iter().skip(1).filter(|arg| !matches!(arg.as_str(), "-nv" | "-nc")).cloned().collect();
    let specs = [
        flag('q', "quiet"),
        flag('S', "server-response"),
        flag('c', "continue"),
        flag('\0', "no-check-certificate"),
        flag('\0', "spider"),
        flag('v', "verbose"),
        flag('4', "inet4-only"),
        value('O', "output-document"),
        value('T', "timeout"),
        value('t', "tries"),
        value('U', "user-agent"),
        value('\0', "header"),
        value('\0', "post-data"),
        value('P', "directory-prefix"),
        value('Y', "proxy"),
        value('\0', "ca-certificate"),
        value('o', "output-file"),
        value('\0', "connect-timeout"),
    ];
    let options = match Options::parse(&args, &specs) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("wget: {message}")).await;
            return ExitStatus::Code(2);
        }
    };
    let Some(url) = options.rest.first() else {
        let _ = context.stderr.line("wget: missing URL\nUsage: wget [OPTION]... [URL]...").await;
        return ExitStatus::FAILURE;
    };
    let full = if url.contains("://") { url.clone() } else { format!("http://{url}") };
    let Ok(mut uri) = full.parse::<Uri>() else {
        let _ = context.stderr.line(format!("wget: bad address '{url}'")).await;
        return ExitStatus::FAILURE;
    };
    if uri.path().is_empty() {
        uri = format!("{full}/").parse().unwrap_or(uri);
    }
    let wget = Wget { context: &context, options: &options, busybox, quiet: options.has("q") };
    wget.transfer(uri).await
}

struct Wget<'a> {
    context: &'a ProcessContext,
    options: &'a Options,
    busybox: bool,
    quiet: bool,
}

impl Wget<'_> {
    async fn say(&self, text: String) {
        if !self.quiet {
            let _ = self.context.stderr.write(text).await;
        }
    }

    async fn transfer(&self, mut uri: Uri) -> ExitStatus {
        let limit = self
            .options
            .get("T")
            .or(self.options.get("connect-timeout"))
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|seconds| *seconds > 0.0);
        for _ in 0..20 {
            let (host, port) = host_port(&uri);
            if !self.busybox {
                let now = self.context.machine.clock().now().strftime("%Y-%m-%d %H:%M:%S");
                self.say(format!("--{now}--  {uri}\nConnecting to {host}:{port}... ")).await;
            }
            let mut headers = HeaderMap::new();
            let agent = self.options.get("U").unwrap_or(if self.busybox { "Wget" } else { "Wget/1.21.3" });
            if let Ok(agent) = HeaderValue::from_str(agent) {
                headers.insert(http::header::USER_AGENT, agent);
            }
            for header in self.options.all("header") {
                if let Some((name, value)) = header.split_once(':')
                    && let (Ok(name), Ok(value)) = (name.trim().parse::<http::HeaderName>(), HeaderValue::from_str(value.trim()))
                {
                    headers.insert(name, value);
                }
            }
            let ca_pem = self
                .options
                .get("ca-certificate")
                .and_then(|file| self.context.files.read(&self.context.path(file)).ok())
                .unwrap_or_default();
            let call = Call {
                method: if self.options.get("post-data").is_some() { Method::POST } else { Method::GET },
                uri: uri.clone(),
                headers,
                body: self.options.get("post-data").map(|data| Bytes::from(data.to_owned())).unwrap_or_default(),
                // busybox does not verify certificates.
                tls: ClientTls {
                    ca_pem: ca_pem.to_vec(),
                    insecure: self.busybox || self.options.has("no-check-certificate"),
                    ..ClientTls::default()
                },
                address: None,
                limit: limit.map_or(Duration::from_secs(900), Duration::from_secs_f64),
            };
            let answer = match fetch(self.context, call).await {
                Ok(answer) => answer,
                Err(failure) => return self.failed(&failure, &uri).await,
            };
            let status = answer.parts.status;
            if self.busybox {
                self.say(format!("Connecting to {host}:{port} ({})\n", answer.remote)).await;
            } else {
                self.say(format!(
                    "connected.\nHTTP request sent, awaiting response... {} {}\n",
                    status.as_u16(),
                    status.canonical_reason().unwrap_or_default()
                ))
                .await;
            }
            let location = answer.parts.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok());
            if let (true, Some(location)) = (status.is_redirection(), location) {
                let base =
                    format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |authority| authority.as_str()));
                let next = if location.contains("://") { location.to_owned() } else { format!("{base}{location}") };
                match next.parse() {
                    Ok(next) => uri = next,
                    Err(_) => return ExitStatus::FAILURE,
                }
                continue;
            }
            if !status.is_success() {
                let text = if self.busybox {
                    format!("wget: server returned error: HTTP/1.1 {} {}\n", status.as_u16(), status.canonical_reason().unwrap_or_default())
                } else {
                    format!(
                        "{} ERROR {}: {}.\n",
                        self.context.machine.clock().now().strftime("%Y-%m-%d %H:%M:%S"),
                        status.as_u16(),
                        status.canonical_reason().unwrap_or_default()
                    )
                };
                if self.busybox || !self.quiet {
                    let _ = self.context.stderr.write(text).await;
                }
                return ExitStatus::Code(if self.busybox { 1 } else { 8 });
            }
            return self.save(&uri, &answer.body).await;
        }
        ExitStatus::FAILURE
    }

    async fn save(&self, uri: &Uri, body: &Bytes) -> ExitStatus {
        if self.options.has("spider") {
            self.say("remote file exists\n".to_owned()).await;
            return ExitStatus::SUCCESS;
        }
        let name = match self.options.get("O") {
            Some(name) => name.to_owned(),
            None => uri.path().rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html").to_owned(),
        };
        if name == "-" {
            if self.busybox {
                self.say("writing to stdout\n".to_owned()).await;
            }
            let _ = self.context.stdout.write(body).await;
            if self.busybox {
                self.say(format!(
                    "-                    100% |********************************| {:5}  0:00:00 ETA\nwritten to stdout\n",
                    body.len()
                ))
                .await;
            }
            return ExitStatus::SUCCESS;
        }
        let dir = self.options.get("P").map_or_else(String::new, |dir| format!("{dir}/"));
        if let Err(errno) = self.context.files.write(&self.context.path(&format!("{dir}{name}")), body.clone()) {
            let text = if self.busybox {
                format!("wget: can't open '{name}': {errno}\n")
            } else {
                format!("{name}: {errno}\n\nCannot write to ‘{name}’ ({errno}).\n")
            };
            let _ = self.context.stderr.write(text).await;
            return ExitStatus::Code(if self.busybox { 1 } else { 3 });
        }
        self.say(if self.busybox {
            format!(
                "saving to '{name}'\n{name:<20} 100% |********************************| {:5}  0:00:00 ETA\n'{name}' saved\n",
                body.len()
            )
        } else {
            format!("Length: {0}\nSaving to: ‘{name}’\n\n‘{name}’ saved [{0}/{0}]\n\n", body.len())
        })
        .await;
        ExitStatus::SUCCESS
    }

    async fn failed(&self, failure: &Failure, uri: &Uri) -> ExitStatus {
        let (host, port) = host_port(uri);
        let (text, code) = match failure {
            // busybox bounds the connection with its limit, not the look-up: that one ends by itself, with no address.
            Failure::Lookup | Failure::TimedOut(Phase::Lookup) if self.busybox => {
                (format!("wget: bad address '{}'\n", uri.authority().map_or(host.as_str(), |authority| authority.as_str())), 1)
            }
            Failure::TimedOut(Phase::Lookup) => {
                (format!("failed: Connection timed out.\nwget: unable to resolve host address ‘{host}’\n"), 4)
            }
            Failure::Lookup => (format!("failed: Name or service not known.\nwget: unable to resolve host address ‘{host}’\n"), 4),
            Failure::Connect(error, address) if self.busybox => {
                let reason = match error {
                    DialError::NoRoute { .. } => "No route to host",
                    DialError::Timeout { .. } => "Connection timed out",
                    _ => "Connection refused",
                };
                (format!("wget: can't connect to remote host ({}): {reason}\n", address.ip()), 1)
            }
            Failure::Connect(error, _) => {
                let reason = match error {
                    DialError::NoRoute { .. } => "No route to host",
                    DialError::Timeout { .. } => "Connection timed out",
                    _ => "Connection refused",
                };
                (format!("failed: {reason}.\n"), 4)
            }
            Failure::TimedOut(_) if self.busybox => ("wget: download timed out\n".to_owned(), 1),
            Failure::TimedOut(_) => ("failed: Connection timed out.\n".to_owned(), 4),
            Failure::Empty if self.busybox => ("wget: error getting response\n".to_owned(), 1),
            Failure::Empty => ("No data received.\n".to_owned(), 4),
            Failure::Tls(error) if self.busybox => (format!("wget: error in TLS handshake: {error}\n"), 1),
            Failure::Tls(_) => (
                format!(
                    "ERROR: The certificate of ‘{host}’ is not trusted.\nTo connect to {host} insecurely, use `--no-check-certificate'.\n"
                ),
                5,
            ),
        };
        let _ = port;
        if self.busybox || !self.quiet {
            let _ = self.context.stderr.write(text).await;
        }
        ExitStatus::Code(code)
    }
}
