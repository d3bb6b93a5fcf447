//! `kill`

use crate::fs::Errno;
use crate::machine::{ExitStatus, Pid, ProcessContext, Signal};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut signal = Signal::Term;
    let mut targets: Vec<String> = Vec::new();
    let mut args = context.argv.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-l" | "--list" => {
                let names: Vec<String> = match args.next() {
                    Some(text) => match Signal::parse(text).or_else(|| text.parse::<i32>().ok().and_then(|n| Signal::from_number(n - 128)))
                    {
                        Some(signal) if text.parse::<i32>().is_ok() => vec![signal.name().to_owned()],
                        Some(signal) => vec![signal.number().to_string()],
                        None => return fail(&context, &format!("kill: {text}: invalid signal specification")).await,
                    },
                    None => Signal::all().map(|signal| format!("{:2}) SIG{}", signal.number(), signal.name())).collect(),
                };
                let _ = context.stdout.line(names.join("\n")).await;
                return ExitStatus::SUCCESS;
            }
            "-s" | "-n" | "--signal" => match args.next().and_then(|text| Signal::parse(text)) {
                Some(found) => signal = found,
                None => return fail(&context, "kill: invalid signal specification").await,
            },
            "--" => {}
            text if text.len() > 1 && text.starts_with('-') && targets.is_empty() => match Signal::parse(&text[1..]) {
                Some(found) => signal = found,
                // 0 only asks whether the process is there.
                None if text == "-0" => return probe(&context, args.cloned().collect()).await,
                None => return fail(&context, &format!("kill: {}: invalid signal specification", &text[1..])).await,
            },
            text => targets.push(text.to_owned()),
        }
    }
    if targets.is_empty() {
        return fail(&context, "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]").await;
    }
    let mut status = ExitStatus::SUCCESS;
    for target in targets {
        let Ok(pid) = target.parse::<Pid>() else {
            status = fail(&context, &format!("kill: {target}: arguments must be process or job IDs")).await;
            continue;
        };
        if let Err(errno) = send(&context, pid, signal) {
            status = fail(&context, &format!("kill: ({target}) - {errno}")).await;
        }
    }
    status
}

async fn probe(context: &ProcessContext, targets: Vec<String>) -> ExitStatus {
    for target in targets {
        let pid = target.parse::<Pid>().unwrap_or(0);
        if context.machine.read(|state| !state.processes.contains_key(&pid)) {
            return fail(context, &format!("kill: ({target}) - {}", Errno::NoProcess)).await;
        }
    }
    ExitStatus::SUCCESS
}

/// Sends a signal, if the process is one's own (or one is root) and in the same container.
pub(super) fn send(context: &ProcessContext, pid: Pid, signal: Signal) -> Result<(), Errno> {
    let pid = match &context.container {
        None => pid,
        Some(container) => context.machine.read(|state| {
            state
                .processes
                .values()
                .find(|process| {
                    process.container.as_ref() == Some(container) && crate::machine::inner_pid(state, Some(container), process.pid) == pid
                })
                .map_or(0, |process| process.pid)
        }),
    };
    let owner = context.machine.read(|state| state.processes.get(&pid).map(|process| process.who.uid)).ok_or(Errno::NoProcess)?;
    let uid = context.files.credentials().uid;
    if uid != 0 && uid != owner {
        return Err(Errno::NotPermitted);
    }
    // Inside a container its first process cannot be killed (pid_namespaces(7)).
    let init = context.machine.read(|state| state.processes.get(&pid).is_some_and(|process| process.init));
    if init && context.container.is_some() && matches!(signal, Signal::Kill | Signal::Stop) {
        return Ok(());
    }
    context.machine.kill(pid, signal)
}

async fn fail(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stderr.line(format!("bash: {text}")).await;
    ExitStatus::FAILURE
}
