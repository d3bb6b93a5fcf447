//! A shell on a simulated machine that a person sits in front of. It runs on the simulation's runtime; channels lead to
//! its owner.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use kubesim::shell::{Bytes, EditRequest, Editor, Input, InputWriter, Io, Machine, Output, Pager, Shell, Terminal};
use kubesim::{BASE, Sim};
use tokio::sync::{Notify, mpsc, oneshot};

use super::access::{self, BASE_SETUP};
use crate::backend::interactive::{self, InteractiveShell, ShellInput, ShellOutput, Size, Stdio};

/// Outputs in flight before the running command has to wait.
const OUTPUTS: usize = 64;

/// The simulation's end of a shell.
pub struct Far {
    inputs: mpsc::UnboundedReceiver<ShellInput>,
    outputs: mpsc::Sender<ShellOutput>,
}

/// Both ends of a shell.
pub fn pair() -> (InteractiveShell, Far) {
    let (input, inputs) = mpsc::unbounded_channel();
    let (output, outputs) = mpsc::channel(OUTPUTS);
    (InteractiveShell { inputs: input, outputs }, Far { inputs, outputs: output })
}

/// Serves a shell until its owner leaves or it ends.
pub async fn serve(sim: Sim, node: String, size: Option<Size>, far: Far) {
    let machine = access::machine(&sim, &node).map_err(|e| e.to_string());
    // What a command changed is acknowledged by its end, so it is in the journal by then.
    serve_on(machine, &node, Box::new(move || sim.flush()), size, far).await;
}

/// Serves a shell on a machine; `after` is called after each command.
pub async fn serve_on(machine: Result<Arc<Machine>, String>, node: &str, after: After, size: Option<Size>, far: Far) {
    let outputs = far.outputs.clone();
    let opened = match machine {
        Ok(machine) => Open::new(machine, node == BASE, after, size, far).await,
        Err(message) => Err(message),
    };
    let status = match opened {
        Ok(mut open) => open.serve().await,
        Err(message) => {
            let data = interactive::Bytes(format!("ssh: connect to host {node} port 22: {message}\n").into_bytes());
            let _ = outputs.send(ShellOutput::Output { stream: Stdio::Stderr, data }).await;
            255
        }
    };
    let _ = outputs.send(ShellOutput::Closed { status }).await;
}

/// What is done after each command; the error is why its changes would not outlive this process.
pub type After = Box<dyn Fn() -> Result<(), String> + Send>;

/// Writes a saved version back; the error is the node's.
type Save = Box<dyn Fn(Bytes) -> Result<(), String> + Send + Sync>;

/// What a running editor or pager waits for.
#[derive(Default)]
struct Viewing {
    save: Option<Save>,
    closed: Option<oneshot::Sender<i32>>,
}

/// The owner's editor and pager, as the machine knows them.
struct Viewer {
    outputs: mpsc::Sender<ShellOutput>,
    viewing: Arc<Mutex<Viewing>>,
}

impl Viewer {
    fn open(&self, output: ShellOutput, save: Option<Save>) -> BoxFuture<'static, i32> {
        let (closed, wait) = oneshot::channel();
        *self.viewing.lock().unwrap_or_else(PoisonError::into_inner) = Viewing { save, closed: Some(closed) };
        let outputs = self.outputs.clone();
        async move {
            if outputs.send(output).await.is_err() {
                return 1;
            }
            wait.await.unwrap_or(1)
        }
        .boxed()
    }
}

impl Editor for Viewer {
    fn edit(&self, request: EditRequest, contents: Option<Bytes>, save: Save) -> BoxFuture<'static, i32> {
        let content = contents.map(|bytes| interactive::Bytes(bytes.to_vec()));
        self.open(ShellOutput::Edit { path: request.name, content, program: request.program, line: request.line }, Some(save))
    }
}

impl Pager for Viewer {
    fn show(&self, text: Bytes, at_end: bool) -> BoxFuture<'static, ()> {
        self.open(ShellOutput::Page { content: interactive::Bytes(text.to_vec()), at_end }, None).map(|_| ()).boxed()
    }
}

struct Open {
    after: After,
    /// Whether its owner knows that changes are not kept.
    warned: bool,
    shell: Shell,
    far: Far,
    /// Takes the place of the machine's own prompt.
    prompt: Option<String>,
    terminal: Option<Arc<Terminal>>,
    viewing: Arc<Mutex<Viewing>>,
    stdin: Option<InputWriter>,
    /// Says when a command waits for it.
    awaited: Arc<Notify>,
    /// The reading end of the same, to take back what no command read.
    input: Input,
    io: Io,
    /// What the command writes; one stream where there is a terminal, as a terminal has one.
    written: Vec<(Stdio, Input)>,
}

