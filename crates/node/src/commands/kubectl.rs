//! `kubectl`: the kubectl crate with this machine's files and network.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use component::watch;
use component::{Origin, Target, client_for};
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::sudo::child_of;
use crate::fs::View;
use crate::machine::{EditRequest, ExitStatus, Input, Machine, Output, ProcessContext};

/// Where kubeadm's administrators keep the cluster's configuration; read when there is no other.
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let terminal = context.terminal.as_ref().map(|terminal| {
        let size = kubectl::TerminalSize { width: terminal.columns(), height: terminal.rows() };
        watch::Sender::new(size).subscribe()
    });
    let clock = context.machine.clock();
    let context = Arc::new(context);
    let invocation = kubectl::Invocation {
        argv: context.argv.clone(),
        env: environment(context.env.clone(), &context.files),
        cwd: context.cwd.clone(),
        files: Arc::new(Files(context.files.clone())),
        connect: Arc::new(Connect { machine: context.machine.clone(), origin: context.origin.clone() }),
        stdin: Box::new(Reader::new(context.stdin.clone())),
        stdout: Box::new(Writer::new(context.stdout.clone())),
        stderr: Box::new(Writer::new(context.stderr.clone())),
        terminal,
        now: Arc::new(move || clock.now()),
        editor: Arc::new(Editor(context.clone())),
    };
    ExitStatus::from(kubectl::run(invocation).await)
}

/// Words that complete a kubectl command line.
pub(crate) async fn complete(
    machine: &Arc<Machine>,
    files: View,
    env: BTreeMap<String, String>,
    cwd: String,
    words: Vec<String>,
) -> Vec<String> {
    let origin = Origin::Node(machine.name());
    kubectl::complete(kubectl::Completion {
        words,
        env: environment(env, &files),
        cwd,
        files: Arc::new(Files(files)),
        connect: Arc::new(Connect { machine: machine.clone(), origin }),
    })
    .await
}

/// On a control plane root's kubectl works without any setting.
fn environment(mut env: BTreeMap<String, String>, files: &View) -> BTreeMap<String, String> {
    let home = env.get("HOME").map_or("/root", String::as_str);
    if !env.contains_key("KUBECONFIG") && !files.exists(&format!("{home}/.kube/config")) && files.read(ADMIN_CONF).is_ok() {
        env.insert("KUBECONFIG".to_owned(), ADMIN_CONF.to_owned());
    }
    env
}

struct Connect {
    machine: Arc<Machine>,
    origin: Origin,
}

impl kubectl::Connect for Connect {
    fn connect(&self, target: Target) -> Result<kube::Client, String> {
        let dialer: Arc<dyn component::Dialer> = self.machine.network().clone();
        Ok(client_for(dialer, self.origin.clone(), target))
    }
}

struct Files(View);

impl kubectl::Files for Files {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.read(path)?.to_vec())
    }

    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        if let Some((dir, _)) = path.rsplit_once('/') {
            self.0.make_dirs(dir, 0o755)?;
        }
        if self.0.stat(path).is_ok() {
            return Ok(self.0.write(path, content.to_vec())?);
        }
        Ok(self.0.write_mode(path, content.to_vec(), 0o600)?)
    }

    fn list(&self, path: &str) -> io::Result<Vec<kubectl::DirEntry>> {
        let base = path.trim_end_matches('/');
        let entries = self.0.read_dir(path)?;
        Ok(entries
            .into_iter()
            .map(|(name, _)| {
                let kind = if self.0.is_dir(&format!("{base}/{name}")) { kubectl::FileKind::Directory } else { kubectl::FileKind::File };
                kubectl::DirEntry { name, kind }
            })
            .collect())
    }

    fn kind(&self, path: &str) -> io::Result<kubectl::FileKind> {
        let stat = self.0.stat(path)?;
        Ok(if stat.is_dir() { kubectl::FileKind::Directory } else { kubectl::FileKind::File })
    }
}

/// What `KUBE_EDITOR` or `EDITOR` names runs in a shell with the file's name behind it, as upstream runs it; vi is the terminal's.
struct Editor(Arc<ProcessContext>);

/// Editors that are the terminal's own.
const VISUAL: &[&str] = &["vi", "vim", "nano"];

