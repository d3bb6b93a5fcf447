//! Watches and other streams of lines.

use std::collections::VecDeque;

use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::context::Context;
use crate::error::Error;

/// Pieces of a body as they arrive.
pub struct Chunks {
    body: kube::client::Body,
    url: String,
}

impl Chunks {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, Error> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|e| Error::Transport { method: "Get".to_owned(), url: self.url.clone(), reason: e.to_string() })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// Events of a watch.
pub struct Events {
    chunks: Chunks,
    pending: Vec<u8>,
    lines: VecDeque<Vec<u8>>,
}

impl Events {
    /// The next event, bookmarks left out; `None` when the server ended the watch.
    pub async fn next(&mut self) -> Result<Option<Value>, Error> {
        loop {
            while let Some(line) = self.lines.pop_front() {
                let event: Value = serde_json::from_slice(&line)
                    .map_err(|e| Error::message(format!("unable to decode an event from the watch stream: {e}")))?;
                match event["type"].as_str() {
                    Some("BOOKMARK") => {}
                    Some("ERROR") => {
                        let body = serde_json::to_vec(&event["object"]).unwrap_or_default();
                        return Err(Error::from_response(500, &body));
                    }
                    _ => return Ok(Some(event)),
                }
            }
            let Some(data) = self.chunks.next().await? else { return Ok(None) };
            self.pending.extend_from_slice(&data);
            while let Some(end) = self.pending.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                if line.len() > 1 {
                    self.lines.push_back(line);
                }
            }
        }
    }
}

impl Context {
    /// `GET` of a body that is read as it comes.
    pub async fn stream(&self, path: &str, accept: &str) -> Result<Chunks, Error> {
        let response = self.send(Method::GET, path, &[("accept", accept), ("accept-encoding", "identity")], Vec::new()).await?;
        let code = response.status().as_u16();
        let url = format!("{}{path}", self.server().await?);
        if code >= 400 {
            let body = response.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            return Err(Error::from_response(code, &body));
        }
        Ok(Chunks { body: response.into_body(), url })
    }

    /// Starts a watch.
    pub async fn watch(&self, path: &str, accept: &str) -> Result<Events, Error> {
        Ok(Events { chunks: self.stream(path, accept).await?, pending: Vec::new(), lines: VecDeque::new() })
    }
}
