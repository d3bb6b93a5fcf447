//! `cat`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('n', "number"),
        flag('A', "show-all"),
        flag('E', "show-ends"),
        flag('T', "show-tabs"),
        flag('v', "show-nonprinting"),
        flag('s', "squeeze-blank"),
        flag('b', "number-nonblank"),
        flag('e', ""),
        flag('t', ""),
        flag('u', ""),
    ];
    let options = match Options::of(&context, &specs, 1).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut status = ExitStatus::SUCCESS;
    let mut number = 0;
    let files = if options.rest.is_empty() { vec!["-".to_owned()] } else { options.rest.clone() };
    for file in files {
        if file == "-" {
            while let Some(line) = context.stdin.read_line().await {
                if context.stdout.write(show(&line, &options, &mut number)).await.is_err() {
                    return ExitStatus::Signal(crate::machine::Signal::Pipe);
                }
            }
            continue;
        }
        match context.files.read(&context.path(&file)) {
            Ok(bytes) => {
                if context.stdout.write(show(&bytes, &options, &mut number)).await.is_err() {
                    return ExitStatus::Signal(crate::machine::Signal::Pipe);
                }
            }
            Err(errno) => {
                let _ = context.stderr.line(format!("cat: {file}: {errno}")).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}

fn show(bytes: &[u8], options: &Options, number: &mut u32) -> Vec<u8> {
    let ends = options.has("E") || options.has("A") || options.has("e");
    let tabs = options.has("T") || options.has("A") || options.has("t");
    let numbers = options.has("n");
    let nonblank = options.has("b");
    if !(ends || tabs || numbers || nonblank || options.has("s")) {
        return bytes.to_vec();
    }
    let mut out = Vec::new();
    let mut blank = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if options.has("s") && text.is_empty() && std::mem::replace(&mut blank, text.is_empty()) {
            continue;
        }
        blank = text.is_empty();
        if numbers && !nonblank || nonblank && !text.is_empty() {
            *number += 1;
            out.extend_from_slice(format!("{number:6}\t").as_bytes());
        }
        for byte in text {
            if tabs && *byte == b'\t' { out.extend_from_slice(b"^I") } else { out.push(*byte) }
        }
        if line.len() > text.len() {
            if ends {
                out.push(b'$');
            }
            out.push(b'\n');
        }
    }
    out
}
