//! What a running command works with: flags, streams, files, and requests to the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use component::watch;
use component::{RequestError, Target};
use http::{Method, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, OnceCell};

use crate::command::Command;
use crate::error::Error;
use crate::flags::Flags;
use crate::invocation::{Connect, Editor, Files, Invocation, TerminalSize};
use crate::kubeconfig;
use crate::resources::discovery::Discovery;

/// A readable stream.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;
/// A writable stream.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// The command's surroundings.
pub struct Context {
    /// The command that runs.
    pub command: &'static Command,
    /// Its flags and arguments.
    pub flags: Flags,
    /// Files.
    pub files: Arc<dyn Files>,
    /// The editor.
    pub editor: Arc<dyn Editor>,
    /// Size of the terminal, if there is one.
    pub terminal: Option<watch::Receiver<TerminalSize>>,
    /// Standard output, for commands that stream.
    pub stdout: Arc<Mutex<Output>>,
    /// Standard error, for commands that stream.
    pub stderr: Arc<Mutex<Output>>,
    stdin: Mutex<Option<Input>>,
    env: BTreeMap<String, String>,
    cwd: String,
    connect: Arc<dyn Connect>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    session: OnceCell<Session>,
    discovery: OnceCell<Arc<Discovery>>,
    warned: std::sync::Mutex<BTreeSet<String>>,
    documents: std::sync::atomic::AtomicUsize,
}

/// A client and what it was made from.
struct Session {
    client: kube::Client,
    target: Target,
}

/// A response whose status tells of success.
pub struct Reply {
    /// The body.
    pub body: Vec<u8>,
}

