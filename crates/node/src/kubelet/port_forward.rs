//! `/portForward`: connections to ports of a pod, through a WebSocket.
//!
//! kubectl tunnels SPDY through it (`SPDY/3.1+portforward.k8s.io`). Upstream the API server takes that tunnel off and speaks plain
//! SPDY with the kubelet; here it passes it on. Other clients (kube-rs) use two channels for each port (`v4.channel.k8s.io`).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use component::Origin;
use futures::{SinkExt, StreamExt};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::api_server::Body;
use super::process::Kubelet;
use super::spdy::{Decoder, Encoder, Frame};
use super::streams::{Socket, close, frame, upgrade};

/// SPDY through a WebSocket, and one channel for each direction of a port.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const PROTOCOLS: &[&str] = &[TUNNEL, "v4.channel.k8s.io", "v5.channel.k8s.io"];

/// How much is read from a connection at once.
const CHUNK: usize = 16 * 1024;

/// Where the ports are.
#[derive(Clone)]
struct Ports {
    kubelet: Arc<Kubelet>,
    origin: Origin,
    /// The pod's sandbox, which errors name.
    sandbox: String,
}

type Connection = tokio::io::DuplexStream;

impl Ports {
    /// Connects to a port inside the pod. The error is containerd's (`internal/cri/server/sandbox_portforward_linux.go`).
    async fn connect(&self, port: u16) -> Result<Connection, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let network = self.kubelet.machine.network();
        network.connect_tcp(&self.origin, address, None).await.map(|connection| connection.stream).map_err(|_| {
            let sandbox = &self.sandbox;
            format!(
                "error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace: failed to \
                 connect to localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection \
                 refused IPv6 dial tcp6: address localhost: no suitable address found "
            )
        })
    }
}

impl Kubelet {
    pub(super) fn port_forward(
        self: Arc<Self>,
        request: Request<Incoming>,
        namespace: &str,
        pod: &str,
        query: &[(String, String)],
    ) -> Response<Body> {
        let origin = crate::network::PodKey::new(namespace, pod).origin(&self.machine.name());
        let runtime = self.find_pod(namespace, pod).and_then(|uid| self.runtime_pod(&uid).ok());
        let sandbox = runtime.and_then(|runtime| runtime.sandbox().map(|sandbox| sandbox.id.to_string())).unwrap_or_default();
        let numbers: Vec<u16> = query
            .iter()
            .filter(|(key, _)| key == "ports" || key == "port")
            .flat_map(|(_, value)| value.split(',').filter_map(|port| port.trim().parse().ok()).collect::<Vec<_>>())
            .collect();
        let ports = Ports { kubelet: self.clone(), origin, sandbox };
        upgrade(&self, request, PROTOCOLS, move |socket, protocol| async move {
            if protocol == TUNNEL {
                tunnel(socket, ports).await;
            } else {
                channels(socket, ports, numbers).await;
            }
        })
    }
}

/// One forwarded connection of a SPDY tunnel: kubectl opens the stream for errors first, then the one for data.
#[derive(Default)]
struct Pair {
    error: Option<u32>,
    data: Option<u32>,
}

