//! Standard input and output of processes.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};

use super::process::Pid;
use super::running::Machine;
use crate::journal::{Entry, Priority};

/// Nobody reads any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Broken pipe")]
pub struct BrokenPipe;

/// Where a process writes. Clones write to the same place.
#[derive(Clone)]
pub struct Output(Sink);

type Callback = Arc<dyn Fn(&[u8]) + Send + Sync>;

#[derive(Clone)]
enum Sink {
    Null,
    Pipe(mpsc::Sender<Bytes>),
    Callback(Callback),
    Journal(Arc<JournalSink>),
    CriLog(Arc<CriLogSink>),
}

/// Chunks that a pipe holds before the writer must wait.
const PIPE_CHUNKS: usize = 64;

impl Output {
    /// `/dev/null`.
    pub fn null() -> Self {
        Self(Sink::Null)
    }

    /// A pipe with its reading end.
    pub fn pipe() -> (Self, Input) {
        let (sender, receiver) = mpsc::channel(PIPE_CHUNKS);
        (Self(Sink::Pipe(sender)), Input::from_receiver(receiver))
    }

    /// Calls back with every chunk; must not block.
    pub fn callback(callback: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Sink::Callback(Arc::new(callback)))
    }

    /// A place to collect what is written.
    pub fn buffer() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        let into = buffer.clone();
        (Self::callback(move |bytes| into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes)), buffer)
    }

    /// The journal: one entry for each line.
    pub(crate) fn journal(machine: &Arc<Machine>, identifier: String, pid: Pid, unit: Option<String>) -> Self {
        Self(Sink::Journal(Arc::new(JournalSink {
            machine: Arc::downgrade(machine),
            identifier,
            pid,
            unit,
            partial: Mutex::new(Vec::new()),
        })))
    }

    /// A container's log file; `stream` is `stdout` or `stderr`.
    pub fn cri_log(machine: &Arc<Machine>, path: &str, stream: &'static str) -> Self {
        Self(Sink::CriLog(Arc::new(CriLogSink {
            machine: Arc::downgrade(machine),
            path: path.to_owned(),
            stream,
            partial: Mutex::new(Vec::new()),
        })))
    }

    /// Whether this is `/dev/null`.
    pub fn is_null(&self) -> bool {
        matches!(self.0, Sink::Null)
    }

    /// Writes all; waits while a pipe is full.
    pub async fn write(&self, bytes: impl AsRef<[u8]>) -> Result<(), BrokenPipe> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Sink::Pipe(sender) => sender.send(Bytes::copy_from_slice(bytes)).await.map_err(|_| BrokenPipe),
            _ => {
                self.write_now(bytes);
                Ok(())
            }
        }
    }

    /// Writes a line.
    pub async fn line(&self, text: impl AsRef<str>) -> Result<(), BrokenPipe> {
        self.write(format!("{}\n", text.as_ref())).await
    }

    /// Writes without waiting: what does not fit into a full pipe is lost. For log lines, which go to journals and files.
    pub fn write_now(&self, bytes: &[u8]) {
        match &self.0 {
            Sink::Null => {}
            Sink::Pipe(sender) => {
                let _ = sender.try_send(Bytes::copy_from_slice(bytes));
            }
            Sink::Callback(callback) => callback(bytes),
            Sink::Journal(sink) => sink.write(bytes),
            Sink::CriLog(sink) => sink.write(bytes),
        }
    }

    /// Waits until nobody reads this pipe any more; forever for what is not a pipe.
    pub async fn closed(&self) {
        match &self.0 {
            Sink::Pipe(sender) => sender.closed().await,
            _ => std::future::pending().await,
        }
    }
}

struct JournalSink {
    machine: Weak<Machine>,
    identifier: String,
    pid: Pid,
    unit: Option<String>,
    partial: Mutex<Vec<u8>>,
}

impl JournalSink {
    fn write(&self, bytes: &[u8]) {
        let Some(machine) = self.machine.upgrade() else { return };
        for line in lines(&self.partial, bytes) {
            machine.log(Entry {
                time: machine.clock().now(),
                identifier: self.identifier.as_str().into(),
                pid: Some(self.pid),
                unit: self.unit.as_deref().map(Into::into),
                priority: Priority::Info,
                message: String::from_utf8_lossy(&line).as_ref().into(),
            });
        }
    }
}