impl Open {
    async fn new(machine: Arc<Machine>, on_base: bool, after: After, size: Option<Size>, far: Far) -> Result<Self, String> {
        let viewing = Arc::<Mutex<Viewing>>::default();
        let viewer = Arc::new(Viewer { outputs: far.outputs.clone(), viewing: Arc::clone(&viewing) });
        let terminal = size.map(|size| {
            Arc::new(Terminal {
                size: Mutex::new((size.columns, size.rows)),
                interactive: true,
                name: "pts/0".to_owned(),
                editor: Some(viewer.clone()),
                pager: Some(viewer),
            })
        });
        let (writer, stdin, awaited) = Input::awaited();
        let mut shell = machine.open_shell("root", stdin.clone(), terminal.clone()).await.map_err(|e| e.to_string())?;
        let prompt = on_base.then(|| "candidate@base:~$ ".to_owned());
        if on_base {
            shell.run(BASE_SETUP).await;
        }
        let (io, written) = if terminal.is_some() {
            let (out, read) = Output::pipe();
            (Io { stdout: out.clone(), stderr: out }, vec![(Stdio::Stdout, read)])
        } else {
            let ((out, out_read), (err, err_read)) = (Output::pipe(), Output::pipe());
            (Io { stdout: out, stderr: err }, vec![(Stdio::Stdout, out_read), (Stdio::Stderr, err_read)])
        };
        Ok(Self { after, warned: false, shell, far, prompt, terminal, viewing, stdin: Some(writer), awaited, input: stdin, io, written })
    }

    fn prompt(&self) -> String {
        self.prompt.clone().unwrap_or_else(|| self.shell.prompt())
    }

    /// The exit status of the shell.
    async fn serve(&mut self) -> i32 {
        if self.terminal.is_some() && self.prompt.is_none() {
            let greeting = interactive::Bytes(self.shell.greeting().into_bytes());
            let _ = self.far.outputs.send(ShellOutput::Output { stream: Stdio::Stdout, data: greeting }).await;
        }
        let _ = self.far.outputs.send(ShellOutput::Ready { prompt: self.prompt() }).await;
        let mut gone = std::pin::pin!(self.shell.gone());
        loop {
            let input = tokio::select! {
                biased;
                // The machine is rebooted, say: nothing is to run in a shell of before.
                () = &mut gone => return 255,
                input = self.far.inputs.recv() => input,
                (stream, data) = next_output(&self.written) => {
                    // Something in the background writes.
                    let _ = self.far.outputs.send(ShellOutput::Output { stream, data }).await;
                    continue;
                }
            };
            match input {
                None => {
                    self.shell.close();
                    return 0;
                }
                Some(ShellInput::Execute { script }) => {
                    if self.shell.needs_more(&script) {
                        let _ = self.far.outputs.send(ShellOutput::Incomplete).await;
                        continue;
                    }
                    let (status, read) = self.execute(&script).await;
                    self.acknowledge().await;
                    if let Some(code) = self.shell.exited() {
                        return code;
                    }
                    let output = ShellOutput::Exited { status, prompt: self.prompt(), read };
                    if self.far.outputs.send(output).await.is_err() {
                        self.shell.close();
                        return 0;
                    }
                }
                Some(ShellInput::Complete { line, position }) => {
                    let found = self.shell.complete(&line, position).await;
                    let _ = self.far.outputs.send(ShellOutput::Completions { start: found.start, candidates: found.candidates }).await;
                }
                Some(ShellInput::Resize { size }) => resize(self.terminal.as_deref(), size),
                // Late: what it was meant for has ended.
                Some(_) => {}
            }
        }
    }

    /// What a command changed is kept by now, or its owner is told, once.
    async fn acknowledge(&mut self) {
        let kept = (self.after)();
        if let (Err(reason), false) = (&kept, self.warned) {
            let text = format!(
                "ckaprep: what changes here is not kept on disk ({reason}) and would be lost with this session.\n\
                 Free space where `ckaprep doctor` says that state is; it goes on by itself. Until then the API refuses writes.\n"
            );
            let data = interactive::Bytes(text.into_bytes());
            let _ = self.far.outputs.send(ShellOutput::Output { stream: Stdio::Stderr, data }).await;
        }
        self.warned = kept.is_err();
    }

