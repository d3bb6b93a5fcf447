//! `pgrep`, `pkill` and `pidof`

use std::sync::Arc;

use super::options::{Options, flag, name, value};
use crate::machine::{ExitStatus, Process, ProcessContext, Signal, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let command = name(&context).to_owned();
    let mut args: Vec<String> = context.argv.iter().skip(1).cloned().collect();
    let mut signal = Signal::Term;
    if command == "pkill"
        && let Some(at) = args.iter().position(|arg| arg.len() > 1 && arg.starts_with('-') && Signal::parse(&arg[1..]).is_some())
    {
        signal = Signal::parse(&args.remove(at)[1..]).unwrap_or(signal);
    }
    let specs = [
        flag('f', "full"),
        flag('l', "list-name"),
        flag('a', "list-full"),
        flag('x', "exact"),
        flag('c', "count"),
        flag('n', "newest"),
        flag('o', "oldest"),
        flag('v', "inverse"),
        flag('s', ""),
        flag('e', "echo"),
        flag('i', "ignore-case"),
        value('u', "euid"),
        value('P', "parent"),
        value('\0', "signal"),
        value('d', "delimiter"),
    ];
    let options = match Options::parse(&args, &specs) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("{command}: {message}\n\nUsage:\n {command} [options] <pattern>")).await;
            return ExitStatus::Code(2);
        }
    };
    if let Some(text) = options.get("signal") {
        signal = Signal::parse(text).unwrap_or(signal);
    }
    let Some(pattern) =
        options.rest.first().cloned().or_else(|| (options.get("u").is_some() || options.get("P").is_some()).then(String::new))
    else {
        let _ =
            context.stderr.line(format!("{command}: no matching criteria specified\nTry `{command} --help' for more information.")).await;
        return ExitStatus::Code(2);
    };
    let users = Users::of(&context.files);
    let uid = options.get("u").and_then(|name| users.user(name).map(|user| user.uid).or_else(|| name.parse().ok()));
    let parent = options.get("P").and_then(|pid| pid.parse::<u32>().ok());
    let exact = options.has("x") || command == "pidof";
    let mut found: Vec<Arc<Process>> = context.machine.read(|state| {
        state
            .processes
            .values()
            .filter(|process| process.pid != context.pid && (context.container.is_none() || process.container == context.container))
            .filter(|process| uid.is_none_or(|uid| process.who.uid == uid) && parent.is_none_or(|parent| process.ppid == parent))
            .filter(|process| matches(process, &pattern, options.has("f"), exact) != options.has("v"))
            .cloned()
            .collect()
    });
    if options.has("n") {
        found.drain(..found.len().saturating_sub(1));
    }
    if options.has("o") {
        found.truncate(1);
    }
    if options.has("c") {
        let _ = context.stdout.line(found.len().to_string()).await;
    } else if command == "pidof" {
        found.reverse();
        if !found.is_empty() {
            let _ = context.stdout.line(found.iter().map(|process| process.pid.to_string()).collect::<Vec<_>>().join(" ")).await;
        }
    } else {
        for process in &found {
            if command == "pkill" {
                let _ = super::kill::send(&context, process.pid, signal);
                continue;
            }
            let text = if options.has("a") {
                format!("{} {}", process.pid, process.command_line())
            } else if options.has("l") {
                format!("{} {}", process.pid, process.comm())
            } else {
                process.pid.to_string()
            };
            let _ = context.stdout.line(text).await;
        }
    }
    if found.is_empty() { ExitStatus::FAILURE } else { ExitStatus::SUCCESS }
}

/// Patterns are taken as text with `^`, `$` and alternatives by `|`; that is what people write here.
fn matches(process: &Process, pattern: &str, full: bool, exact: bool) -> bool {
    let text = if full { process.command_line() } else { process.comm().to_owned() };
    pattern.split('|').any(|pattern| {
        let (start, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let (end, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        match (start || exact, end || exact) {
            (true, true) => text == rest,
            (true, false) => text.starts_with(rest),
            (false, true) => text.ends_with(rest),
            (false, false) => text.contains(rest),
        }
    })
}
