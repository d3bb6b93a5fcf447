//! `kubectl attach`.

use crate::command::{Command, Completes};
use crate::commands::exec::terminal;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::pods;
use crate::streams::{Remote, connect};

const FLAGS: &[Flag] = &[
    short("container", 'c', Kind::Text, "", "The container."),
    short("stdin", 'i', Kind::Bool, "false", "Pass standard input on."),
    short("tty", 't', Kind::Bool, "false", "Standard input is a terminal."),
    short("quiet", 'q', Kind::Bool, "false", "Print only what the remote process prints."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for a running pod."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["attach"],
    aliases: &[],
    usage: "(POD | TYPE/NAME) -c CONTAINER",
    short: "Attach to a running container",
    long: "",
    examples: "kubectl attach web -i",
    flags: &[FLAGS],
    completes: Completes::Pods,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let [word] = cx.flags.args.as_slice() else {
        return Err(cx.usage_error(match cx.flags.args.len() {
            0 => "at least 1 argument is required for attach".to_owned(),
            n => format!("expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {n}: {:?}", cx.flags.args),
        }));
    };
    let pod = pods::find(cx, word).await?;
    if let Some(phase @ ("Succeeded" | "Failed")) = pod.object["status"]["phase"].as_str() {
        return Err(Error::message(format!("cannot attach a container in a completed pod; current phase is {phase}")));
    }
    let container = pods::container(cx, &pod, cx.flags.on("quiet")).await?;
    let (stdin, tty) = terminal(cx).await?;
    let code = connect(cx, &pod, &container, Remote::Attach, stdin, tty).await?;
    if code == 0 { Ok(()) } else { Err(Error::Exit(code)) }
}