/// Puts the last line of a finished process into the journal though no newline ended it.
impl Drop for JournalSink {
    fn drop(&mut self) {
        if !self.partial.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.write(b"\n");
        }
    }
}

struct CriLogSink {
    machine: Weak<Machine>,
    path: String,
    stream: &'static str,
    partial: Mutex<Vec<u8>>,
}

impl CriLogSink {
    /// `time stream F line`, as containerd's `pkg/cri/io` writes it.
    fn write(&self, bytes: &[u8]) {
        let Some(machine) = self.machine.upgrade() else { return };
        let time = machine.clock().now();
        let text: Vec<u8> = lines(&self.partial, bytes)
            .into_iter()
            .flat_map(|line| [format!("{time:.9} {} F ", self.stream).as_bytes(), &line, b"\n"].concat())
            .collect();
        if !text.is_empty() {
            // The directory is gone while a pod is being removed: its last words are lost, as in life.
            let _ = machine.host_files().append(&self.path, text);
        }
    }
}

impl Drop for CriLogSink {
    fn drop(&mut self) {
        if !self.partial.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.write(b"\n");
        }
    }
}

/// Adds bytes to an unfinished line and takes the finished ones.
fn lines(partial: &Mutex<Vec<u8>>, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut partial = partial.lock().unwrap_or_else(PoisonError::into_inner);
    partial.extend_from_slice(bytes);
    let mut out = Vec::new();
    while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
        let mut line: Vec<u8> = partial.drain(..=end).collect();
        line.pop();
        out.push(line);
    }
    out
}

/// Where a process reads. Clones share the position: what one takes, the other does not see.
#[derive(Clone)]
pub struct Input(Arc<AsyncMutex<Source>>);

struct Source {
    receiver: Option<mpsc::Receiver<Bytes>>,
    rest: Bytes,
    /// Read instead, if the receiver ends without having brought anything.
    otherwise: Option<Input>,
    /// Told when somebody waits for the receiver.
    awaited: Option<Arc<Notify>>,
}

/// The writing end of an [`Input::channel`]; dropping it is end of file.
pub type InputWriter = mpsc::Sender<Bytes>;

impl Input {
    fn from_receiver(receiver: mpsc::Receiver<Bytes>) -> Self {
        Self(Arc::new(AsyncMutex::new(Source { receiver: Some(receiver), rest: Bytes::new(), otherwise: None, awaited: None })))
    }

    /// `/dev/null`: at its end.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// These bytes.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Arc::new(AsyncMutex::new(Source { receiver: None, rest: bytes.into(), otherwise: None, awaited: None })))
    }

    /// What is sent.
    pub fn channel() -> (InputWriter, Self) {
        let (sender, receiver) = mpsc::channel(PIPE_CHUNKS);
        (sender, Self::from_receiver(receiver))
    }

    /// What is sent, with a signal for its sender that somebody waits for it: a terminal hands over what is typed when it is read,
    /// and keeps the rest for whoever reads next.
    pub fn awaited() -> (InputWriter, Self, Arc<Notify>) {
        let (sender, receiver) = mpsc::channel(PIPE_CHUNKS);
        let awaited = Arc::new(Notify::new());
        let source = Source { receiver: Some(receiver), rest: Bytes::new(), otherwise: None, awaited: Some(Arc::clone(&awaited)) };
        (sender, Self(Arc::new(AsyncMutex::new(source))), awaited)
    }

    /// Begins anew after its writer was dropped: a terminal whose Ctrl-D ended one command's input goes on with the next.
    /// Waits for readers of the old input, which are at its end.
    pub async fn renew(&self) -> InputWriter {
        let (sender, receiver) = mpsc::channel(PIPE_CHUNKS);
        let mut source = self.0.lock().await;
        let awaited = source.awaited.take();
        *source = Source { receiver: Some(receiver), rest: Bytes::new(), otherwise: None, awaited };
        sender
    }

    /// This input, or `other` if nothing at all comes from it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if let Ok(mut source) = self.0.try_lock() {
            source.otherwise = Some(other);
        }
        self
    }

    /// The next chunk; `None` at the end. Cancel safe.
    pub async fn read(&self) -> Option<Bytes> {
        let mut source = self.0.lock().await;
        source.fill().await.then(|| std::mem::take(&mut source.rest))
    }

    /// The next line with its newline (the last may have none); `None` at the end.
    pub async fn read_line(&self) -> Option<Bytes> {
        let mut source = self.0.lock().await;
        let mut line = Vec::new();
        while source.fill().await {
            match source.rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    line.extend_from_slice(&source.rest.split_to(end + 1));
                    return Some(line.into());
                }
                None => line.extend_from_slice(&std::mem::take(&mut source.rest)),
            }
        }
        (!line.is_empty()).then(|| line.into())
    }

    /// All up to the end.
    pub async fn read_to_end(&self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = self.read().await {
            all.extend_from_slice(&chunk);
        }
        all
    }
}