impl Context {
    /// Surroundings for `command`.
    pub fn new(invocation: Invocation, command: &'static Command, flags: Flags) -> Self {
        Self {
            command,
            flags,
            files: invocation.files,
            editor: invocation.editor,
            terminal: invocation.terminal,
            stdout: Arc::new(Mutex::new(invocation.stdout)),
            stderr: Arc::new(Mutex::new(invocation.stderr)),
            stdin: Mutex::new(Some(invocation.stdin)),
            env: invocation.env,
            cwd: invocation.cwd,
            connect: invocation.connect,
            now: invocation.now,
            session: OnceCell::new(),
            discovery: OnceCell::new(),
            warned: std::sync::Mutex::default(),
            documents: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// A variable of the environment.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// A global flag's text, unless the command has a flag of its own by that name (`create rolebinding --user`).
    pub fn global(&self, name: &str) -> Option<&str> {
        let own = self.command.flags.iter().copied().flatten().any(|f| f.name == name);
        if own { None } else { self.flags.given(name) }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A file name made absolute.
    pub fn absolute(&self, path: &str) -> String {
        match path.strip_prefix("~/") {
            _ if path.starts_with('/') => path.to_owned(),
            Some(rest) => format!("{}/{rest}", self.env("HOME").unwrap_or("/root")),
            None => format!("{}/{path}", self.cwd.trim_end_matches('/')),
        }
    }

    /// A misuse of this command.
    pub fn usage_error(&self, text: impl std::fmt::Display) -> Error {
        Error::usage(&self.command.full_name(), text)
    }

    /// Takes standard input; the second taker gets none.
    pub async fn take_stdin(&self) -> Option<Input> {
        self.stdin.lock().await.take()
    }

    /// Reads standard input to its end.
    pub async fn read_stdin(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        if let Some(mut input) = self.take_stdin().await {
            input.read_to_end(&mut bytes).await?;
        }
        Ok(bytes)
    }

    /// Reads one line of standard input.
    pub async fn read_line(&self) -> Result<String, Error> {
        let mut line = Vec::new();
        if let Some(input) = self.stdin.lock().await.as_mut() {
            let mut byte = [0u8; 1];
            while input.read(&mut byte).await? == 1 && byte[0] != b'\n' {
                line.push(byte[0]);
            }
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Writes to standard output.
    pub async fn print(&self, text: impl AsRef<str> + Send) -> Result<(), Error> {
        self.write(&self.stdout, text.as_ref().as_bytes()).await
    }

    /// Writes a line to standard output.
    pub async fn println(&self, text: impl AsRef<str> + Send) -> Result<(), Error> {
        self.print(format!("{}\n", text.as_ref())).await
    }

    /// Writes a line to standard error.
    pub async fn eprintln(&self, text: impl AsRef<str> + Send) -> Result<(), Error> {
        self.write(&self.stderr, format!("{}\n", text.as_ref()).as_bytes()).await
    }

    async fn write(&self, to: &Mutex<Output>, bytes: &[u8]) -> Result<(), Error> {
        let mut to = to.lock().await;
        to.write_all(bytes).await?;
        to.flush().await?;
        Ok(())
    }

    /// Counts a printed document; whether there was one before it.
    pub fn next_document(&self) -> bool {
        self.documents.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0
    }

    /// A warning, once each.
    pub async fn warn(&self, text: &str) -> Result<(), Error> {
        let new = self.warned.lock().map(|mut seen| seen.insert(text.to_owned())).unwrap_or(true);
        if new { self.eprintln(format!("Warning: {text}")).await } else { Ok(()) }
    }

    async fn session(&self) -> Result<&Session, Error> {
        self.session
            .get_or_try_init(|| async {
                let target = kubeconfig::target(self)?;
                let client = self.connect.connect(target.clone()).map_err(Error::message)?;
                Ok(Session { client, target })
            })
            .await
    }

    /// The client, for requests that upgrade their connection.
    pub async fn client(&self) -> Result<kube::Client, Error> {
        Ok(self.session().await?.client.clone())
    }

    /// The API server's URL.
    pub async fn server(&self) -> Result<&str, Error> {
        Ok(&self.session().await?.target.server)
    }

    /// The namespace to work in: `-n`, the context's, or `default`.
    pub fn namespace(&self) -> Result<String, Error> {
        if let Some(name) = self.flags.given("namespace") {
            return Ok(name.to_owned());
        }
        let config = kubeconfig::load(self)?;
        let name = self.flags.given("context").unwrap_or(&config.current_context);
        let found = config.contexts.iter().find(|c| c.name == name).and_then(|c| c.context.namespace.clone());
        Ok(found.filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned()))
    }

    /// Whether `-n` was given, so that objects of other namespaces are a mistake.
    pub fn namespace_enforced(&self) -> bool {
        self.flags.given("namespace").is_some()
    }

    /// What the server serves; asked once.
    pub async fn discovery(&self) -> Result<Arc<Discovery>, Error> {
        self.discovery.get_or_try_init(|| async { Discovery::fetch(self).await.map(Arc::new) }).await.cloned()
    }

    /// `--request-timeout`; `None` waits for ever.
    pub fn timeout(&self) -> Option<Duration> {
        let text = self.flags.text("request-timeout");
        let parsed = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => values::duration::parse_go(text).unwrap_or_default(),
        };
        (!parsed.is_zero()).then_some(parsed)
    }

    /// Sends a request and returns the response once its head is there, successful or not. Warnings are printed.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<http::Response<kube::client::Body>, Error> {
        let session = self.session().await?;
        let mut request = Request::builder().method(method.clone()).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(kube::client::Body::from(body)).map_err(|e| Error::message(e.to_string()))?;
        let url = format!("{}{path}", session.target.server);
        let fail = |reason: String| Error::Transport { method: go_method(&method), url: url.clone(), reason };
        let sent = session.client.send(request);
        let result = match self.timeout() {
            Some(limit) => tokio::time::timeout(limit, sent)
                .await
                .map_err(|_| fail("net/http: request canceled (Client.Timeout exceeded while awaiting headers)".to_owned()))?,
            None => sent.await,
        };
        let response = result.map_err(|e| transport_error(&e, &method, &url, &session.target))?;
        for warning in response.headers().get_all("warning") {
            if let Some(text) = warning.to_str().ok().and_then(warning_text) {
                self.warn(&text).await?;
            }
        }
        Ok(response)
    }

    /// Sends a request; anything but success is an error.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Reply, Error> {
        let url = format!("{}{path}", self.server().await?);
        let response = self.send(method.clone(), path, headers, body).await?;
        let code = response.status().as_u16();
        let read = response.into_body().collect().await;
        let body = read.map_err(|e| Error::Transport { method: go_method(&method), url, reason: e.to_string() })?.to_bytes().to_vec();
        if code >= 400 { Err(Error::from_response(code, &body)) } else { Ok(Reply { body }) }
    }

    /// `GET`, JSON decoded.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.get_as(path, "application/json").await
    }

