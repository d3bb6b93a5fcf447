//! Live ends of containers' standard streams, for `attach`. They are not data: a terminal that was attached hangs up in a fork.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::state::ContainerConfig;
use crate::machine::{Input, InputWriter, Machine, Output, Process, StdioSpec, Terminal};

/// Chunks that a slow attached client may lag behind before it loses some.
const BACKLOG: usize = 256;

/// One container's streams.
#[derive(Clone)]
pub struct Attached {
    /// Its standard input, when the container keeps it open.
    pub stdin: Option<InputWriter>,
    /// What it writes: whether it is standard error, and the bytes.
    pub output: broadcast::Sender<(bool, Bytes)>,
}

/// All live streams of a simulation, by machine and container.
#[derive(Default)]
pub struct Streams(Mutex<BTreeMap<(String, String), Attached>>);

impl Streams {
    /// The streams of a container, if it runs.
    pub fn get(&self, machine: &str, container: &str) -> Option<Attached> {
        self.lock().get(&(machine.to_owned(), container.to_owned())).cloned()
    }

    /// Forgets a container.
    pub fn remove(&self, machine: &str, container: &str) {
        self.lock().remove(&(machine.to_owned(), container.to_owned()));
    }

    /// Makes the streams of a container that is about to start: output goes to its log file and to whoever is attached.
    pub fn open(&self, machine: &Arc<Machine>, container: &str, log: &str, stdin: bool) -> (Input, Output, Output) {
        let (sender, _) = broadcast::channel(BACKLOG);
        let output = |stderr: bool| {
            let file = Output::cri_log(machine, log, if stderr { "stderr" } else { "stdout" });
            let live = sender.clone();
            Output::callback(move |bytes| {
                file.write_now(bytes);
                // Nobody may be attached.
                let _ = live.send((stderr, Bytes::copy_from_slice(bytes)));
            })
        };
        let (stdout, stderr) = (output(false), output(true));
        let (writer, input) = if stdin {
            let (writer, input) = Input::channel();
            (Some(writer), input)
        } else {
            (None, Input::empty())
        };
        let key = (machine.name(), container.to_owned());
        self.lock().insert(key, Attached { stdin: writer, output: sender });
        (input, stdout, stderr)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Attached>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The terminal of a container that wants one (`tty: true`).
pub(super) fn terminal(config: &ContainerConfig) -> Option<Arc<Terminal>> {
    config.tty.then(|| Terminal::plain("pts/0"))
}

/// Streams of a container's first process that goes on after its machine was brought to life, if it keeps its standard
/// input open: to be at the end of it would end a shell.
pub(crate) fn resumed(machine: &Arc<Machine>, process: &Process) -> Option<(Input, Output, Output, Option<Arc<Terminal>>)> {
    let id = process.container.as_deref().filter(|_| process.init)?;
    let config = machine.read(|state| state.containers.containers.get(id).map(|container| container.config.clone()))?;
    let StdioSpec::CriLog { path } = &process.stdio else { return None };
    (config.stdin || config.tty).then(|| {
        let (stdin, stdout, stderr) = machine.network().streams().open(machine, id, path, config.stdin);
        (stdin, stdout, stderr, terminal(&config))
    })
}
