//! What all parts of a server share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use component::Generator;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::config::ServerConfig;
use super::plugins::Plugins;
use crate::authn::KeySet;
use crate::authz::Remembered;
use crate::registry::Registry;
use crate::store::Store;

/// The server without its connections. Parts get an `Arc<Core>`; it outlives the handle only while requests end.
pub struct Core {
    /// Storage.
    pub store: Store,
    /// Configuration.
    pub config: ServerConfig,
    /// Exchangeable parts.
    pub plugins: Plugins,
    /// Cancelled when the server ends: long requests stop.
    pub shutdown: CancellationToken,
    registry: Arc<Registry>,
    started: AtomicBool,
    keys: OnceLock<KeySet>,
    /// What RBAC found out about those who asked.
    pub(crate) grants: Remembered,
    /// For what is not part of the World: audit ids, spread of time-outs. Reads must not move the store's generator.
    generator: Mutex<Generator>,
}

impl Core {
    pub(super) fn new(store: Store, config: ServerConfig, plugins: Plugins) -> Self {
        let registry = Arc::new(Registry::builtin());
        let started = AtomicBool::new(plugins.post_start.is_empty());
        let generator = Mutex::new(Generator::for_part(store.revision(), "apiserver"));
        Self {
            store,
            config,
            plugins,
            shutdown: CancellationToken::new(),
            registry,
            started,
            keys: OnceLock::new(),
            grants: Remembered::default(),
            generator,
        }
    }

    /// The resources served.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Keys for service-account tokens, read when first asked for; unusable ones verify nothing.
    pub fn keys(&self) -> &KeySet {
        let (signing, others) = (&self.config.service_account_signing_key_pem, &self.config.service_account_keys_pem);
        self.keys.get_or_init(|| KeySet::from_pem(signing, others).unwrap_or_default())
    }

    /// Draws from a generator that is not part of the state; for what is stored see [`Store::generate`].
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Generator) -> T) -> T {
        draw(&mut self.generator.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the first round of the post-start hooks is done; until then `/readyz` fails.
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    pub(super) fn set_started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// The present moment as `metav1.Time` prints it: whole seconds, `2026-01-02T03:04:05Z`.
    pub fn now_text(&self) -> String {
        self.config.clock.now_seconds().to_string()
    }
}
