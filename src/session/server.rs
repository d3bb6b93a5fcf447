//! The accepting side of a session's control socket. What requests mean is the [`Service`]'s business.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{SinkExt, StreamExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc};

use super::private;
use super::protocol::{self, Refusal, Reply, Request, ShellInput};

/// Replies to one request. A client that went away makes sends fail; a service then stops.
#[derive(Clone, Debug)]
pub struct Replies(mpsc::Sender<Reply>);

impl Replies {
    /// Sends one reply; `false` when nobody listens any more.
    pub async fn send(&self, reply: Reply) -> bool {
        self.0.send(reply).await.is_ok()
    }

    /// Sends a document.
    pub async fn document(&self, document: serde_json::Value) -> bool {
        self.send(Reply::Document { document }).await
    }

    /// Tells people what happened.
    pub async fn notice(&self, message: impl Into<String>) {
        self.send(Reply::Notice { message: message.into() }).await;
    }

    /// From code that cannot wait: a full queue drops the message, so only progress goes this way.
    pub fn progress(&self, message: impl Into<String>, remaining: Option<u64>) {
        let _ = self.0.try_send(Reply::Progress { message: message.into(), remaining });
    }

    /// Resolves when the client has gone away.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// What a shell's owner sends; ends when the client goes away.
pub type Inputs = mpsc::Receiver<ShellInput>;

/// Whether the session goes on after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    Serve,
    /// The process ends, and the session's folder with it.
    Stop,
}

/// The meaning of requests.
pub trait Service: Send + Sync + 'static {
    /// Fulfils one request.
    fn serve(self: Arc<Self>, request: Request, inputs: Inputs, replies: Replies) -> BoxFuture<'static, Result<After, Refusal>>;
}

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// [`Request::Stop`].
    Stopped,
    /// Nobody was connected for the whole grace period.
    Idle,
    /// SIGTERM or SIGHUP.
    Signalled,
}

