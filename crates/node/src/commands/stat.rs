//! `stat`

use jiff::tz::TimeZone;

use super::ls::permissions;
use super::options::{Options, flag, value};
use crate::fs::Stat;
use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[value('c', "format"), flag('L', "dereference"), flag('t', "terse"), value('\0', "printf")],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.rest.is_empty() {
        let _ = context.stderr.line("stat: missing operand\nTry 'stat --help' for more information.").await;
        return ExitStatus::FAILURE;
    }
    let users = Users::of(&context.files);
    let mut status = ExitStatus::SUCCESS;
    for name in &options.rest {
        let path = context.path(name);
        let found = if options.has("L") { context.files.stat(&path) } else { context.files.lstat(&path) };
        let stat = match found {
            Ok(stat) => stat,
            Err(errno) => {
                let _ = context.stderr.line(format!("stat: cannot statx '{name}': {errno}")).await;
                status = ExitStatus::FAILURE;
                continue;
            }
        };
        let shown = match context.files.read_link(&path) {
            Ok(target) if stat.is_symlink() => format!("{name} -> {target}"),
            _ => name.clone(),
        };
        let text = match options.get("c").map(|format| (format, "\n")).or_else(|| options.get("printf").map(|format| (format, ""))) {
            Some((format, end)) => expand(format, name, &shown, &stat, &users) + end,
            None => full(&shown, &stat, &users),
        };
        let _ = context.stdout.write(text).await;
    }
    status
}

fn kind(stat: &Stat) -> &'static str {
    match stat.letter {
        'd' => "directory",
        'l' => "symbolic link",
        'c' => "character special file",
        's' => "socket",
        'p' => "fifo",
        _ if stat.size == 0 => "regular empty file",
        _ => "regular file",
    }
}

fn time(stat: &Stat) -> String {
    stat.mtime.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.9f +0000").to_string()
}

fn blocks(stat: &Stat) -> u64 {
    if stat.is_dir() { 8 } else { stat.size.div_ceil(4096) * 8 }
}

fn full(shown: &str, stat: &Stat, users: &Users) -> String {
    let when = time(stat);
    let mode = format!("{:04o}/{}{}", stat.mode, stat.letter, permissions(stat.mode));
    format!(
        "  File: {shown}\n  Size: {:<10}\tBlocks: {:<10} IO Block: 4096   {}\nDevice: 254,1\tInode: {:<11} Links: {}\nAccess: ({mode})  Uid: ({:5}/{:>8})   Gid: ({:5}/{:>8})\nAccess: {when}\nModify: {when}\nChange: {when}\n Birth: {when}\n",
        stat.size,
        blocks(stat),
        kind(stat),
        stat.ino,
        stat.links,
        stat.uid,
        users.user_name(stat.uid),
        stat.gid,
        users.group_name(stat.gid),
    )
}

fn expand(format: &str, name: &str, shown: &str, stat: &Stat, users: &Users) -> String {
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            }
            continue;
        }
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => text.push_str(&format!("{:o}", stat.mode)),
            Some('A') => text.push_str(&format!("{}{}", stat.letter, permissions(stat.mode))),
            Some('n') => text.push_str(name),
            Some('N') => text.push_str(&format!("'{shown}'")),
            Some('s') => text.push_str(&stat.size.to_string()),
            Some('b') => text.push_str(&blocks(stat).to_string()),
            Some('u') => text.push_str(&stat.uid.to_string()),
            Some('U') => text.push_str(&users.user_name(stat.uid)),
            Some('g') => text.push_str(&stat.gid.to_string()),
            Some('G') => text.push_str(&users.group_name(stat.gid)),
            Some('i') => text.push_str(&stat.ino.to_string()),
            Some('h') => text.push_str(&stat.links.to_string()),
            Some('F') => text.push_str(kind(stat)),
            Some('x' | 'y' | 'z' | 'w') => text.push_str(&time(stat)),
            Some('X' | 'Y' | 'Z' | 'W') => text.push_str(&stat.mtime.as_second().to_string()),
            Some('%') | None => text.push('%'),
            Some(_) => text.push('?'),
        }
    }
    text
}
