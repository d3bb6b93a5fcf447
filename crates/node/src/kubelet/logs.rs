//! `/containerLogs`: CRI log files as `kubectl logs` wants them (`kuberuntime/logs`).

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::process::Kubelet;
use super::runtime_pod::RuntimePod;
use crate::containerd::{Container, ContainerState};

/// `PodLogOptions`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogOptions {
    pub(super) follow: bool,
    pub(super) previous: bool,
    pub(super) timestamps: bool,
    pub(super) tail: Option<usize>,
    pub(super) since_seconds: Option<i64>,
    pub(super) since_time: Option<Timestamp>,
    pub(super) limit_bytes: Option<usize>,
    pub(super) stream: Option<String>,
}

impl LogOptions {
    pub(super) fn parse(query: &[(String, String)]) -> Result<Self, String> {
        let mut options = Self::default();
        for (key, value) in query {
            let flag = matches!(value.as_str(), "true" | "1" | "");
            let number = || value.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(|| format!("unable to decode query: {key}"));
            match key.as_str() {
                "follow" => options.follow = flag,
                "previous" => options.previous = flag,
                "timestamps" => options.timestamps = flag,
                "tailLines" => options.tail = Some(usize::try_from(number()?).unwrap_or(usize::MAX)),
                "sinceSeconds" => options.since_seconds = Some(number()?),
                "sinceTime" => options.since_time = value.parse().ok(),
                "limitBytes" => options.limit_bytes = Some(usize::try_from(number()?).unwrap_or(usize::MAX)),
                "stream" if value != "All" => options.stream = Some(value.to_lowercase()),
                _ => {}
            }
        }
        Ok(options)
    }
}

/// Lines of a CRI log as they are shown. `P` entries are parts of a line.
fn render(text: &str, options: &LogOptions, since: Option<Timestamp>) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.splitn(4, ' ');
            let (time, stream, tag) = (words.next()?, words.next()?, words.next()?);
            let content = words.next().unwrap_or_default();
            if options.stream.as_deref().is_some_and(|wanted| wanted != stream) {
                return None;
            }
            if let Some(since) = since
                && time.parse::<Timestamp>().is_ok_and(|time| time < since)
            {
                return None;
            }
            let end = if tag == "P" { "" } else { "\n" };
            Some(if options.timestamps { format!("{time} {content}{end}") } else { format!("{content}{end}") })
        })
        .collect()
}

fn tail(lines: Vec<String>, count: Option<usize>) -> Vec<String> {
    match count {
        Some(count) => {
            let skip = lines.len().saturating_sub(count);
            lines.into_iter().skip(skip).collect()
        }
        None => lines,
    }
}

impl Kubelet {
    pub(super) fn find_pod(&self, namespace: &str, pod: &str) -> Option<String> {
        self.machine.read(|state| {
            let mut found = state
                .kubelet
                .pods
                .iter()
                .filter(|(_, memory)| super::pods::name(&memory.pod) == pod && super::pods::namespace(&memory.pod) == namespace);
            found.next_back().map(|(uid, _)| uid.clone())
        })
    }

    /// The container of a pod that a request means.
    pub(super) fn find_container(&self, namespace: &str, pod: &str, container: &str) -> Result<(String, RuntimePod), (StatusCode, String)> {
        let uid = self.find_pod(namespace, pod).ok_or_else(|| (StatusCode::NOT_FOUND, format!("pod \"{pod}\" not found\n")))?;
        let memory = self.memory(&uid).ok_or_else(|| (StatusCode::NOT_FOUND, format!("pod \"{pod}\" not found\n")))?;
        let spec = super::status::spec(&memory.pod);
        let known = spec.containers.iter().chain(spec.init_containers.iter().flatten()).any(|other| other.name == container)
            || spec.ephemeral_containers.iter().flatten().any(|other| other.name == container);
        if !known {
            return Err((StatusCode::NOT_FOUND, format!("container \"{container}\" not found in pod \"{pod}\"\n")));
        }
        let runtime = self.runtime_pod(&uid).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        Ok((uid, runtime))
    }

    /// The log as a stream of chunks.
    pub(super) async fn container_logs(
        self: Arc<Self>,
        namespace: &str,
        pod: &str,
        container: &str,
        options: LogOptions,
    ) -> Result<BoxStream<'static, Bytes>, (StatusCode, String)> {
        let (uid, runtime) = self.find_container(namespace, pod, container)?;
        let newest = runtime.newest(container).cloned();
        let chosen = if options.previous {
            match (newest, runtime.previous(container).cloned()) {
                // While it waits for its next start, the ended one is the previous.
                (Some(current), None) if current.state == ContainerState::Exited && current.config.attempt > 0 => Some(current),
                (_, previous) => previous,
            }
            .ok_or_else(|| (StatusCode::BAD_REQUEST, format!("previous terminated container \"{container}\" in pod \"{pod}\" not found")))?
        } else {
            newest.ok_or_else(|| {
                let reason = self
                    .memory(&uid)
                    .and_then(|memory| memory.containers.get(container)?.waiting.clone())
                    .map_or_else(|| self.first_reason(&uid).to_owned(), |(reason, _)| reason);
                let message = match reason.as_str() {
                    "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image".to_owned(),
                    reason => reason.to_owned(),
                };
                (StatusCode::BAD_REQUEST, format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {message}"))
            })?
        };
        Ok(self.log_stream_of(chosen, &runtime, options))
    }

