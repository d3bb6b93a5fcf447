//! Upstream's plugins.

use std::sync::Arc;

use super::config::ServerConfig;
use super::plugins::Plugins;
use crate::{admission, apply, authn, authz, bootstrap, discovery, openapi};

impl Plugins {
    /// What kube-apiserver has with this configuration.
    pub fn standard(_config: &ServerConfig) -> Self {
        Self {
            authenticator: Arc::new(authn::Chain::default()),
            authorizer: Arc::new(authz::Modes),
            admission: Arc::new(admission::Chain),
            fields: Arc::new(apply::Tracker),
            paths: vec![Arc::new(discovery::Discovery), Arc::new(openapi::OpenApi::default())],
            post_start: bootstrap::post_start_hooks(),
        }
    }
}