    /// Runs one command, passing its output and the owner's input on meanwhile.
    /// Gives its exit status and how much of the owner's input it read.
    async fn execute(&mut self, script: &str) -> (i32, usize) {
        let interrupt = self.shell.interrupter();
        let mut typed: VecDeque<Bytes> = VecDeque::new();
        // Ctrl-D: the end comes after what was typed before it.
        let mut ended = false;
        let mut received = 0;
        let mut told = false;
        let mut gone = false;
        let status = {
            let mut running = Box::pin(self.shell.execute(script, &self.io));
            loop {
                let writer = self.stdin.clone();
                tokio::select! {
                    biased;
                    (stream, data) = next_output(&self.written) => {
                        if self.far.outputs.send(ShellOutput::Output { stream, data }).await.is_err() && !gone {
                            gone = true;
                            interrupt();
                        }
                    }
                    status = &mut running => break status,
                    input = self.far.inputs.recv(), if !gone => match input {
                        None => {
                            gone = true;
                            self.stdin = None;
                            interrupt();
                        }
                        Some(ShellInput::Interrupt) => interrupt(),
                        Some(ShellInput::Stdin { data }) if !ended => {
                            received += data.0.len();
                            typed.push_back(Bytes::from(data.0));
                        }
                        Some(ShellInput::StdinEnd) => {
                            ended = true;
                            if typed.is_empty() {
                                self.stdin = None;
                            }
                        }
                        Some(ShellInput::Resize { size }) => resize(self.terminal.as_deref(), size),
                        Some(ShellInput::Saved { content }) => {
                            let failed = {
                                let viewing = self.viewing.lock().unwrap_or_else(PoisonError::into_inner);
                                viewing.save.as_ref().and_then(|save| save(Bytes::from(content.0)).err())
                            };
                            if let Some(message) = failed {
                                let _ = self.far.outputs.send(ShellOutput::SaveFailed { message }).await;
                            }
                        }
                        Some(ShellInput::ViewerClosed { status }) => {
                            let closed = std::mem::take(&mut *self.viewing.lock().unwrap_or_else(PoisonError::into_inner)).closed;
                            // The terminal was the viewer's; a command that reads on asks again.
                            told = false;
                            if let Some(closed) = closed {
                                let _ = closed.send(status);
                            }
                        }
                        // One command at a time; a client that waits for its end sends neither, and nothing follows an end of input.
                        Some(ShellInput::Execute { .. } | ShellInput::Complete { .. } | ShellInput::Stdin { .. }) => {}
                    },
                    () = self.awaited.notified(), if !told => {
                        told = true;
                        let _ = self.far.outputs.send(ShellOutput::Reading).await;
                    }
                    // The command takes what was typed when it reads.
                    taken = feed(writer.as_ref(), typed.front()), if !typed.is_empty() => {
                        if taken {
                            typed.pop_front();
                        } else {
                            typed.clear();
                        }
                        if ended && typed.is_empty() {
                            self.stdin = None;
                        }
                    }
                }
            }
        };
        // What it wrote before it ended comes before its status.
        while let Some((stream, data)) = next_output(&self.written).now_or_never() {
            let _ = self.far.outputs.send(ShellOutput::Output { stream, data }).await;
        }
        let mut unread: usize = typed.iter().map(Bytes::len).sum();
        while let Some(Some(chunk)) = self.input.read().now_or_never() {
            unread += chunk.len();
        }
        if self.stdin.is_none() {
            // The end was this command's; the next one has an input again.
            self.stdin = Some(self.input.renew().await);
        }
        (status.code(), received.saturating_sub(unread))
    }
}

async fn feed(writer: Option<&InputWriter>, chunk: Option<&Bytes>) -> bool {
    match (writer, chunk) {
        (Some(writer), Some(chunk)) => writer.send(chunk.clone()).await.is_ok(),
        _ => false,
    }
}

/// The next chunk of any stream. Cancel safe, as `Input::read` is.
async fn next_output(written: &[(Stdio, Input)]) -> (Stdio, interactive::Bytes) {
    let reads = written.iter().map(|(stream, input)| {
        Box::pin(async move {
            match input.read().await {
                Some(data) => (*stream, interactive::Bytes(data.to_vec())),
                // Our own end of the pipe is open as long as the shell is, so there is no end to see.
                None => std::future::pending().await,
            }
        })
    });
    futures::future::select_all(reads).await.0
}

fn resize(terminal: Option<&Terminal>, size: Size) {
    if let Some(terminal) = terminal {
        *terminal.size.lock().unwrap_or_else(PoisonError::into_inner) = (size.columns, size.rows);
    }
}
