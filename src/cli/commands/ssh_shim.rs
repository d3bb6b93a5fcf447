//! What the practice shell's `ssh` does: our nodes are ours, everything else goes to the real ssh.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::session::registry;
use crate::session::shell::find;

use super::ssh;

/// Options of ssh that take a value (ssh(1)).
const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// What was given to `ssh`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Opens one of our nodes or becomes the real ssh.
pub fn run(args: Args, context: &Context) -> Result<u8, CliError> {
    let directories = context.directories()?;
    let session = std::env::var("CKAPREP_SESSION").unwrap_or_default();
    let entry = registry::find(&directories, Some(&session))?;
    if let Some((host, command)) = host_and_command(&args.words)
        && let Some(record) = &entry.record
        && let Some(node) = ssh::node_named(record, host)
    {
        return context.block_on(ssh::shell(context, &entry, node, command));
    }
    let Some(real) = find::on_path("ssh", Some(&entry.folder.bin())) else {
        return Err(
            CliError::environment("this machine has no ssh, and that is none of the session's nodes").hint("`ckaprep nodes` lists them")
        );
    };
    let error = Command::new(&real).args(&args.words).exec();
    Err(CliError::environment(format!("cannot run {}", real.display())).because(error))
}

/// The host without a user, and the command after it. Options of ssh make no difference to a simulated node.
fn host_and_command(words: &[String]) -> Option<(&str, &[String])> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else { break };
        if letters == "-" {
            at += 1;
            break;
        }
        // `-o x` takes the next word, `-ox` has it, `-tt` and `-4A` take none.
        at += if letters.len() == 1 && WITH_VALUE.contains(letters) { 2 } else { 1 };
    }
    let host = words.get(at)?;
    Some((host.rsplit('@').next().unwrap_or(host), &words[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::host_and_command;

    #[test]
    fn the_host_is_found_behind_options_and_a_user() {
        for (line, want) in [
            ("worker-2", Some(("worker-2", ""))),
            ("root@worker-2 systemctl status kubelet", Some(("worker-2", "systemctl status kubelet"))),
            ("-tt -o StrictHostKeyChecking=no -p 22 worker-2 -- x", Some(("worker-2", "-- x"))),
            ("-i key -- h", Some(("h", ""))),
            ("-V", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let got = host_and_command(&words).map(|(host, command)| (host.to_owned(), command.join(" ")));
            assert_eq!(got, want.map(|(h, c)| (h.to_owned(), c.to_owned())), "{line}");
        }
    }
}
