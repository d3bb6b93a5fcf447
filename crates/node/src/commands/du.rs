//! `du`

use super::df::bytes_below;
use super::options::{Options, flag, value};
use super::report::human;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[
            flag('s', "summarize"),
            flag('h', "human-readable"),
            flag('a', "all"),
            flag('c', "total"),
            flag('k', ""),
            flag('m', ""),
            flag('x', "one-file-system"),
            value('d', "max-depth"),
        ],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    let depth = if options.has("s") { 0 } else { options.get("d").and_then(|depth| depth.parse().ok()).unwrap_or(usize::MAX) };
    let show = |bytes: u64| {
        if options.has("h") {
            human(bytes)
        } else if options.has("m") {
            bytes.div_ceil(1_048_576).to_string()
        } else {
            (bytes / 1024).to_string()
        }
    };
    let mut status = ExitStatus::SUCCESS;
    let mut total = 0;
    let names = if options.rest.is_empty() { vec![".".to_owned()] } else { options.rest.clone() };
    for name in names {
        let path = context.path(&name);
        if let Err(errno) = context.files.lstat(&path) {
            let _ = context.stderr.line(format!("du: cannot access '{name}': {errno}")).await;
            status = ExitStatus::FAILURE;
            continue;
        }
        let mut lines = Vec::new();
        walk(&context, &name, &path, 0, depth, options.has("a"), &mut lines);
        total += bytes_below(&context.files, &path);
        for (bytes, name) in lines {
            let _ = context.stdout.line(format!("{}\t{name}", show(bytes))).await;
        }
    }
    if options.has("c") {
        let _ = context.stdout.line(format!("{}\ttotal", show(total))).await;
    }
    status
}

fn walk(context: &ProcessContext, name: &str, path: &str, depth: usize, limit: usize, all: bool, lines: &mut Vec<(u64, String)>) {
    if depth < limit && context.files.lstat(path).is_ok_and(|stat| stat.is_dir()) {
        for (entry, stat) in context.files.read_dir(path).unwrap_or_default() {
            if stat.is_dir() || all {
                let below = format!("{}/{entry}", path.trim_end_matches('/'));
                walk(context, &format!("{}/{entry}", name.trim_end_matches('/')), &below, depth + 1, limit, all, lines);
            }
        }
    }
    lines.push((bytes_below(&context.files, path), name.to_owned()));
}
