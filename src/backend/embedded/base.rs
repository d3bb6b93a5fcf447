//! The candidate's machine for clusters that are elsewhere: the same virtual shell and kubectl as on the embedded cluster. What runs
//! there reaches that cluster's API server, and nothing of the host.

use std::sync::Arc;

use component::Dialer;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kubesim::shell::Machine;
use kubesim::{Outside, base_machine};

use super::{access, shell};
use crate::backend::interactive::{InteractiveShell, Size};
use crate::backend::{AccessError, Output, ScriptShell};

/// The machine. Cheap to clone.
#[derive(Clone)]
pub struct Base(Arc<Machine>);

impl Base {
    /// Brings it up, on the runtime that it will be used on. `host` and `port` are the server of `kubeconfig`, which `dialer` reaches.
    pub fn start(kubeconfig: &str, host: &str, port: u16, dialer: Arc<dyn Dialer>, now: Timestamp) -> Self {
        Self(base_machine(kubeconfig, Outside { host: host.to_owned(), port, dialer }, now))
    }

    /// Opens a shell on it.
    pub fn open_shell(&self, size: Option<Size>) -> InteractiveShell {
        let (near, far) = shell::pair();
        let machine = Arc::clone(&self.0);
        tokio::spawn(async move { shell::serve_on(Ok(machine), kubesim::BASE, Box::new(|| Ok(())), size, far).await });
        near
    }
}

impl ScriptShell for Base {
    fn run<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        async move { access::run(Arc::clone(&self.0), Some(access::BASE_SETUP), script, stdin).await }.boxed()
    }
}
