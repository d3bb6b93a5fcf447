//! WATCH: the present objects or the changes since a version, then what follows, until the client, its timeout or the server ends it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::negotiate;
use super::options::ListOptions;
use super::respond::json_response;
use super::selector::Filter;
use super::watch_events::Events;
use crate::server::{Body, streamed};
use crate::status::ApiError;
use crate::store::{StoreError, Watcher};

/// `--min-request-timeout`: watches without a timeout end after one to two times this, so that they spread.
const MIN_TIMEOUT: u64 = 1800;
/// How often an idle watch gets a bookmark (`bookmarkFrequency`).
const BOOKMARK: Duration = Duration::from_secs(60);

struct Stream {
    events: Events,
    watcher: Watcher,
    queue: VecDeque<Bytes>,
    deadline: Instant,
    next_bookmark: Option<Instant>,
    shutdown: CancellationToken,
    over: bool,
}

/// Answers a WATCH.
pub fn handle(call: &Call, headers: &HeaderMap) -> Result<Response<Body>, ApiError> {
    let info = &call.context.info;
    let format = negotiate::format(headers, true)?;
    let options = ListOptions::of(&info.query, true)?;
    let filter = Filter::of(&call.resource, &info.query)?;
    let prefix = call.resource.prefix(&info.namespace).ok_or_else(ApiError::method_not_allowed)?;
    let store = &call.core.store;
    let initial = match (options.initial_events, options.resource_version) {
        (Some(wanted), _) => wanted,
        // Without a version, and for `0`, a watch begins with what is there.
        (None, None | Some(0)) => true,
        (None, Some(_)) => false,
    };
    let mut events = Events::new(call.clone(), format, filter);
    let mut queue = VecDeque::new();
    let position = if initial {
        let page = store.list(&prefix)?;
        queue.extend(page.items.iter().filter_map(|(_, object)| events.initial(object)));
        if options.initial_events == Some(true) && options.bookmarks {
            queue.push_back(events.bookmark(page.revision, true));
        }
        page.revision
    } else {
        match options.resource_version {
            Some(version) if version > 0 => version,
            _ => store.revision(),
        }
    };
    let watcher = store.watch(&prefix, position).map_err(|error| match error {
        StoreError::Compacted { oldest } => ApiError::too_old(position, oldest),
        other => other.into(),
    })?;
    let timeout = match options.timeout {
        Some(seconds) if seconds > 0 => seconds,
        _ => MIN_TIMEOUT + call.core.draw(|generator| generator.below(MIN_TIMEOUT)),
    };
    let now = Instant::now();
    let stream = Stream {
        events,
        watcher,
        queue,
        deadline: now + Duration::from_secs(timeout),
        next_bookmark: options.bookmarks.then(|| now + BOOKMARK),
        shutdown: call.core.shutdown.clone(),
        over: false,
    };
    let mut response = json_response(StatusCode::OK, "");
    *response.body_mut() = streamed(futures::stream::unfold(stream, |mut stream| async move { Some((stream.next().await?, stream)) }));
    Ok(response)
}

impl Stream {
    /// The next piece of the answer; all events that are ready go together.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(first) = self.queue.pop_front() {
                return Some(self.join(first));
            }
            if self.over {
                return None;
            }
            let bookmark = self.next_bookmark;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                changes = self.watcher.next() => match changes {
                    Ok(changes) => self.queue.extend(changes.iter().filter_map(|change| self.events.change(change))),
                    Err(error) => self.fail(&error),
                },
                () = sleep_until(bookmark) => {
                    self.next_bookmark = bookmark.map(|at| at + BOOKMARK);
                    // Everything up to the watcher's position has been sent.
                    match self.watcher.ready() {
                        Ok(changes) => {
                            self.queue.extend(changes.iter().filter_map(|change| self.events.change(change)));
                            let position = self.watcher.position();
                            self.queue.push_back(self.events.bookmark(position, false));
                        }
                        Err(error) => self.fail(&error),
                    }
                }
                () = tokio::time::sleep_until(self.deadline) => return None,
            }
        }
    }

    /// The log was compacted under a reader that did not come along: an ERROR event ends the watch.
    fn fail(&mut self, error: &StoreError) {
        let error = match error {
            StoreError::Compacted { oldest } => ApiError::too_old(self.watcher.position(), *oldest),
            other => other.clone().into(),
        };
        self.queue.push_back(self.events.error(&error));
        self.over = true;
    }

    fn join(&mut self, first: Bytes) -> Bytes {
        if self.queue.is_empty() {
            return first;
        }
        let mut all = Vec::with_capacity(first.len() + self.queue.iter().map(Bytes::len).sum::<usize>());
        all.extend_from_slice(&first);
        self.queue.drain(..).for_each(|event| all.extend_from_slice(&event));
        all.into()
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