/// Forwards connections, each on two streams, until the client leaves.
async fn tunnel(mut socket: Socket, ports: Ports) {
    let (sender, mut outgoing) = mpsc::channel::<Bytes>(64);
    let mut decoder = Decoder::default();
    let mut encoder = Encoder::default();
    // By `requestID`, until both streams are there.
    let mut opening: BTreeMap<String, Pair> = BTreeMap::new();
    // What the client sends on a data stream goes here.
    let mut writers: BTreeMap<u32, mpsc::Sender<Bytes>> = BTreeMap::new();
    loop {
        let bytes = tokio::select! {
            biased;
            Some(bytes) = outgoing.recv() => {
                if socket.send(Message::Binary(bytes)).await.is_err() {
                    return;
                }
                continue;
            }
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
        };
        decoder.push(&bytes);
        loop {
            let frame = match decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => return close(&mut socket).await,
            };
            match frame {
                Frame::Open { stream, headers, .. } => {
                    if socket.send(Message::Binary(encoder.reply(stream))).await.is_err() {
                        return;
                    }
                    let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
                    let request = header("requestid").to_owned();
                    let pair = opening.entry(request.clone()).or_default();
                    match header("streamtype") {
                        "error" => pair.error = Some(stream),
                        _ => pair.data = Some(stream),
                    }
                    if let Pair { error: Some(error), data: Some(data) } = *pair {
                        opening.remove(&request);
                        let (writer, from_client) = mpsc::channel(64);
                        writers.insert(data, writer);
                        let port = header("port").parse().unwrap_or(0);
                        ports.kubelet.spawn(forward(ports.clone(), port, (data, error), from_client, sender.clone()));
                    }
                }
                Frame::Data { stream, fin, bytes } => {
                    if let Some(writer) = writers.get(&stream).filter(|_| !bytes.is_empty()) {
                        // A connection that has ended takes no more.
                        let _ = writer.send(bytes).await;
                    }
                    if fin {
                        writers.remove(&stream);
                    }
                }
                Frame::Reset { stream } => drop(writers.remove(&stream)),
                Frame::Ping { id } => {
                    if socket.send(Message::Binary(Encoder::ping(id))).await.is_err() {
                        return;
                    }
                }
                Frame::GoAway => return close(&mut socket).await,
                Frame::Other => {}
            }
        }
    }
}

/// Carries one connection; both streams end with it.
async fn forward(
    ports: Ports,
    port: u16,
    (data, error): (u32, u32),
    mut from_client: mpsc::Receiver<Bytes>,
    to_client: mpsc::Sender<Bytes>,
) {
    let problem = match ports.connect(port).await {
        Ok(connection) => {
            let (reader, mut writer) = tokio::io::split(connection);
            let upwards = async {
                while let Some(bytes) = from_client.recv().await {
                    if writer.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                // The other direction may go on: a half-closed connection.
                let _ = writer.shutdown().await;
            };
            let downwards = copy(reader, &to_client, |bytes| Encoder::data(data, false, bytes));
            tokio::pin!(upwards, downwards);
            let mut sending = true;
            loop {
                tokio::select! {
                    biased;
                    () = &mut downwards => break,
                    () = &mut upwards, if sending => sending = false,
                }
            }
            String::new()
        }
        Err(problem) => problem,
    };
    // A client that has left needs no end.
    let _ = to_client.send(Encoder::data(error, true, problem.as_bytes())).await;
    let _ = to_client.send(Encoder::data(data, true, b"")).await;
}

/// Reads until the end, or until nobody wants it any more.
async fn copy<T>(mut reader: impl AsyncRead + Unpin, to: &mpsc::Sender<T>, wrap: impl Fn(&[u8]) -> T) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length) = reader.read(&mut buffer).await {
        if length == 0 || to.send(wrap(&buffer[..length])).await.is_err() {
            return;
        }
    }
}

/// Two channels for each port: data and errors. Both begin with the port.
async fn channels(mut socket: Socket, ports: Ports, numbers: Vec<u16>) {
    let (sender, mut outgoing) = mpsc::channel::<Message>(64);
    let mut writers = Vec::new();
    for (index, port) in (0_u8..128).zip(numbers) {
        let (data, error) = (2 * index, 2 * index + 1);
        for channel in [data, error] {
            let _ = socket.send(frame(channel, &port.to_le_bytes())).await; // a dead client is found below
        }
        writers.push(match ports.connect(port).await {
            Ok(connection) => {
                let (reader, writer) = tokio::io::split(connection);
                let sender = sender.clone();
                ports.kubelet.spawn(async move { copy(reader, &sender, |bytes| frame(data, bytes)).await });
                Some(writer)
            }
            Err(problem) => {
                let _ = socket.send(frame(error, problem.as_bytes())).await; // a dead client is found below
                None
            }
        });
    }
    drop(sender);
    loop {
        tokio::select! {
            biased;
            message = outgoing.recv() => match message {
                Some(message) => if socket.send(message).await.is_err() { return },
                None => break,
            },
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Binary(data))) if !data.is_empty() => {
                    let index = usize::from(data[0]) / 2;
                    if let Some(Some(writer)) = writers.get_mut(index)
                        && writer.write_all(&data[1..]).await.is_err()
                    {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
    close(&mut socket).await;
}
