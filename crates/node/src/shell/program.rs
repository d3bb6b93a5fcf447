//! `bash` and `sh` as programs: scripts, `-c`, and lines from standard input.

use bashkit::ExecOptions;

use super::session::Session;
use crate::machine::{ExitStatus, ProcessContext, Signal, Signals};

/// Names in the program table that are shells.
pub(crate) fn shell_names() -> [&'static str; 2] {
    ["bash", "sh"]
}

/// Runs a shell. Resumed, it begins again: what a script had done so far is in the files.
pub(crate) async fn run_shell(mut context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default().to_vec();
    let mut flags = String::new();
    let mut index = 0;
    let mut command = false;
    let mut login = context.argv.first().is_some_and(|name| name.starts_with('-'));
    while let Some(arg) = args.get(index) {
        match arg.as_str() {
            "--" => {
                index += 1;
                break;
            }
            "--login" => login = true,
            "--version" => {
                let _ = context.stdout.line("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)").await;
                return ExitStatus::SUCCESS;
            }
            "-o" | "+o" => {
                if let Some(option) = args.get(index + 1) {
                    flags.push_str(&format!("set {arg} {option}\n"));
                }
                index += 1;
            }
            arg if arg.len() > 1 && arg.starts_with('-') && !arg.starts_with("--") => {
                for letter in arg[1..].chars() {
                    match letter {
                        'c' => command = true,
                        'l' => login = true,
                        'i' | 's' => {}
                        letter => flags.push_str(&format!("set -{letter}\n")),
                    }
                }
            }
            _ => break,
        }
        index += 1;
    }
    let rest = args.get(index..).unwrap_or_default().to_vec();
    let mut session = match Session::new(&context, false) {
        Ok(session) => session,
        Err(error) => {
            let _ = context.stderr.line(error.to_string()).await;
            return ExitStatus::Code(126);
        }
    };
    let name = context.argv.first().map_or("sh", String::as_str).trim_start_matches('-').to_owned();
    if login {
        let profile = "[ -r /etc/profile ] && . /etc/profile; true";
        session.run(profile, ExecOptions::new(), &context.stdout, &context.stderr).await;
    }
    if command {
        let Some((script, parameters)) = rest.split_first() else {
            let _ = context.stderr.line(format!("{name}: -c: option requires an argument")).await;
            return ExitStatus::Code(2);
        };
        let (zero, parameters) = match parameters.split_first() {
            Some((zero, rest)) => (zero.clone(), rest.to_vec()),
            None => (name, Vec::new()),
        };
        let options = ExecOptions::new().arg0(zero).positional(parameters);
        return session.run_reading(&format!("{flags}{script}"), options, &context.stdout, &context.stderr).await;
    }
    if let Some((file, parameters)) = rest.split_first() {
        let script = match context.files.read_text(&context.path(file)) {
            Ok(script) => script,
            Err(errno) => {
                let _ = context.stderr.line(format!("{name}: {file}: {errno}")).await;
                return ExitStatus::Code(127);
            }
        };
        let options = ExecOptions::new().arg0(file.clone()).positional(parameters.to_vec());
        return session.run_reading(&format!("{flags}{script}"), options, &context.stdout, &context.stderr).await;
    }
    from_stdin(&mut context, &mut session, &flags).await
}

/// Lines from standard input. A line that does not end a command waits for more; with a terminal there is a prompt, Ctrl-C ends the
/// running command or gives a new prompt, and the shell stays.
async fn from_stdin(context: &mut ProcessContext, session: &mut Session, flags: &str) -> ExitStatus {
    let mut status = ExitStatus::SUCCESS;
    let mut pending = flags.to_owned();
    let prompt = if context.files.credentials().uid == 0 { "# " } else { "$ " };
    if context.terminal.is_some() {
        context.signals.handle(&[Signal::Int, Signal::Quit]);
    }
    loop {
        if context.terminal.is_some() {
            let text = if pending.is_empty() { prompt } else { "> " };
            let _ = context.stdout.write(format!("{}{text}", if pending.is_empty() { session.cwd() + " " } else { String::new() })).await;
        }
        let line = tokio::select! {
            biased;
            () = interruption(&mut context.signals) => {
                pending.clear();
                status = ExitStatus::Signal(Signal::Int);
                continue;
            }
            line = context.stdin.read_line() => line,
        };
        let Some(line) = line else { break };
        pending.push_str(&String::from_utf8_lossy(&line));
        if incomplete(&pending) {
            continue;
        }
        let script = std::mem::take(&mut pending);
        status = run_interruptible(context, session, &script).await;
        if session.exited().is_some() {
            return status;
        }
    }
    if !pending.trim().is_empty() {
        status = run_interruptible(context, session, &pending).await;
    }
    status
}

/// Runs a script. An INT that the shell handles goes to what it runs.
async fn run_interruptible(context: &mut ProcessContext, session: &mut Session, script: &str) -> ExitStatus {
    let interrupter = session.interrupter();
    let mut run = std::pin::pin!(session.run_reading(script, ExecOptions::new(), &context.stdout, &context.stderr));
    loop {
        tokio::select! {
            biased;
            status = &mut run => return status,
            () = interruption(&mut context.signals) => interrupter.interrupt(),
        }
    }
}

/// The next INT; other signals that the shell handles are ignored.
async fn interruption(signals: &mut Signals) {
    while signals.recv().await != Signal::Int {}
}

/// Whether more lines are needed to end the command.
pub(super) fn incomplete(script: &str) -> bool {
    if script.trim_end_matches('\n').ends_with('\\') {
        return true;
    }
    if heredoc_open(script) {
        return true;
    }
    match bashkit::parser::Parser::new(script).parse() {
        Ok(_) => false,
        Err(error) => {
            let text = error.to_string();
            ["unexpected end", "unterminated", "unexpected EOF", "Unterminated", "end of file", "end of input"]
                .iter()
                .any(|sign| text.contains(sign))
        }
    }
}

/// Whether a here-document still waits for its last line.
fn heredoc_open(script: &str) -> bool {
    let mut waiting: Vec<(String, bool)> = Vec::new();
    for line in script.lines() {
        if let Some((end, tabs)) = waiting.first() {
            let text = if *tabs { line.trim_start_matches('\t') } else { line };
            if text == end {
                waiting.remove(0);
            }
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("<<") {
            rest = &rest[at + 2..];
            if rest.starts_with('<') {
                rest = rest.trim_start_matches('<');
                continue;
            }
            let tabs = rest.starts_with('-');
            let word: String = rest
                .trim_start_matches('-')
                .trim_start()
                .chars()
                .take_while(|c| !c.is_whitespace() && !matches!(c, ';' | '|' | '>' | '&' | ')'))
                .filter(|c| !matches!(c, '\'' | '"' | '\\'))
                .collect();
            if !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit()) {
                waiting.push((word, tabs));
            }
        }
    }
    !waiting.is_empty()
}

#[cfg(test)]
mod tests {
    use super::incomplete;

    #[test]
    fn knows_when_a_command_goes_on() {
        for (script, want) in [
            ("ls\n", false),
            ("for i in 1 2\n", true),
            ("for i in 1 2\ndo echo $i\ndone\n", false),
            ("echo 'a\n", true),
            ("cat <<EOF\nx\n", true),
            ("cat <<EOF\nx\nEOF\n", false),
            ("cat <<'EOF' > /tmp/x\nEOF\n", false),
            ("cat <<< word\n", false),
            ("if true; then\n", true),
            ("echo a \\\n", true),
            ("echo $((1 << 2))\n", false),
        ] {
            assert_eq!(incomplete(script), want, "{script:?}");
        }
    }
}
