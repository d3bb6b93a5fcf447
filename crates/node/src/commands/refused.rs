//! Commands that exist on such a machine and are not simulated: they say so, rather than pretend.

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let _ = context.stderr.line(format!("{}: this command is not simulated", name(&context))).await;
    ExitStatus::FAILURE
}

/// A daemon that does nothing but be there until it is stopped.
pub(super) async fn daemon(context: ProcessContext) -> ExitStatus {
    context.notify_ready();
    let mut signals = context.signals;
    signals.handle(&[crate::machine::Signal::Term, crate::machine::Signal::Int, crate::machine::Signal::Hup]);
    loop {
        if signals.recv().await != crate::machine::Signal::Hup {
            return ExitStatus::SUCCESS;
        }
    }
}
