//! Component statuses: the server asks its neighbours (`pkg/registry/core/componentstatus`, `legacyProvider.componentStatuses`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::tls::ClientTls;
use futures::future::BoxFuture;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::server::Core;

/// Names and secure ports on the loopback address.
const COMPONENTS: [(&str, u16); 2] = [("controller-manager", 10257), ("scheduler", 10259)];

/// All statuses, etcd last as upstream lists it.
pub(super) fn statuses(core: Arc<Core>) -> BoxFuture<'static, Vec<Value>> {
    Box::pin(async move {
        let mut list = Vec::new();
        for (name, port) in COMPONENTS {
            list.push(status(name, probe(&core, port).await));
        }
        let etcd = if core.store.is_available() { Ok("ok".to_owned()) } else { Err("context deadline exceeded".to_owned()) };
        list.push(status("etcd-0", etcd));
        list
    })
}

fn status(name: &str, probed: Result<String, String>) -> Value {
    let healthy = if probed.is_ok() { "True" } else { "False" };
    let (Ok(message) | Err(message)) = probed;
    json!({"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": healthy, "message": message}]})
}

/// GET /healthz without judging the certificate, as upstream's prober.
async fn probe(core: &Core, port: u16) -> Result<String, String> {
    let url = format!("https://127.0.0.1:{port}/healthz");
    let asked = async {
        let tls = ClientTls { insecure: true, ..ClientTls::default() };
        let connected = core.config.dialer.connect(&core.config.origin, "127.0.0.1", port, Some(&tls)).await;
        let stream = connected.map_err(|error| error.to_string())?.stream;
        let (mut client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let request = Request::get("/healthz").header("host", format!("127.0.0.1:{port}")).body(Full::<Bytes>::default());
        let request = request.map_err(|error| error.to_string())?;
        let exchange = async {
            let response = client.send_request(request).await.map_err(|_| "EOF".to_owned())?;
            let code = response.status();
            let body = response.into_body().collect().await.map_err(|_| "EOF".to_owned())?.to_bytes();
            Ok::<_, String>((code, String::from_utf8_lossy(&body).into_owned()))
        };
        tokio::pin!(connection);
        tokio::select! {
            biased;
            answer = exchange => answer,
            _ = &mut connection => Err("EOF".to_owned()),
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), asked).await {
        Ok(Ok((code, body))) if code.is_success() => Ok(body),
        Ok(Ok((_, body))) => Err(body),
        Ok(Err(why)) => Err(format!("Get {url:?}: {why}")),
        Err(_) => Err(format!("Get {url:?}: context deadline exceeded")),
    }
}
