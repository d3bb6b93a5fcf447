//! A connection to a cluster that the user named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::detect::{Detected, detect};
use super::error::ExistingError;
use super::guard::{PRODUCTION, refuse_production};
use super::kubeconfig::Chosen;
use super::nodes::NoNodes;
use super::permissions;
use super::plan::{self, PREFIX, Plan, Removed, SESSION_LABEL};
use crate::backend::embedded::Base;
use crate::backend::host_dialer::HostDialer;
use crate::backend::interactive::{InteractiveShell, Size};
use crate::backend::{Environment, Now};
use crate::model::{Capability, Inventory, NodePaths};

/// The user's choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// Files that the context is looked for in.
    pub files: Vec<PathBuf>,
    /// The context. There is no default: a current context is not a choice.
    pub context: String,
    /// What counts as production, a regular expression.
    pub production: String,
}

impl Options {
    /// A context of these files, with the usual idea of production.
    pub fn new(files: Vec<PathBuf>, context: String) -> Self {
        Self { files, context, production: PRODUCTION.to_owned() }
    }
}

/// How often to look.
const LOOK: Duration = Duration::from_millis(500);

/// A cluster of somebody else's, for one session.
pub struct Existing {
    context: String,
    client: kube::Client,
    base: Base,
    inventory: Arc<Inventory>,
    detected: Detected,
    kubeconfig: String,
    server: String,
    session: String,
    now: Now,
}

impl Existing {
    /// Connects and looks; changes nothing. Refuses production.
    pub async fn connect(options: &Options, session: &str, now: Now) -> Result<Self, ExistingError> {
        let chosen = Chosen::read(&options.files, &options.context)?;
        refuse_production(chosen.names(), &Regex::new(&options.production)?)?;
        let context = options.context.clone();
        let (client, url) = chosen.client().await?;
        let unanswered = |source| ExistingError::Api { context: context.clone(), source: Box::new(source) };
        let detected = detect(&client).await.map_err(unanswered)?;
        let kubeconfig = chosen.to_yaml()?;
        let (host, port) = (url.host().unwrap_or_default().to_owned(), url.port_u16().unwrap_or(443));
        let base = Base::start(&kubeconfig, &host, port, Arc::new(HostDialer), now());
        let inventory = Inventory {
            context: context.clone(),
            nodes: detected.nodes.clone(),
            paths: NodePaths::kubeadm(),
            namespace_prefix: PREFIX.to_owned(),
        };
        let (inventory, session) = (Arc::new(inventory), session.to_owned());
        Ok(Self { context, client, base, inventory, detected, kubeconfig, server: chosen.names().server.clone(), session, now })
    }

    /// What was seen of it.
    pub fn detected(&self) -> &Detected {
        &self.detected
    }

    /// What it can do.
    pub fn capabilities(&self) -> &BTreeSet<Capability> {
        &self.detected.capabilities
    }

    /// Refuses a user that lacks rights. Asks for each of them, so it is asked once, before anything is made.
    pub async fn rights(&self) -> Result<(), ExistingError> {
        let missing = permissions::missing(&self.client).await.map_err(|source| self.unanswered(source))?;
        if missing.is_empty() { Ok(()) } else { Err(ExistingError::Rights { context: self.context.clone(), missing }) }
    }

    /// Refuses a plan whose namespaces are there already.
    pub async fn free(&self, plan: &Plan) -> Result<(), ExistingError> {
        let taken = plan::taken(&self.client, plan).await.map_err(|source| self.unanswered(source))?;
        if taken.is_empty() { Ok(()) } else { Err(ExistingError::Taken(taken)) }
    }

    /// Removes what the session made. Namespaces take a while to go; that is the cluster's work.
    pub async fn remove(&self) -> Result<Removed, ExistingError> {
        plan::remove(&self.client, &self.session).await.map_err(|source| self.unanswered(source))
    }

    /// Waits until namespaces are gone; whether they are, before the time was up.
    pub async fn gone(&self, namespaces: &[String], within: Duration) -> Result<bool, ExistingError> {
        let until = tokio::time::Instant::now() + within;
        let plan = Plan { namespaces: namespaces.iter().map(|n| (n.clone(), Vec::new())).collect() };
        while !plan::taken(&self.client, &plan).await.map_err(|source| self.unanswered(source))?.is_empty() {
            if tokio::time::Instant::now() >= until {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(true)
    }

    fn unanswered(&self, source: kube::Error) -> ExistingError {
        ExistingError::Api { context: self.context.clone(), source: Box::new(source) }
    }

    /// The cluster as an environment, whose futures run on the runtime that calls.
    pub fn environment(&self) -> Environment {
        Environment {
            client: self.client.clone(),
            nodes: Arc::new(NoNodes),
            shell: Arc::new(self.base.clone()),
            inventory: Arc::clone(&self.inventory),
            capabilities: self.detected.capabilities.clone(),
            labels: BTreeMap::from([(SESSION_LABEL.to_owned(), self.session.clone())]),
            forks: None,
            now: Arc::clone(&self.now),
        }
    }

    /// Names, addresses, paths.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// URL of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// A kubeconfig of this context alone.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The candidate's shell; there is no node to open one on.
    pub fn open_shell(&self, size: Option<Size>) -> InteractiveShell {
        self.base.open_shell(size)
    }
}