    /// What a container waits for that was never started.
    fn first_reason(&self, uid: &str) -> &'static str {
        let inits = self.memory(uid).and_then(|memory| memory.pod.spec.as_ref()?.init_containers.as_ref().map(Vec::len)).unwrap_or(0);
        if inits > 0 { "PodInitializing" } else { "ContainerCreating" }
    }

    pub(super) fn log_stream_of(
        self: Arc<Self>,
        container: Arc<Container>,
        runtime: &RuntimePod,
        options: LogOptions,
    ) -> BoxStream<'static, Bytes> {
        let Some(sandbox) = runtime.sandboxes.iter().find(|sandbox| sandbox.id == container.sandbox) else {
            return futures::stream::empty().boxed();
        };
        let path = container.log_file(sandbox);
        let now = self.machine.clock().now();
        let since = options.since_time.or_else(|| options.since_seconds.map(|seconds| now - SignedDuration::from_secs(seconds)));
        let files = self.machine.host_files();
        let text = files.read(&path).unwrap_or_default();
        let mut offset = text.len();
        let mut left = options.limit_bytes.unwrap_or(usize::MAX);
        let mut cut = move |bytes: Bytes| {
            let bytes = bytes.slice(..bytes.len().min(left));
            left -= bytes.len();
            (bytes, left == 0)
        };
        let shown = tail(render(&String::from_utf8_lossy(&text), &options, since), options.tail).concat();
        let (first, full) = cut(Bytes::from(shown));
        if !options.follow || full {
            return futures::stream::once(async move { first }).boxed();
        }
        let machine = self.machine.clone();
        let id = container.id.clone();
        let follow = async_stream(machine, path, id, move |machine, path| {
            let text = machine.host_files().read(path).unwrap_or_default();
            // A file that was rotated begins anew.
            if text.len() < offset {
                offset = 0;
            }
            let fresh = text.slice(offset..);
            // Only whole lines.
            let end = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            offset += end;
            let shown = render(&String::from_utf8_lossy(&fresh[..end]), &options, None).concat();
            cut(Bytes::from(shown))
        });
        futures::stream::once(async move { first }).chain(follow).boxed()
    }
}

/// Chunks as they come until the container has ended (or the limit is reached).
fn async_stream(
    machine: Arc<crate::machine::Machine>,
    path: String,
    container: String,
    next: impl FnMut(&crate::machine::Machine, &str) -> (Bytes, bool) + Send + 'static,
) -> BoxStream<'static, Bytes> {
    struct Follow<F> {
        machine: Arc<crate::machine::Machine>,
        path: String,
        container: String,
        next: F,
        over: bool,
    }
    let changes = machine.changes();
    let follow = Follow { machine, path, container, next, over: false };
    futures::stream::unfold((follow, changes), |(mut follow, mut changes)| async move {
        loop {
            if follow.over {
                return None;
            }
            changes.mark_unchanged();
            let running = follow.machine.read(|state| {
                state.containers.containers.get(&follow.container).is_some_and(|container| container.state == ContainerState::Running)
            });
            let (bytes, full) = (follow.next)(&follow.machine, &follow.path);
            follow.over = full || !running;
            if !bytes.is_empty() {
                return Some((bytes, (follow, changes)));
            }
            if !follow.over && changes.changed().await.is_err() {
                return None;
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::{LogOptions, render, tail};

    #[test]
    fn lines_are_shown_as_asked_for() {
        let log = "2026-11-24T06:00:00.000000000Z stdout F one\n2026-11-24T06:00:10.000000000Z stderr F two\n2026-11-24T06:00:20.000000000Z stdout P thr\n2026-11-24T06:00:20.000000000Z stdout F ee\n";
        let options = LogOptions::default();
        assert_eq!(render(log, &options, None).concat(), "one\ntwo\nthree\n");
        let since = "2026-11-24T06:00:05Z".parse().ok();
        assert_eq!(tail(render(log, &options, since), Some(1)).concat(), "ee\n");
        let stamped = LogOptions { timestamps: true, ..LogOptions::default() };
        assert!(render(log, &stamped, None)[0].starts_with("2026-11-24T06:00:00.000000000Z one"));
    }
}
