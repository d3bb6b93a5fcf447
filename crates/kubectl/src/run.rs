//! From a command line to an exit code.

use tokio::io::AsyncWriteExt;

use crate::command::{self, Command, Found};
use crate::context::Context;
use crate::error::Error;
use crate::flags;
use crate::help;
use crate::invocation::Invocation;

/// Runs one command line and returns its exit code. Dropping the future is Ctrl-C.
pub async fn run(mut invocation: Invocation) -> i32 {
    let words: Vec<String> = invocation.argv.iter().skip(1).cloned().collect();
    match command::find(&words) {
        Found::Root => {
            write(&mut invocation.stdout, &help::root()).await;
            0
        }
        Found::Unknown(word) if word == "options" => {
            write(&mut invocation.stdout, &help::options()).await;
            0
        }
        Found::Unknown(word) if word == "help" => {
            let rest: Vec<String> = words.into_iter().filter(|w| w != "help").collect();
            let text = match command::find(&rest) {
                Found::Command(command, _) => help::command(command),
                _ => help::root(),
            };
            write(&mut invocation.stdout, &text).await;
            0
        }
        Found::Unknown(word) => {
            write(&mut invocation.stderr, &unknown(&word)).await;
            1
        }
        Found::Command(command, rest) => run_command(invocation, command, &rest).await,
    }
}

async fn run_command(mut invocation: Invocation, command: &'static Command, words: &[String]) -> i32 {
    // Help is given even when other flags are wrong after it, as long as the parser meets it first; simply looking for it is close enough.
    let before_dash = words.iter().take_while(|w| *w != "--");
    if before_dash.clone().any(|w| w == "--help" || w == "-h") {
        write(&mut invocation.stdout, &help::command(command)).await;
        return 0;
    }
    let parsed = match flags::parse(words, &command.all_flags()) {
        Ok(parsed) => parsed,
        Err(error) => {
            let text = format!("error: {error}\nSee '{} --help' for usage.\n", command.full_name());
            write(&mut invocation.stderr, &text).await;
            return 1;
        }
    };
    let Some(function) = command.run else {
        return match parsed.args.first() {
            Some(_) => {
                let words = parsed.args.join(" ");
                let text = format!("error: unknown command {words:?}\nSee '{} -h' for help and examples\n", command.full_name());
                write(&mut invocation.stderr, &text).await;
                1
            }
            None => {
                // Cobra prints the help of a bare parent to standard output; kubectl makes it exit 1 for some, and so do we for all.
                write(&mut invocation.stdout, &help::command(command)).await;
                i32::from(command.name() != "config")
            }
        };
    };
    let cx = Context::new(invocation, command, parsed);
    let result = function(&cx).await;
    match result {
        Ok(()) => 0,
        Err(error) => report(&cx, &error).await,
    }
}

async fn report(cx: &Context, error: &Error) -> i32 {
    let (text, code) = error.report();
    if !text.is_empty() && cx.eprintln(text.trim_end_matches('\n')).await.is_err() {
        return 141;
    }
    code
}

async fn write(to: &mut (dyn tokio::io::AsyncWrite + Send + Unpin), text: &str) {
    // Nobody is left to tell when the stream is closed.
    let _ = to.write_all(text.as_bytes()).await;
    let _ = to.flush().await;
}

fn unknown(word: &str) -> String {
    let mut text = format!("error: unknown command {word:?} for \"kubectl\"\n");
    let near = command::suggestions(word);
    if !near.is_empty() {
        text.push_str("\nDid you mean this?\n");
        for name in near {
            text.push_str(&format!("\t{name}\n"));
        }
        text.push('\n');
    }
    text
}
