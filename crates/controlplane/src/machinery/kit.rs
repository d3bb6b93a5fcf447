//! What a controller works with.

use std::future::Future;
use std::sync::Arc;

use component::{Clock, Klog};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::errors::{Failure, Outcome};
use super::events::{Recorder, Sink};
use super::informer::Informer;
use super::informers::Informers;
use super::object::{Meta, Object};
use super::queue::Queue;
use super::rest::{Deletion, Rest};
use crate::context::ClientFactory;
use crate::options::ControllerManagerOptions;
use crate::state::Memory;

/// Starts tasks that end with the component: dropping the component's future drops the set that runs them.
#[derive(Clone)]
pub struct Spawner(mpsc::UnboundedSender<BoxFuture<'static, ()>>);

/// Runs what a [`Spawner`] was given, until dropped.
pub struct Tasks(mpsc::UnboundedReceiver<BoxFuture<'static, ()>>);

impl Spawner {
    /// A spawner and the tasks it feeds.
    pub fn new() -> (Self, Tasks) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Tasks(receiver))
    }

    /// Starts a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // A closed channel means that the component is gone already.
        let _ = self.0.send(Box::pin(task));
    }
}

impl Tasks {
    /// Runs them. Never ends by itself.
    pub async fn run(mut self) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                task = self.0.recv() => match task {
                    Some(task) => { running.spawn(task); }
                    None => std::future::pending::<()>().await,
                },
                Some(_) = running.join_next() => {}
            }
        }
    }
}

/// Brings one key into its wanted state, from scratch, whatever happened before.
pub trait Reconcile: Send + Sync {
    /// One attempt. A failure is tried again with back-off.
    fn reconcile(&self, key: &str) -> impl Future<Output = Outcome> + Send;
}

/// A cache that can be waited for.
pub trait Synced: Send + Sync {
    /// Waits for the first list.
    fn synced(&self) -> BoxFuture<'_, ()>;
}

impl<K: Object> Synced for Informer<K> {
    fn synced(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_synced())
    }
}

/// Clock, client, caches, queues and log of one controller.
#[derive(Clone)]
pub struct Kit {
    /// Time.
    pub clock: Clock,
    /// Requests in the controller's name.
    pub rest: Rest,
    /// Shared caches.
    pub informers: Arc<Informers>,
    /// Log of the process.
    pub log: Klog,
    /// What survives a fork.
    pub memory: Memory,
    /// Flags.
    pub options: Arc<ControllerManagerOptions>,
    /// Starts tasks.
    pub spawner: Spawner,
    pub(crate) sink: Sink,
    pub(crate) clients: Option<ClientFactory>,
}

impl Kit {
    /// The kit of one controller, with its own client where the component was given a factory.
    pub fn for_controller(&self, name: &str) -> Self {
        let rest = self.clients.as_ref().map_or_else(|| self.rest.clone(), |make| Rest::new(make(name), "kube-controller-manager"));
        Self { rest, ..self.clone() }
    }

    /// The shared cache of a kind.
    pub fn informer<K: Object>(&self) -> Arc<Informer<K>> {
        self.informers.get()
    }

    /// A new work queue.
    pub fn queue(&self, name: &'static str) -> Arc<Queue> {
        Queue::new(name, self.clock, self.memory.clone())
    }

    /// Writes events in the name of a component.
    pub fn recorder(&self, component: &str) -> Recorder {
        Recorder::new(self.sink.clone(), component, "")
    }

    /// Reconciles key after key once the caches are filled; never ends.
    pub async fn work<R: Reconcile>(&self, queue: &Queue, caches: &[&dyn Synced], reconciler: &R) {
        for cache in caches {
            cache.synced().await;
        }
        loop {
            let key = queue.next().await;
            match reconciler.reconcile(&key).await {
                Ok(()) => queue.forget(&key),
                Err(failure) => {
                    queue.retry(&key);
                    self.report(queue.name(), &key, &failure);
                }
            }
        }
    }

    fn report(&self, queue: &str, key: &str, failure: &Failure) {
        if failure.is_conflict() {
            self.log.info(
                "controller_utils.go:1045",
                &format!("Error syncing {queue}"),
                &[("key", key.into()), ("err", (&failure.to_string()).into())],
            );
        } else {
            self.log.unhandled("controller_utils.go:1051", &format!("sync {key:?} failed with {failure}"));
        }
    }

    /// Creates an object and waits until the cache has it.
    pub async fn create<K: Object>(&self, object: &K) -> Result<K, kube::Error> {
        let created = self.rest.create(object).await?;
        self.informer::<K>().saw(&created).await;
        Ok(created)
    }

    /// Replaces an object and waits until the cache has it.
    pub async fn replace<K: Object>(&self, object: &K) -> Result<K, kube::Error> {
        let replaced = self.rest.replace(object).await?;
        self.informer::<K>().saw(&replaced).await;
        Ok(replaced)
    }

    /// Replaces an object's status and waits until the cache has it.
    pub async fn replace_status<K: Object>(&self, object: &K) -> Result<K, kube::Error> {
        let replaced = self.rest.replace_status(object).await?;
        self.informer::<K>().saw(&replaced).await;
        Ok(replaced)
    }

    /// Patches an object (strategic merge) and waits until the cache has it.
    pub async fn patch<K: Object>(&self, object: &K, subresource: &str, patch: &serde_json::Value) -> Result<K, kube::Error> {
        let patched = self.rest.strategic::<K>(object.ns(), object.name(), subresource, patch).await?;
        self.informer::<K>().saw(&patched).await;
        Ok(patched)
    }

    /// Deletes the object that was read and waits until the cache knows. One that is gone already is no error.
    pub async fn delete<K: Object>(&self, object: &K) -> Result<(), kube::Error> {
        let result = self.rest.delete::<K>(object.ns(), object.name(), &Deletion::of(object.uid())).await;
        match result {
            Ok(()) => {}
            Err(error) if super::errors::not_found(&error) => {}
            Err(error) => return Err(error),
        }
        self.informer::<K>().saw_deletion(&object.key(), object.uid()).await;
        Ok(())
    }
}
