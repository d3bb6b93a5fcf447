//! `ckaprep ssh NODE`: a root shell on a node.

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::suggest::did_you_mean;
use crate::session::folder::Doors;
use crate::session::registry::Entry;
use crate::session::{Client, Record};
use crate::tui::console::Console;
use crate::tui::link::Link;
use crate::tui::node_shell::{Left, NodeShell};

use super::target::SessionArgs;

/// Options of `ckaprep ssh`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Node's name or address
    #[arg(value_name = "NODE", add = complete::nodes())]
    node: String,
    /// One command instead of a shell; its exit code becomes ours
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Opens the shell.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let entry = args.session.find(context)?;
    context.block_on(async {
        let (_, record) = Client::connect(&entry.folder).await?;
        let host = args.node.rsplit('@').next().unwrap_or(&args.node);
        let Some(node) = node_named(&record, host) else {
            let names = record.nodes.iter().map(|node| node.name.as_str());
            let hint = did_you_mean(host, names.clone(), &format!("Nodes: {}.", names.collect::<Vec<_>>().join(", ")));
            return Err(CliError::usage(format!("session {} has no node {host:?}", record.id)).hint(hint));
        };
        shell(context, &entry, node, &args.command).await
    })
}

/// The node of that name or address.
pub fn node_named<'a>(record: &'a Record, host: &str) -> Option<&'a str> {
    record.nodes.iter().find(|node| node.name == host || node.address == host).map(|node| node.name.as_str())
}

/// A shell in a node's container: the container runtime gives the terminal, and what runs there is the real thing.
async fn through(context: &Context, doors: &Doors, node: &str, command: &[String]) -> Result<u8, CliError> {
    let interactive = command.is_empty() && context.terminal.is_interactive();
    let door = if interactive { &doors.person } else { &doors.script };
    let (program, words) = door.words.split_first().ok_or_else(|| CliError::bug("a node's shell has no program"))?;
    let mut process = tokio::process::Command::new(program);
    process.args(words).envs(door.env.iter().map(|(name, value)| (name, value)));
    if interactive {
        process.arg("-il");
    } else if command.is_empty() {
        process.arg("-s");
    } else {
        // As ssh does: words are joined with spaces and the remote shell takes them apart.
        process.args(["-c", &command.join(" ")]);
    }
    // Ctrl-C is for what runs on the node.
    let _quiet = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    let status = process.status().await.map_err(|e| {
        CliError::environment(format!("cannot run {program}")).because(e).hint("`ckaprep doctor` looks at the container runtime")
    })?;
    if interactive {
        context.note(&format!("Connection to {node} closed."));
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
}

/// Opens a shell on a node that exists; the result is the exit code.
pub async fn shell(context: &Context, entry: &Entry, node: &str, command: &[String]) -> Result<u8, CliError> {
    let (client, record) = Client::connect(&entry.folder).await?;
    let terminal = context.terminal;
    if let Some(doors) = record.nodes.iter().find(|n| n.name == node).and_then(|n| n.doors.as_ref()) {
        return through(context, doors, node, command).await;
    }
    // Without a terminal on both sides, or with a command, ssh asks for none on the node.
    let size = if command.is_empty() && terminal.is_interactive() { terminal.size() } else { None };
    let mut shell = NodeShell::start(Link::open(client, node, size).await?, terminal).await?;
    let status = if command.is_empty() {
        let history = entry.folder.shell().join(format!("history-{node}"));
        let mut console =
            Console::open(terminal, Some(&history), false).map_err(|e| CliError::environment("cannot read the terminal").because(e))?;
        let left = shell.lines(&mut console, &[]).await?;
        match left {
            Left::Exit(status) | Left::End(status) => {
                if console.is_person() {
                    println!("logout");
                    context.note(&format!("Connection to {node} closed."));
                }
                status
            }
            Left::Lost => {
                context.note(&format!("Connection to {node} closed by remote host."));
                255
            }
            Left::Word(_) => 0,
        }
    } else {
        // As ssh does: words are joined with spaces and the remote shell takes them apart.
        shell.single(&command.join(" ")).await?
    };
    Ok(u8::try_from(status & 0xff).unwrap_or(255))
}
