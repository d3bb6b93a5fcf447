//! `/exec` and `/attach` over WebSockets (`v4.channel.k8s.io`, `v5.channel.k8s.io`).

use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};

use super::api_server::{Body, text};
use super::line_discipline::LineDiscipline;
use super::process::Kubelet;
use crate::containerd::{Container, ContainerState, ExecIo};
use crate::machine::{Input, InputWriter, Output, Signal, Terminal};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

pub(super) type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Which streams were asked for.
#[derive(Clone, Debug, Default)]
struct Wanted {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
    command: Vec<String>,
}

impl Wanted {
    fn parse(query: &[(String, String)]) -> Self {
        let mut wanted = Self::default();
        for (key, value) in query {
            let flag = matches!(value.as_str(), "true" | "1");
            match key.as_str() {
                "input" | "stdin" => wanted.stdin = flag,
                "output" | "stdout" => wanted.stdout = flag,
                "error" | "stderr" => wanted.stderr = flag,
                "tty" => wanted.tty = flag,
                "command" => wanted.command.push(value.clone()),
                _ => {}
            }
        }
        wanted
    }
}

/// Answers a WebSocket handshake; `run` gets the socket.
pub(super) fn upgrade<F, Fut>(kubelet: &Kubelet, mut request: Request<Incoming>, protocols: &[&str], run: F) -> Response<Body>
where
    F: FnOnce(Socket, String) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(key) = header("sec-websocket-key") else {
        return text(StatusCode::BAD_REQUEST, "you must specify at least one websocket upgrade header\n");
    };
    let offered = header("sec-websocket-protocol").unwrap_or_default();
    let chosen = offered.split(',').map(str::trim).find(|protocol| protocols.contains(protocol)).unwrap_or_default().to_owned();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    let protocol = chosen.clone();
    kubelet.spawn(async move {
        // A client that goes away before the switch needs no answer.
        if let Ok(upgraded) = upgraded.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            run(socket, protocol).await;
        }
    });
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", accept);
    if !chosen.is_empty() {
        response = response.header("sec-websocket-protocol", chosen);
    }
    response.body(Empty::new().boxed_unsync()).unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, ""))
}

