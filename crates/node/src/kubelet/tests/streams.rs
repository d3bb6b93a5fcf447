//! The kubelet's API: logs and exec as the API server asks for them.

use component::tls::ClientTls;
use component::{Dialer, Origin};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::World;

/// Runs `exec`; what came on each channel, and how the connection was closed.
async fn exec(world: &World, query: &str, input: &[&[u8]]) -> (String, String, Value, u16) {
    let network = world.machine.network().clone();
    let tls = ClientTls { insecure: true, ..ClientTls::default() };
    let origin = Origin::Node("worker-2".into());
    let connection = network.connect(&origin, "172.18.0.5", 10250, Some(&tls)).await.expect("connected");
    let mut request = format!("ws://172.18.0.5:10250/exec/default/web/nginx?{query}").into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", http::HeaderValue::from_static("v5.channel.k8s.io"));
    let (mut socket, _) = tokio_tungstenite::client_async(request, connection.stream).await.expect("a handshake");
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
