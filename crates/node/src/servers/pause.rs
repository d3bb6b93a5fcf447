//! `pause`: holds a pod's namespaces until it is told to stop. And `hello`, which says so.

use crate::machine::{ExitStatus, ProcessContext, Signal};

pub(super) async fn run(mut context: ProcessContext) -> ExitStatus {
    context.signals.handle(&[Signal::Int, Signal::Term]);
    context.signals.recv().await;
    context.stderr.write_now(b"Shutting down, got signal: Terminated\n");
    ExitStatus::SUCCESS
}

pub(super) async fn hello(context: ProcessContext) -> ExitStatus {
    let text = "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n\n";
    // The log file of a container always takes it.
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}
