//! The kubelet's API: logs and exec as the API server asks for them.

use std::time::Duration;

use component::tls::ClientTls;
use component::{Dialer, Origin};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::World;
use crate::kubelet::spdy::tests::opening;
use crate::kubelet::spdy::{Decoder, Encoder, Frame};

/// A WebSocket to the kubelet.
async fn open(world: &World, path: &str, protocol: &'static str) -> WebSocketStream<tokio::io::DuplexStream> {
    let network = world.machine.network().clone();
    let tls = ClientTls { insecure: true, ..ClientTls::default() };
    let origin = Origin::Node("worker-2".into());
    let connection = network.connect(&origin, "172.18.0.5", 10250, Some(&tls)).await.expect("connected");
    let mut request = format!("ws://172.18.0.5:10250{path}").into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", http::HeaderValue::from_static(protocol));
    tokio_tungstenite::client_async(request, connection.stream).await.expect("a handshake").0
}

/// A running nginx on a kubelet that lets everybody in.
async fn nginx() -> World {
    let world = World::new().await;
    world.edit(
        "/var/lib/kubelet/config.yaml",
        "authentication:\n",
        "authorization: {mode: AlwaysAllow}\nauthentication:\n  anonymous: {enabled: true}\n",
    );
    world.systemctl(&["restart", "kubelet"]).await;
    world.pass(12).await;
    world.create_pod("web", json!({"containers": [{"name": "nginx", "image": "nginx:1.27"}]}));
    world.pass(20).await;
    world
}

/// Runs `exec`; what came on each channel, and how the connection was closed.
async fn exec(world: &World, query: &str, input: &[&[u8]]) -> (String, String, Value, u16) {
    let mut socket = open(world, &format!("/exec/default/web/nginx?{query}"), "v5.channel.k8s.io").await;
    for bytes in input {
        socket.send(Message::Binary([&[0u8], *bytes].concat().into())).await.expect("sent");
    }
    let (mut out, mut err, mut status, mut code) = (String::new(), String::new(), Value::Null, 0);
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(data) => match data[0] {
                1 => out.push_str(&String::from_utf8_lossy(&data[1..])),
                2 => err.push_str(&String::from_utf8_lossy(&data[1..])),
                3 => status = serde_json::from_slice(&data[1..]).expect("a status"),
                _ => {}
            },
            Message::Close(frame) => code = frame.map_or(0, |frame| frame.code.into()),
            _ => {}
        }
    }
    (out, err, status, code)
}

#[tokio::test(start_paused = true)]
async fn exec_carries_output_exit_codes_and_keystrokes() {
    let world = nginx().await;
    let (out, _, status, code) = exec(&world, "command=echo&command=hi&output=1&error=1", &[]).await;
    assert_eq!((out.as_str(), &status["status"], code), ("hi\n", &json!("Success"), 1000));
    let (_, err, status, _) = exec(&world, "command=sh&command=-c&command=echo+no+%3E%262%3B+exit+3&output=1&error=1", &[]).await;
    assert_eq!((err.as_str(), &status["details"]["causes"][0]["message"]), ("no\n", &json!("3")), "{status}");
    let (_, _, status, _) = exec(&world, "command=nosuch&output=1&error=1", &[]).await;
    assert!(
        status["message"].as_str().is_some_and(|text| text.ends_with("exec: \"nosuch\": executable file not found in $PATH: unknown")),
        "{status}"
    );
    let (out, _, status, _) = exec(&world, "command=cat&input=1&output=1&tty=1", &[b"hx\x7fi\r", b"\x04"]).await;
    assert_eq!((out.as_str(), &status["status"]), ("hx\x08 \x08i\r\nhi\r\n", &json!("Success")), "{out:?}");
}

#[tokio::test(start_paused = true)]
async fn interrupt_in_a_containers_shell_ends_its_command_and_not_the_shell() {
    let world = nginx().await;
    let started = tokio::time::Instant::now();
    let mut socket = open(&world, "/exec/default/web/nginx?command=sh&input=1&output=1&tty=1", "v5.channel.k8s.io").await;
    for typed in ["echo unfinished \x03", "sleep 100\r", "\x03", "echo $((40 + 2))\r", "exit\r"] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        socket.send(Message::Binary(["\0", typed].concat().into())).await.expect("sent");
    }
    let (mut out, mut status) = (String::new(), Value::Null);
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(data) if data[0] == 1 => out.push_str(&String::from_utf8_lossy(&data[1..])),
            Message::Binary(data) if data[0] == 3 => status = serde_json::from_slice(&data[1..]).expect("a status"),
            _ => {}
        }
    }
    assert_eq!(status["status"], json!("Success"), "{status} {out:?}");
    let want = "/ # echo unfinished ^C\r\n/ # sleep 100\r\n^C\r\n/ # echo $((40 + 2))\r\n42\r\n/ # exit\r\n";
    assert_eq!(out, want);
    assert!(started.elapsed() < Duration::from_secs(60), "the sleep was ended");
}

#[tokio::test(start_paused = true)]
async fn a_port_is_forwarded_as_kubectl_asks_for_it() {
    let world = nginx().await;
    let mut socket = open(&world, "/portForward/default/web", "SPDY/3.1+portforward.k8s.io").await;
    socket.send(Message::Binary(opening().into())).await.expect("sent");
    let rest = Encoder::data(3, false, b"Host: localhost\r\nConnection: close\r\n\r\n");
    socket.send(Message::Binary(rest)).await.expect("sent");
    let (mut decoder, mut page, mut ended, mut ping) = (Decoder::default(), Vec::new(), Vec::new(), None);
    while ended.len() < 2 {
        let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("closed before the streams' end") };
        decoder.push(&bytes);
        while let Some(frame) = decoder.next().expect("SPDY") {
            match frame {
                Frame::Data { stream, fin, bytes } => {
                    if stream == 3 {
                        page.extend_from_slice(&bytes);
                    } else {
                        assert_eq!(bytes, "", "no error");
                    }
                    if fin {
                        ended.push(stream);
                    }
                }
                Frame::Ping { id } => ping = Some(id),
                _ => {}
            }
        }
    }
    let page = String::from_utf8_lossy(&page).into_owned();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("Welcome to nginx"), "{page}");
    assert_eq!((ended, ping), (vec![1, 3], Some(5)));
}
