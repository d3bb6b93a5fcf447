//! `timeout`

use std::time::Duration;

use super::options::{Options, flag, value};
use super::sleep::duration;
use super::sudo::child_of;
use crate::machine::{ExitStatus, ProcessContext, Signal};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default();
    // Options end at the duration: what follows is the command's.
    let first = args.iter().position(|arg| !arg.starts_with('-') && duration(arg).is_some()).unwrap_or(args.len());
    let options = match Options::parse(
        &args[..first],
        &[value('s', "signal"), value('k', "kill-after"), flag('\0', "preserve-status"), flag('\0', "foreground"), flag('v', "verbose")],
    ) {
        Ok(options) => options,
        Err(message) => return usage(&context, &message).await,
    };
    let (Some(limit), Some(command)) =
        (args.get(first).and_then(|text| duration(text)), args.get(first + 1..).filter(|command| !command.is_empty()))
    else {
        return usage(&context, "missing operand").await;
    };
    let signal = options.get("s").and_then(Signal::parse).unwrap_or(Signal::Term);
    let child = match context.machine.spawn(child_of(&context, command.to_vec())) {
        Ok(child) => child,
        Err(error) => {
            let _ = context.stderr.line(format!("timeout: failed to run command ‘{}’: {}", command[0], error.errno)).await;
            return ExitStatus::Code(127);
        }
    };
    // 0 means no limit.
    let limit = if limit.is_zero() { Duration::from_secs(u64::from(u32::MAX)) } else { limit };
    if let Ok(status) = tokio::time::timeout(limit, child.wait()).await {
        return ExitStatus::from(status.code());
    }
    let _ = context.machine.kill(child.pid(), signal);
    let status = match options.get("k").and_then(duration) {
        Some(grace) => match tokio::time::timeout(grace, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                let _ = context.machine.kill(child.pid(), Signal::Kill);
                return ExitStatus::Code(137);
            }
        },
        None => child.wait().await,
    };
    if options.has("preserve-status") { ExitStatus::from(status.code()) } else { ExitStatus::Code(124) }
}

async fn usage(context: &ProcessContext, message: &str) -> ExitStatus {
    let _ = context.stderr.line(format!("timeout: {message}\nTry 'timeout --help' for more information.")).await;
    ExitStatus::Code(125)
}

/// `nohup`: runs the command, deaf to HUP as all processes here are that outlive their shell.
pub(super) async fn nohup(context: ProcessContext) -> ExitStatus {
    let command: Vec<String> = context.argv.iter().skip(1).cloned().collect();
    let Some(name) = command.first().cloned() else {
        let _ = context.stderr.line("nohup: missing operand\nTry 'nohup --help' for more information.").await;
        return ExitStatus::Code(125);
    };
    match context.machine.spawn(child_of(&context, command)) {
        Ok(child) => ExitStatus::from(child.wait().await.code()),
        Err(error) => {
            let _ = context.stderr.line(format!("nohup: failed to run command '{name}': {}", error.errno)).await;
            ExitStatus::Code(127)
        }
    }
}

/// `sync`: what is written is written.
pub(super) async fn nothing(_: ProcessContext) -> ExitStatus {
    ExitStatus::SUCCESS
}
