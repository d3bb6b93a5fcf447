//! `killall`

use crate::machine::{ExitStatus, Pid, ProcessContext, Signal};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut signal = Signal::Term;
    let mut names = Vec::new();
    for arg in context.argv.iter().skip(1) {
        match arg.strip_prefix('-').and_then(Signal::parse) {
            Some(found) => signal = found,
            None if arg.starts_with('-') => {}
            None => names.push(arg.clone()),
        }
    }
    let mut status = ExitStatus::SUCCESS;
    for name in names {
        let pids: Vec<Pid> = context
            .machine
            .read(|state| state.processes.values().filter(|process| process.comm() == name).map(|process| process.pid).collect());
        if pids.is_empty() {
            let _ = context.stderr.line(format!("{name}: no process found")).await;
            status = ExitStatus::FAILURE;
        }
        for pid in pids {
            if let Err(errno) = super::kill::send(&context, pid, signal) {
                let _ = context.stderr.line(format!("{name}({pid}): {errno}")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}