/// How a command ended, for the error channel.
fn outcome(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

/// Both the container runtime's streaming server and the API server's stream translator put it before the reason.
const INTERNAL: &str = "Internal error occurred: ";

fn failure(message: &str) -> Value {
    json!({"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500})
}

pub(super) fn frame(channel: u8, bytes: &[u8]) -> Message {
    let mut data = Vec::with_capacity(bytes.len() + 1);
    data.push(channel);
    data.extend_from_slice(bytes);
    Message::Binary(data.into())
}

const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];

impl Kubelet {
    /// A container that runs; `missing` says what there is to say if it does not.
    fn running(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        missing: impl FnOnce() -> String,
    ) -> Result<Arc<Container>, (StatusCode, String)> {
        let (_, runtime) = self.find_container(namespace, pod, container)?;
        let newest = runtime.newest(container).filter(|newest| newest.state == ContainerState::Running);
        newest.cloned().ok_or_else(|| (StatusCode::NOT_FOUND, missing()))
    }

    pub(super) fn exec(
        self: Arc<Self>,
        request: Request<Incoming>,
        namespace: &str,
        pod: &str,
        container: &str,
        query: &[(String, String)],
    ) -> Response<Body> {
        let wanted = Wanted::parse(query);
        let current = self.running(namespace, pod, container, || format!("container not found (\"{container}\")\n"));
        let current = match current {
            Err((StatusCode::NOT_FOUND, message)) if message.starts_with("container not found") => Err(message.trim_end().to_owned()),
            Err((status, message)) => return text(status, message),
            Ok(current) => Ok(current),
        };
        let kubelet = self.clone();
        upgrade(&self, request, PROTOCOLS, move |socket, _| async move {
            let current = match current {
                Ok(current) => current,
                // The API server answers a WebSocket before it knows what the kubelet says, and then passes it on as its own error
                // (`StreamTranslatorHandler`). Here both are one connection.
                Err(message) => {
                    finish(socket, &failure(&format!("{INTERNAL}unable to upgrade connection: {message}"))).await;
                    return;
                }
            };
            let (sender, outgoing) = mpsc::channel(64);
            let pipe = |channel: u8| {
                let sender = sender.clone();
                Output::callback(move |bytes| {
                    // A slow client loses output rather than stopping the simulation.
                    let _ = sender.try_send(frame(channel, bytes));
                })
            };
            let (writer, input) = if wanted.stdin {
                let (writer, input) = Input::channel();
                (Some(writer), input)
            } else {
                (None, Input::empty())
            };
            let terminal = wanted.tty.then(|| Terminal::plain("pts/0"));
            let stdout = if wanted.stdout { pipe(STDOUT) } else { Output::null() };
            let stderr = match (wanted.tty, wanted.stderr) {
                (true, _) => stdout.clone(),
                (false, true) => pipe(STDERR),
                (false, false) => Output::null(),
            };
            // A terminal turns newlines into carriage return and newline.
            let (stdout, stderr) = if wanted.tty { (cooked(stdout), cooked(stderr)) } else { (stdout, stderr) };
            let echo = wanted.tty.then(|| pipe(STDOUT));
            let io = ExecIo { stdin: input, stdout, stderr, terminal: terminal.clone() };
            match kubelet.cri.exec(&current.id, wanted.command.clone(), io) {
                Err(error) => {
                    let message = if error.code == "Unknown" { error.message } else { error.to_string() };
                    let status = failure(&format!("{INTERNAL}{INTERNAL}error executing command in container: {message}"));
                    finish(socket, &status).await;
                }
                Ok(child) => {
                    let machine = kubelet.machine.clone();
                    let pid = child.pid();
                    let interrupt = move |signal| {
                        // It may have ended at the same moment.
                        let _ = machine.kill(pid, signal);
                    };
                    let ended = async move { outcome(child.wait().await.code()) };
                    converse(socket, outgoing, writer, echo, terminal, interrupt, ended).await;
                }
            }
        })
    }

    pub(super) fn attach(
        self: Arc<Self>,
        request: Request<Incoming>,
        namespace: &str,
        pod: &str,
        container: &str,
        query: &[(String, String)],
    ) -> Response<Body> {
        let wanted = Wanted::parse(query);
        let current =
            match self.running(namespace, pod, container, || format!("container {container} not found in pod {pod}_{namespace}\n")) {
                Ok(current) => current,
                Err((status, message)) => return text(status, message),
            };
        let kubelet = self.clone();
        upgrade(&self, request, PROTOCOLS, move |socket, _| async move {
            let machine = kubelet.machine.clone();
            let streams = machine.network().streams();
            let (sender, outgoing) = mpsc::channel(64);
            let live = streams.get(&machine.name(), &current.id);
            let tty = current.config.tty;
            if let Some(live) = &live {
                let mut output = live.output.subscribe();
                let sender = sender.clone();
                kubelet.spawn(async move {
                    while let Ok((stderr, bytes)) = output.recv().await {
                        let bytes = if tty { cook(&bytes) } else { bytes.to_vec() };
                        let channel = if stderr && !tty { STDERR } else { STDOUT };
                        if sender.send(frame(channel, &bytes)).await.is_err() {
                            return;
                        }
                    }
                });
            } else if let Ok((_, runtime)) = kubelet.find_container(
                current.config.labels.get("io.kubernetes.pod.namespace").map_or("", String::as_str),
                current.config.labels.get("io.kubernetes.pod.name").map_or("", String::as_str),
                &current.config.name,
            ) {
                // Not kept open: what it writes from now on is read from its log.
                let options = super::logs::LogOptions { follow: true, tail: Some(0), ..super::logs::LogOptions::default() };
                let mut log = kubelet.clone().log_stream_of(current.clone(), &runtime, options);
                let sender = sender.clone();
                kubelet.spawn(async move {
                    while let Some(bytes) = log.next().await {
                        if sender.send(frame(STDOUT, &bytes)).await.is_err() {
                            return;
                        }
                    }
                });
            }
            let writer = live.and_then(|live| live.stdin).filter(|_| wanted.stdin);
            let echo = (tty && writer.is_some()).then(|| {
                let sender = sender.clone();
                Output::callback(move |bytes| {
                    let _ = sender.try_send(frame(STDOUT, bytes));
                })
            });
            drop(sender);
            let pid = current.pid.unwrap_or(0);
            let killer = machine.clone();
            let interrupt = move |signal| {
                let _ = killer.kill(pid, signal); // it may have ended at the same moment
            };
            let id = current.id.clone();
            let ended = async move {
                machine
                    .wait_for(|state| match state.containers.containers.get(&id) {
                        Some(container) if container.state == ContainerState::Running => None,
                        _ => Some(()),
                    })
                    .await;
                // The exit code of an attached container is not told.
                outcome(0)
            };
            converse(socket, outgoing, writer, echo, None, interrupt, ended).await;
        })
    }
}

/// Output of a terminal: `\n` becomes `\r\n` (ONLCR).
fn cook(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    let mut before = 0;
    for byte in bytes {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

fn cooked(output: Output) -> Output {
    Output::callback(move |bytes| output.write_now(&cook(bytes)))
}

/// Carries bytes both ways until the command has ended, then tells how and closes.
async fn converse(
    mut socket: Socket,
    mut outgoing: mpsc::Receiver<Message>,
    mut stdin: Option<InputWriter>,
    echo: Option<Output>,
    terminal: Option<Arc<Terminal>>,
    interrupt: impl Fn(Signal),
    ended: impl Future<Output = Value>,
) {
    let mut discipline = echo.as_ref().map(|_| LineDiscipline::default());
    futures::pin_mut!(ended);
    let status = loop {
        tokio::select! {
            biased;
            Some(message) = outgoing.recv() => {
                if socket.send(message).await.is_err() {
                    interrupt(Signal::Hup);
                    return;
                }
            }
            status = &mut ended => break status,
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Binary(data))) => match data.first().copied() {
                    Some(STDIN) => {
                        let bytes = data.slice(1..);
                        let bytes = match (&mut discipline, &echo) {
                            (Some(discipline), Some(echo)) => {
                                let step = discipline.take(&bytes);
                                echo.write_now(&step.echo);
                                if let Some(signal) = step.signal {
                                    interrupt(signal);
                                }
                                if step.end_of_file {
                                    stdin = None;
                                }
                                Bytes::from(step.line)
                            }
                            _ => bytes,
                        };
                        if let Some(writer) = &stdin
                            && !bytes.is_empty()
                            && writer.send(bytes).await.is_err()
                        {
                            stdin = None;
                        }
                    }
                    Some(RESIZE) => {
                        if let (Some(terminal), Ok(size)) = (&terminal, serde_json::from_slice::<Value>(&data[1..])) {
                            let part = |name: &str, other: &str| size[name].as_u64().or(size[other].as_u64()).and_then(|n| u16::try_from(n).ok());
                            if let (Some(width), Some(height)) = (part("Width", "width"), part("Height", "height")) {
                                *terminal.size.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (width, height);
                            }
                        }
                    }
                    Some(CLOSE) if data.get(1) == Some(&STDIN) => stdin = None,
                    _ => {}
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    interrupt(Signal::Hup);
                    return;
                }
                Some(Ok(_)) => {}
            },
        }
    };
    // What was written before the end is sent before the end.
    while let Ok(message) = outgoing.try_recv() {
        if socket.send(message).await.is_err() {
            return;
        }
    }
    finish(socket, &status).await;
}

async fn finish(mut socket: Socket, status: &Value) {
    if socket.send(frame(ERROR, status.to_string().as_bytes())).await.is_ok() {
        close(&mut socket).await;
    }
}

/// A normal closure; kubectl takes any other for an error.
pub(super) async fn close(socket: &mut Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        // Until the client has answered.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
}
