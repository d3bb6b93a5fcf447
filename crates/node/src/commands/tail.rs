//! `tail`

use super::options::{Options, flag, value};
use crate::machine::{ExitStatus, ProcessContext, Signal};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    // `tail -20 file` is old and loved.
    let args: Vec<String> = context
        .argv
        .iter()
        .skip(1)
        .map(|arg| match arg.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => format!("-n{digits}"),
            _ => arg.clone(),
        })
        .collect();
    let specs = [
        value('n', "lines"),
        value('c', "bytes"),
        flag('f', "follow"),
        flag('F', ""),
        flag('q', "quiet"),
        flag('v', "verbose"),
        flag('\0', "retry"),
        value('s', "sleep-interval"),
        value('\0', "pid"),
    ];
    let options = match Options::parse(&args, &specs) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("tail: {message}\nTry 'tail --help' for more information.")).await;
            return ExitStatus::FAILURE;
        }
    };
    let wanted = options.get("n").or(options.get("c")).unwrap_or("10").to_owned();
    let Ok(count) = wanted.trim_start_matches(['+', '-']).parse::<usize>() else {
        let _ = context.stderr.line(format!("tail: invalid number of lines: ‘{wanted}’")).await;
        return ExitStatus::FAILURE;
    };
    let cut = |bytes: &[u8]| part(bytes, count, wanted.starts_with('+'), options.has("c"));
    if options.rest.is_empty() {
        let bytes = context.stdin.read_to_end().await;
        let _ = context.stdout.write(cut(&bytes)).await;
        return ExitStatus::SUCCESS;
    }
    let titles = (options.rest.len() > 1 || options.has("v")) && !options.has("q");
    let busybox = context.is_file("/bin/tail");
    let mut status = ExitStatus::SUCCESS;
    let mut followed = Vec::new();
    for (index, file) in options.rest.iter().enumerate() {
        let path = context.path(file);
        match context.files.read(&path) {
            Ok(bytes) => {
                let title = if titles { format!("{}==> {file} <==\n", if index > 0 { "\n" } else { "" }) } else { String::new() };
                let _ = context.stdout.write([title.as_bytes(), &cut(&bytes)].concat()).await;
                followed.push((file.clone(), path, Some(bytes.len())));
            }
            Err(errno) => {
                let verb = if errno == crate::fs::Errno::IsDirectory { "error reading" } else { "cannot open" };
                let text = if busybox && verb == "cannot open" {
                    format!("tail: can't open '{file}': {errno}")
                } else if verb == "cannot open" {
                    format!("tail: cannot open '{file}' for reading: {errno}")
                } else {
                    format!("tail: error reading '{file}': {errno}")
                };
                let _ = context.stderr.line(text).await;
                status = ExitStatus::FAILURE;
                if options.has("F") {
                    followed.push((file.clone(), path, None));
                }
            }
        }
    }
    if !(options.has("f") || options.has("F")) {
        return status;
    }
    follow(&context, followed, titles, busybox).await
}

/// Files with their names, their paths and how much of them was shown; nothing, if the file was not there yet.
type Followed = Vec<(String, String, Option<usize>)>;

async fn follow(context: &ProcessContext, mut files: Followed, titles: bool, busybox: bool) -> ExitStatus {
    if files.is_empty() {
        let _ = context.stderr.line(if busybox { "tail: no files" } else { "tail: no files remaining" }).await;
        return ExitStatus::FAILURE;
    }
    let mut changes = context.machine.changes();
    loop {
        changes.mark_unchanged();
        for (name, path, seen) in &mut files {
            let Ok(bytes) = context.files.read(path) else { continue };
            if seen.is_none() {
                let text = if busybox {
                    format!("tail: {name} has appeared; following end of new file")
                } else {
                    format!("tail: '{name}' has appeared;  following new file")
                };
                let _ = context.stderr.line(text).await;
            }
            let seen = seen.get_or_insert(0);
            if bytes.len() < *seen {
                let _ = context.stderr.line(format!("tail: {name}: file truncated")).await;
                *seen = 0;
            }
            if bytes.len() > *seen {
                let title = if titles { format!("\n==> {name} <==\n") } else { String::new() };
                if context.stdout.write([title.as_bytes(), &bytes[*seen..]].concat()).await.is_err() {
                    return ExitStatus::Signal(Signal::Pipe);
                }
                *seen = bytes.len();
            }
        }
        tokio::select! {
            biased;
            () = context.stdout.closed() => return ExitStatus::Signal(Signal::Pipe),
            changed = changes.changed() => if changed.is_err() { return ExitStatus::SUCCESS },
        }
    }
}

fn part(bytes: &[u8], count: usize, from_start: bool, in_bytes: bool) -> Vec<u8> {
    if in_bytes {
        let at = if from_start { count.saturating_sub(1) } else { bytes.len().saturating_sub(count) };
        return bytes.get(at..).unwrap_or_default().to_vec();
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let at = if from_start { count.saturating_sub(1) } else { lines.len().saturating_sub(count) };
    lines.get(at..).unwrap_or_default().concat()
}