/// The command line of an editor that is not the terminal's.
fn editor_line(context: &ProcessContext) -> Option<&str> {
    let named = |name: &str| context.env.get(name).filter(|value| !value.is_empty());
    let line = named("KUBE_EDITOR").or_else(|| named("EDITOR"))?;
    let program = line.split_whitespace().next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or(program);
    (!VISUAL.contains(&program)).then_some(line)
}

impl Editor {
    async fn run(&self, line: &str, name: &str, text: &str) -> Result<String, String> {
        let files = &self.0.files;
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "yaml"));
        let path = (0..)
            .map(|n: u32| format!("/tmp/{stem}-{}.{extension}", 1_000_000_000 + n))
            .find(|path| !files.exists(path))
            .unwrap_or_default();
        files.write(&path, text.as_bytes().to_vec()).map_err(|e| format!("open {path}: {e}"))?;
        // Quotes and spaces of the command line are for a shell to read (`editor.NewDefaultEditor`).
        let command = child_of(&self.0, vec!["sh".to_owned(), "-c".to_owned(), format!("{line} {path}")]);
        let child = self.0.machine.spawn(command).map_err(|_| format!("unable to launch the editor {line:?}"))?;
        let status = child.wait().await.code();
        let saved = files.read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        // It was there a moment ago; an editor that removed it has its own reasons.
        let _ = files.unlink(&path);
        match status {
            0 => saved.map_err(|e| format!("open {path}: {e}")),
            code => Err(format!("there was a problem with the editor {line:?} (exit status {code})")),
        }
    }
}

impl kubectl::Editor for Editor {
    fn edit<'a>(&'a self, suggested_name: &'a str, text: String) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            if let Some(line) = editor_line(&self.0) {
                return self.run(line, suggested_name, &text).await;
            }
            let editor =
                self.0.terminal.as_ref().and_then(|terminal| terminal.editor.clone()).ok_or("unable to launch the editor \"vi\"")?;
            let saved = Arc::new(Mutex::new(text.clone()));
            let into = saved.clone();
            let save = Box::new(move |bytes: bytes::Bytes| {
                *into.lock().unwrap_or_else(PoisonError::into_inner) = String::from_utf8_lossy(&bytes).into_owned();
                Ok(())
            });
            match editor.edit(EditRequest { name: suggested_name.to_owned(), ..EditRequest::default() }, Some(text.into()), save).await {
                0 => Ok(saved.lock().unwrap_or_else(PoisonError::into_inner).clone()),
                code => Err(format!("there was a problem with the editor \"vi\" (exit code {code})")),
            }
        })
    }
}

/// An [`Input`] as a tokio reader.
struct Reader {
    input: Input,
    pending: Option<BoxFuture<'static, Option<bytes::Bytes>>>,
    rest: bytes::Bytes,
}

impl Reader {
    fn new(input: Input) -> Self {
        Self { input, pending: None, rest: bytes::Bytes::new() }
    }
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            let input = self.input.clone();
            let pending = self.pending.get_or_insert_with(|| Box::pin(async move { input.read().await }));
            let Poll::Ready(chunk) = pending.as_mut().poll(cx) else { return Poll::Pending };
            self.pending = None;
            self.rest = chunk.unwrap_or_default();
        }
        let count = self.rest.len().min(buffer.remaining());
        let chunk = self.rest.split_to(count);
        buffer.put_slice(&chunk);
        Poll::Ready(Ok(()))
    }
}

/// An [`Output`] as a tokio writer.
struct Writer {
    output: Output,
    pending: Option<BoxFuture<'static, Result<(), crate::machine::BrokenPipe>>>,
}

impl Writer {
    fn new(output: Output) -> Self {
        Self { output, pending: None }
    }

    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(pending) = &mut self.pending else { return Poll::Ready(Ok(())) };
        let Poll::Ready(result) = pending.as_mut().poll(cx) else { return Poll::Pending };
        self.pending = None;
        Poll::Ready(result.map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }
}

impl AsyncWrite for Writer {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.poll_pending(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        let (output, chunk) = (self.output.clone(), bytes.to_vec());
        self.pending = Some(Box::pin(async move { output.write(chunk).await }));
        // Usually there is room, and the chunk is gone at once.
        match self.poll_pending(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_pending(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_pending(cx)
    }
}
