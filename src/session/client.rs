//! Talking to a live session.

use std::pin::Pin;
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use tokio::net::UnixStream;

use super::error::SessionError;
use super::folder::{Folder, Record};
use super::protocol::{self, Refusal, Reply, Request, ShellInput};

/// One connection to a session.
pub struct Client {
    id: String,
    notices: Vec<String>,
    requests: Pin<Box<dyn Sink<serde_json::Value, Error = std::io::Error> + Send>>,
    replies: Pin<Box<dyn Stream<Item = std::io::Result<Reply>> + Send>>,
}

impl Client {
    /// Connects to the session of `folder`.
    pub async fn connect(folder: &Folder) -> Result<(Self, Record), SessionError> {
        let record = folder.record()?;
        if !folder.is_live() {
            return Err(SessionError::Asleep { id: record.id });
        }
        let stream =
            UnixStream::connect(&record.socket).await.map_err(|source| SessionError::Connection { id: record.id.clone(), source })?;
        let (read, write) = stream.into_split();
        let client = Self {
            id: record.id.clone(),
            notices: Vec::new(),
            requests: Box::pin(protocol::writer(write)),
            replies: Box::pin(protocol::reader(read)),
        };
        Ok((client, record))
    }

    fn broken(&self, source: std::io::Error) -> SessionError {
        SessionError::Connection { id: self.id.clone(), source }
    }

    async fn send(&mut self, message: &impl serde::Serialize) -> Result<(), SessionError> {
        let value = serde_json::to_value(message).map_err(|e| self.broken(e.into()))?;
        let sent = self.requests.send(value).await;
        sent.map_err(|e| self.broken(e))
    }

    /// Sends the request of this connection.
    pub async fn request(&mut self, request: &Request) -> Result<(), SessionError> {
        self.send(request).await
    }

    /// Sends to the shell of this connection.
    pub async fn input(&mut self, input: &ShellInput) -> Result<(), SessionError> {
        self.send(input).await
    }

    /// The next reply; `None` after [`Reply::Done`]. A refusal is an error.
    pub async fn next(&mut self) -> Result<Option<Reply>, SessionError> {
        match self.replies.next().await {
            Some(Ok(Reply::Done)) => Ok(None),
            Some(Ok(Reply::Failed(Refusal { message, next, code }))) => Err(SessionError::Refused { message, next, code }),
            Some(Ok(reply)) => Ok(Some(reply)),
            Some(Err(error)) => Err(self.broken(error)),
            None => Err(self.broken(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Asks for a document; progress goes to `progress`.
    pub async fn document(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(&str, Option<u64>),
    ) -> Result<Option<serde_json::Value>, SessionError> {
        self.request(request).await?;
        let mut found = None;
        while let Some(reply) = self.next().await? {
            match reply {
                Reply::Document { document } => found = Some(document),
                Reply::Progress { message, remaining } => progress(&message, remaining),
                Reply::Notice { message } => self.notices.push(message),
                _ => {}
            }
        }
        Ok(found)
    }

    /// What people should know of what happened meanwhile.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Stops a session and waits until its process is gone.
    pub async fn stop(folder: &Folder) -> Result<(), SessionError> {
        let (mut client, _) = Self::connect(folder).await?;
        client.request(&Request::Stop).await?;
        while let Ok(Some(_)) = client.next().await {}
        // The lock goes with the process; five seconds are far more than it takes.
        for _ in 0..500 {
            if !folder.is_live() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}
