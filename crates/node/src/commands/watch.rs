//! `watch`: the command again and again, until Ctrl-C.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::options::{Options, flag, value};
use super::sudo::child_of;
use crate::machine::{ExitStatus, Output, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default();
    let mut first = 0;
    while let Some(arg) = args.get(first).filter(|arg| arg.starts_with('-')) {
        first += if matches!(arg.as_str(), "-n" | "--interval") { 2 } else { 1 };
    }
    let options = match Options::parse(
        &args[..first.min(args.len())],
        &[
            value('n', "interval"),
            flag('d', "differences"),
            flag('t', "no-title"),
            flag('x', "exec"),
            flag('c', "color"),
            flag('e', "errexit"),
            flag('g', "chgexit"),
            flag('b', "beep"),
        ],
    ) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("watch: {message}")).await;
            return ExitStatus::FAILURE;
        }
    };
    let command = args.get(first..).unwrap_or_default().join(" ");
    if command.is_empty() {
        let _ = context.stderr.line("Usage:\n watch [options] command").await;
        return ExitStatus::FAILURE;
    }
    let interval = options.get("n").and_then(|text| text.parse::<f64>().ok()).unwrap_or(2.0).max(0.1);
    loop {
        let mut child = child_of(&context, vec!["sh".to_owned(), "-c".to_owned(), command.clone()]);
        let (out, from) = Output::pipe();
        child.stdout = out.clone();
        child.stderr = out;
        let text = match context.machine.spawn(child) {
            Ok(_) => from.read_to_end().await,
            Err(error) => format!("{error}\n").into_bytes(),
        };
        let title = if options.has("t") {
            String::new()
        } else {
            let now = context.machine.clock().now().to_zoned(TimeZone::UTC);
            format!("Every {interval:.1}s: {command}    {}: {}\n\n", context.machine.name(), now.strftime("%a %b %e %H:%M:%S %Y"))
        };
        let screen = if context.terminal.is_some() { "\x1b[H\x1b[2J" } else { "" };
        if context.stdout.write([screen.as_bytes(), title.as_bytes(), &text].concat()).await.is_err() {
            return ExitStatus::SUCCESS;
        }
        tokio::time::sleep(Duration::from_secs_f64(interval)).await;
    }
}
