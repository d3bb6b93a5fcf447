//! Carrying the streams of `exec` and `attach` over kube's WebSocket.

use futures::SinkExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::context::Context;
use crate::error::Error;
use crate::resources::args::Info;

/// What runs at the other end.
pub enum Remote {
    /// A new process.
    Exec(Vec<String>),
    /// The container's own process.
    Attach,
}

/// Connects the command's streams with a container; returns the process's exit code.
pub async fn connect(cx: &Context, pod: &Info, container: &str, remote: Remote, stdin: bool, tty: bool) -> Result<i32, Error> {
    let client = cx.client().await?;
    let api: kube::Api<Pod> = kube::Api::namespaced(client, pod.namespace.as_deref().unwrap_or("default"));
    // With a terminal both outputs arrive as one.
    let params = AttachParams::default().container(container).stdin(stdin).stdout(true).stderr(!tty).tty(tty);
    let opened = match &remote {
        Remote::Exec(command) => api.exec(&pod.name, command.clone(), &params).await,
        Remote::Attach => api.attach(&pod.name, &params).await,
    };
    let url = format!("{}{}/{}", cx.server().await?, pod.path(), if matches!(remote, Remote::Attach) { "attach" } else { "exec" });
    let process = opened.map_err(|e| upgrade_error(e, &url))?;
    run(cx, process, stdin, tty).await
}

fn upgrade_error(error: kube::Error, url: &str) -> Error {
    match error {
        kube::Error::Api(status) => Error::Status(Box::new(crate::error::Status {
            code: status.code,
            reason: status.reason.clone(),
            message: status.message.clone(),
            details: serde_json::Value::Null,
        })),
        other => {
            let reason = component::RequestError::of(&other).map_or_else(|| other.to_string(), |e| e.reason.clone());
            Error::message(format!("error sending request: Post {url:?}: {reason}"))
        }
    }
}

async fn run(cx: &Context, mut process: AttachedProcess, stdin: bool, tty: bool) -> Result<i32, Error> {
    let (remote_out, remote_err, remote_in) = (process.stdout(), process.stderr(), process.stdin());
    let status = process.take_status();
    let sizes = if tty { process.terminal_size() } else { None };
    let output = async {
        let (out, err) = tokio::join!(copy_out(remote_out, &cx.stdout), copy_out(remote_err, &cx.stderr));
        out.and(err)
    };
    let input = async {
        if let (true, Some(mut to), Some(mut from)) = (stdin, remote_in, cx.take_stdin().await) {
            let mut buffer = vec![0u8; 8192];
            loop {
                match from.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => {
                        if to.write_all(&buffer[..n]).await.is_err() || to.flush().await.is_err() {
                            break;
                        }
                    }
                }
            }
            let _ = to.shutdown().await;
        }
        // The process decides when it is over, not the end of its input.
        std::future::pending::<()>().await
    };
    let resizing = async {
        if let (Some(mut to), Some(mut size)) = (sizes, cx.terminal.clone()) {
            loop {
                let now = *size.borrow_and_update();
                let sent = to.send(kube::api::TerminalSize { width: now.width, height: now.height }).await;
                if sent.is_err() || size.changed().await.is_err() {
                    break;
                }
            }
        }
        std::future::pending::<()>().await
    };
    tokio::select! {
        biased;
        result = output => result?,
        () = input => {}
        () = resizing => {}
    }
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    let _ = process.join().await;
    let Some(status) = status.filter(|s| s.status.as_deref() == Some("Failure")) else { return Ok(0) };
    let causes = status.details.as_ref().and_then(|d| d.causes.as_ref()).into_iter().flatten();
    let code = causes.filter(|c| c.reason.as_deref() == Some("ExitCode")).find_map(|c| c.message.as_deref()?.parse::<i32>().ok());
    match code {
        Some(code) => Ok(code),
        // What the error stream brings is no answer of the server (`remotecommand.errorDecoderV4`).
        None => Err(Error::message(status.message.unwrap_or_default())),
    }
}

async fn copy_out<R: tokio::io::AsyncRead + Unpin>(from: Option<R>, to: &tokio::sync::Mutex<crate::context::Output>) -> Result<(), Error> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0u8; 8192];
    loop {
        let n = from.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return Ok(());
        }
        let mut to = to.lock().await;
        to.write_all(&buffer[..n]).await?;
        to.flush().await?;
    }
}
