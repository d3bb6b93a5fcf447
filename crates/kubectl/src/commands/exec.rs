//! `kubectl exec`.

use crate::command::{Command, Completes};
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
    short("filename", 'f', Kind::List, "", "Not supported."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for a running pod."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["exec"],
    aliases: &[],
    usage: "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    short: "Execute a command in a container",
    long: "",
    examples: "kubectl exec web -- ls /\nkubectl exec -it web -c nginx -- sh",
    flags: &[FLAGS],
    completes: Completes::Pods,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let Some(dash) = cx.flags.dash else {
        return Err(match cx.flags.args.len() {
            0 => cx.usage_error("pod, type/name or --filename must be specified"),
            1 => Error::message("you must specify at least one command for the container"),
            _ => cx.usage_error("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"),
        });
    };
    let (before, command) = cx.flags.args.split_at(dash);
    let [word] = before else {
        return Err(match before.len() {
            0 => cx.usage_error("pod, type/name or --filename must be specified"),
            _ => cx.usage_error("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"),
        });
    };
    if command.is_empty() {
        return Err(Error::message("you must specify at least one command for the container"));
    }
    let pod = pods::find(cx, word).await?;
    if let Some(phase @ ("Succeeded" | "Failed")) = pod.object["status"]["phase"].as_str() {
        return Err(Error::message(format!("cannot exec into a container in a completed pod; current phase is {phase}")));
    }
    let container = pods::container(cx, &pod, cx.flags.on("quiet")).await?;
    let (stdin, tty) = terminal(cx).await?;
    let code = connect(cx, &pod, &container, Remote::Exec(command.to_vec()), stdin, tty).await?;
    if code != 0 {
        cx.eprintln(format!("command terminated with exit code {code}")).await?;
        return Err(Error::Exit(code));
    }
    Ok(())
}

/// Whether input is passed on, and whether it is a terminal (which is only possible when there is one).
pub async fn terminal(cx: &Context) -> Result<(bool, bool), Error> {
    let stdin = cx.flags.on("stdin");
    let mut tty = cx.flags.on("tty");
    if tty && (!stdin || cx.terminal.is_none()) {
        tty = false;
        if stdin && !cx.flags.on("quiet") {
            cx.eprintln("Unable to use a TTY - input is not a terminal or the right kind of file").await?;
        }
    }
    Ok((stdin, tty))
}