impl Source {
    /// Waits until there is something in `rest`; false at the end.
    async fn fill(&mut self) -> bool {
        while self.rest.is_empty() {
            if let Some(receiver) = &mut self.receiver {
                if let Some(awaited) = self.awaited.as_ref().filter(|_| receiver.is_empty()) {
                    awaited.notify_one();
                }
                match receiver.recv().await {
                    Some(chunk) => {
                        self.rest = chunk;
                        self.otherwise = None;
                    }
                    None => self.receiver = None,
                }
                continue;
            }
            let Some(other) = &self.otherwise else { return false };
            // Boxed: an input may have another behind it.
            match Box::pin(other.read()).await {
                Some(chunk) => self.rest = chunk,
                None => self.otherwise = None,
            }
        }
        true
    }
}

/// What a person's terminal can do beyond bytes.
pub struct Terminal {
    /// Columns and rows.
    pub size: Mutex<(u16, u16)>,
    /// Whether standard output is the terminal (colours and pagers ask).
    pub interactive: bool,
    /// Name of the device, as in `ps`.
    pub name: String,
    /// The person's own editor, where there is one.
    pub editor: Option<Arc<dyn Editor>>,
    /// The person's own pager, where there is one.
    pub pager: Option<Arc<dyn Pager>>,
}

/// Opens a person's editor on a copy of a file.
pub trait Editor: Send + Sync {
    /// Edits `contents` (`None`: a new file); `save` is called with every saved version. Returns when the editor is closed: its
    /// exit code.
    fn edit(
        &self,
        request: EditRequest,
        contents: Option<Bytes>,
        save: Box<dyn Fn(Bytes) -> Result<(), String> + Send + Sync>,
    ) -> BoxFuture<'static, i32>;
}

/// What is to be edited, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditRequest {
    /// The file's name.
    pub name: String,
    /// The editor that was called (`vi`, `nano`); empty for any.
    pub program: String,
    /// The line to begin at.
    pub line: Option<u32>,
}

/// Shows a long text page by page.
pub trait Pager: Send + Sync {
    /// Begins with the first page, or the last. Returns when the person has seen enough.
    fn show(&self, text: Bytes, at_end: bool) -> BoxFuture<'static, ()>;
}

impl Terminal {
    /// A terminal of the usual size without an editor or pager at its other end.
    pub fn plain(name: &str) -> Arc<Self> {
        Arc::new(Self { size: Mutex::new((80, 24)), interactive: true, name: name.to_owned(), editor: None, pager: None })
    }

    /// Width in columns.
    pub fn columns(&self) -> u16 {
        self.size.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Height in rows.
    pub fn rows(&self) -> u16 {
        self.size.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn an_awaited_input_says_when_it_is_read_and_goes_on_after_its_end() {
        let (writer, input, awaited) = Input::awaited();
        assert!(awaited.notified().now_or_never().is_none(), "nobody reads yet");
        let reader = input.clone();
        let line = tokio::spawn(async move { reader.read_line().await });
        awaited.notified().await;
        writer.send(Bytes::from_static(b"one\n")).await.unwrap();
        assert_eq!(line.await.unwrap().as_deref(), Some(&b"one\n"[..]));
        drop(writer);
        assert_eq!(input.read().await, None);
        let writer = input.renew().await;
        writer.send(Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(input.read().await.as_deref(), Some(&b"two"[..]));
        let reader = input.clone();
        let again = tokio::spawn(async move { reader.read().await });
        awaited.notified().await;
        drop(writer);
        assert_eq!(again.await.unwrap(), None);
    }
}