/// A bound control socket; the file goes when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds. The directory is private, and so the socket is. A socket file that a dead process left is replaced: the
    /// caller holds the session's lock.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            private::directory(parent)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self { listener: UnixListener::bind(path)?, path: path.to_owned() })
    }

    /// Serves until stopped, signalled, or idle for `grace`.
    pub async fn serve(self, service: Arc<impl Service>, grace: Duration) -> io::Result<Ended> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut hangup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
        let (stop, connected) = (Arc::new(Notify::new()), Arc::new(Connected::default()));
        loop {
            tokio::select! {
                biased;
                () = stop.notified() => return Ok(Ended::Stopped),
                _ = terminate.recv() => return Ok(Ended::Signalled),
                _ = hangup.recv() => return Ok(Ended::Signalled),
                accepted = self.listener.accept() => {
                    let (stream, _) = accepted?;
                    let guard = connected.clone().enter();
                    let (service, stop) = (service.clone(), stop.clone());
                    tokio::spawn(async move {
                        if connection(stream, service).await == After::Stop {
                            stop.notify_one();
                        }
                        drop(guard);
                    });
                }
                () = connected.idle_for(grace) => return Ok(Ended::Idle),
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// How many clients there are.
#[derive(Debug, Default)]
struct Connected {
    count: AtomicUsize,
    changed: Notify,
}

impl Connected {
    fn enter(self: Arc<Self>) -> Entered {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        Entered(self)
    }

    /// Resolves once nobody has been connected for `grace`.
    async fn idle_for(&self, grace: Duration) {
        loop {
            let changed = self.changed.notified();
            if self.count.load(Ordering::SeqCst) > 0 {
                changed.await;
            } else if tokio::time::timeout(grace, changed).await.is_err() {
                return;
            }
        }
    }
}

struct Entered(Arc<Connected>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

/// Serves one connection.
async fn connection(stream: UnixStream, service: Arc<impl Service>) -> After {
    let (read, write) = stream.into_split();
    let mut incoming = protocol::reader::<serde_json::Value>(read);
    let mut outgoing = protocol::writer::<Reply>(write);
    let request = match incoming.next().await.map(|message| message.and_then(|v| serde_json::from_value::<Request>(v).map_err(Into::into)))
    {
        Some(Ok(request)) => request,
        Some(Err(error)) => {
            let refusal = Refusal { message: format!("not a request: {error}"), next: None, code: 2 };
            let _ = outgoing.send(Reply::Failed(refusal)).await;
            return After::Serve;
        }
        None => return After::Serve,
    };
    let (input, inputs) = mpsc::channel(64);
    let (replies, mut answers) = mpsc::channel(256);
    let mut work = Box::pin(service.serve(request, inputs, Replies(replies)));
    let mut input = Some(input);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(answer) = answers.recv() => {
                if outgoing.send(answer).await.is_err() {
                    // Nobody reads: dropping the channel tells the service, dropping the input ends its shell.
                    answers.close();
                    input = None;
                }
            }
            outcome = &mut work => break outcome,
            message = incoming.next(), if input.is_some() => {
                match message.and_then(Result::ok).and_then(|v| serde_json::from_value::<ShellInput>(v).ok()) {
                    Some(message) => {
                        if let Some(input) = &input {
                            let _ = input.send(message).await;
                        }
                    }
                    None => {
                        answers.close();
                        input = None;
                    }
                }
            }
        }
    };
    drop(work);
    while let Some(answer) = answers.recv().await {
        let _ = outgoing.send(answer).await;
    }
    let (after, last) = match outcome {
        Ok(after) => (after, Reply::Done),
        Err(refusal) => (After::Serve, Reply::Failed(refusal)),
    };
    let _ = outgoing.send(last).await;
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::folder::Folder;
    use crate::session::{Client, Directories, Record, SessionError};

    /// A service that answers enough to test the transport.
    struct Echo;

    impl Service for Echo {
        fn serve(self: Arc<Self>, request: Request, mut inputs: Inputs, replies: Replies) -> BoxFuture<'static, Result<After, Refusal>> {
            Box::pin(async move {
                match request {
                    Request::Status => {
                        replies.document(serde_json::json!({"ok": true})).await;
                    }
                    Request::Stop => return Ok(After::Stop),
                    Request::Shell { .. } => while inputs.recv().await.is_some() {},
                    _ => return Err(Refusal { message: "no".into(), next: Some("ask for status".into()), code: 3 }),
                }
                Ok(After::Serve)
            })
        }
    }

    async fn served(
        grace: Duration,
    ) -> (tempfile::TempDir, Folder, crate::session::folder::Lock, tokio::task::JoinHandle<io::Result<Ended>>) {
        let root = tempfile::tempdir().unwrap();
        let dirs = Directories::rooted(root.path());
        let folder = Folder::create(&dirs, "a").unwrap();
        let record = Record {
            protocol: protocol::VERSION,
            id: "a".into(),
            scenario: "s".into(),
            title: "S".into(),
            seed: 1,
            backend: "embedded".into(),
            started: jiff::Timestamp::UNIX_EPOCH,
            pid: std::process::id(),
            socket: folder.socket(&dirs),
            server: String::new(),
            nodes: Vec::new(),
            detached: false,
            content: None,
        };
        folder.write_record(&record).unwrap();
        let lock = folder.lock().unwrap().unwrap();
        let socket = Socket::bind(&record.socket).unwrap();
        let served = tokio::spawn(socket.serve(Arc::new(Echo), grace));
        (root, folder, lock, served)
    }

    #[tokio::test]
    async fn requests_are_answered_refused_and_stop_ends_it() {
        let (_root, folder, lock, served) = served(Duration::from_secs(60)).await;
        let ask = async |request: Request| Client::connect(&folder).await.unwrap().0.document(&request, &mut |_, _| {}).await;
        assert_eq!(ask(Request::Status).await.unwrap(), Some(serde_json::json!({"ok": true})));
        assert!(matches!(ask(Request::Hint).await, Err(SessionError::Refused { code: 3, .. })));
        assert_eq!(ask(Request::Stop).await.unwrap(), None);
        assert_eq!(served.await.unwrap().unwrap(), Ended::Stopped);
        drop(lock);
        assert!(matches!(Client::connect(&folder).await, Err(SessionError::Asleep { .. })));
    }

    #[tokio::test]
    async fn a_session_that_nobody_is_connected_to_ends_and_a_connected_one_does_not() {
        let (_root, folder, _lock, mut served) = served(Duration::from_millis(20)).await;
        let (mut client, _) = Client::connect(&folder).await.unwrap();
        client.request(&Request::Shell { node: "n".into(), terminal: None }).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut served).await.is_err());
        drop(client);
        assert_eq!(served.await.unwrap().unwrap(), Ended::Idle);
    }
}
