//! What the kubelet serves: health on 10248, logs, exec and the rest on 10250.

use std::net::SocketAddr;
use std::sync::Arc;

use component::Origin;
use tokio::task::JoinSet;

use super::process::Kubelet;
use crate::network::{Listener, Owner, ServerTls};
use crate::servers::http;

impl Kubelet {
    /// Opens the ports and serves them.
    pub(super) fn serve(self: Arc<Self>, tasks: &mut JoinSet<()>) -> Result<(), String> {
        let origin = Origin::Node(self.machine.name());
        let network = self.machine.network().clone();
        let owner = || Owner { pid: self.settings.pid, program: "kubelet".to_owned() };
        let config = &self.settings.config;
        if config.healthz_port > 0 {
            let address: std::net::IpAddr = config.healthz_bind_address.parse().map_err(|_| "bad healthz address".to_owned())?;
            match network.listen(&origin, SocketAddr::new(address, config.healthz_port), owner(), None) {
                Ok(listener) => {
                    tasks.spawn(self.clone().serve_health(listener));
                }
                Err(error) => self.log.error("server.go:880", &error.to_string(), "Failed to start healthz server", &[]),
            }
        }
        if config.enable_server {
            let address: std::net::IpAddr = config.address.parse().map_err(|_| "bad address".to_owned())?;
            let tls = ServerTls::from_pem(self.settings.serving_cert.as_bytes());
            let listener =
                network.listen(&origin, SocketAddr::new(address, config.port), owner(), Some(tls)).map_err(|error| error.to_string())?;
            tasks.spawn(self.clone().serve_api(listener));
        }
        Ok(())
    }

    async fn serve_health(self: Arc<Self>, mut listener: Listener) {
        loop {
            let accepted = listener.accept().await;
            self.spawn(http::serve(accepted, |request| async move {
                match request.path.as_str() {
                    "/healthz" | "/healthz/ping" | "/healthz/syncloop" | "/healthz/log" => http::Response::text(200, "ok"),
                    _ => http::Response::text(404, "404 page not found\n"),
                }
            }));
        }
    }

    async fn serve_api(self: Arc<Self>, mut listener: Listener) {
        loop {
            let accepted = listener.accept().await;
            let kubelet = self.clone();
            self.spawn(async move { kubelet.serve_connection(accepted).await });
        }
    }
}