    /// `GET` with an `Accept` header, JSON decoded.
    pub async fn get_as(&self, path: &str, accept: &str) -> Result<Value, Error> {
        decode(&self.call(Method::GET, path, &[("accept", accept)], Vec::new()).await?.body)
    }

    /// A request with a JSON body, JSON decoded.
    pub async fn send_json(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Result<Value, Error> {
        let bytes = serde_json::to_vec(body).map_err(|e| Error::message(e.to_string()))?;
        let headers = [("accept", "application/json"), ("content-type", content_type)];
        decode(&self.call(method, path, &headers, bytes).await?.body)
    }

    /// `POST` of an object.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.send_json(Method::POST, path, "application/json", body).await
    }

    /// `PUT` of an object.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.send_json(Method::PUT, path, "application/json", body).await
    }

    /// `PATCH` with the given content type.
    pub async fn patch(&self, path: &str, content_type: &str, body: &Value) -> Result<Value, Error> {
        self.send_json(Method::PATCH, path, content_type, body).await
    }

    /// `PATCH` with a text that is sent as it is.
    pub async fn patch_text(&self, path: &str, content_type: &str, text: &str) -> Result<Value, Error> {
        let headers = [("accept", "application/json"), ("content-type", content_type)];
        decode(&self.call(Method::PATCH, path, &headers, text.as_bytes().to_vec()).await?.body)
    }

    /// `DELETE` with options.
    pub async fn delete(&self, path: &str, options: &Value) -> Result<Value, Error> {
        self.send_json(Method::DELETE, path, "application/json", options).await
    }
}

fn decode(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|e| Error::message(format!("couldn't decode the server's answer: {e}")))
}

/// `299 - "text"` → `text` (RFC 2616, section 14.46).
fn warning_text(header: &str) -> Option<String> {
    let start = header.find('"')?;
    let mut out = String::new();
    let mut escaped = false;
    for c in header[start + 1..].chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some(out),
            c => {
                out.push(c);
                escaped = false;
            }
        }
    }
    None
}

fn go_method(method: &Method) -> String {
    let text = method.as_str().to_ascii_lowercase();
    text[..1].to_ascii_uppercase() + &text[1..]
}

/// What Go's `net/http` would have said. Clients of a simulation bring the text with them; for real sockets it is made
/// from the kind of failure.
fn transport_error(error: &kube::Error, method: &Method, url: &str, target: &Target) -> Error {
    let transport = |reason: String| Error::Transport { method: go_method(method), url: url.to_owned(), reason };
    if let kube::Error::Api(status) = error {
        let status = crate::error::Status {
            code: status.code,
            reason: status.reason.clone(),
            message: status.message.clone(),
            details: Value::Null,
        };
        return Error::Status(Box::new(status));
    }
    if let Some(known) = RequestError::of(error) {
        return transport(known.reason.clone());
    }
    let mut last = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(known) = inner.downcast_ref::<RequestError>() {
            return transport(known.reason.clone());
        }
        last = inner.to_string();
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            let (host, port) = target.host_port();
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return transport(format!("dial tcp {host}:{port}: connect: connection refused")),
                std::io::ErrorKind::TimedOut => return transport(format!("dial tcp {host}:{port}: i/o timeout")),
                std::io::ErrorKind::UnexpectedEof => return transport("EOF".to_owned()),
                _ => {}
            }
        }
        source = inner.source();
    }
    transport(last)
}

#[cfg(test)]
mod tests {
    use super::warning_text;

    #[test]
    fn warnings() {
        assert_eq!(warning_text(r#"299 - "v1 Endpoints is \"old\"""#).as_deref(), Some("v1 Endpoints is \"old\""));
        assert_eq!(warning_text("299 -"), None);
    }
}
