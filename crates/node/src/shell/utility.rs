//! Text and file utilities that bashkit brings: they are programs in the trees like all others, so a container without them does
//! not have them.

use bashkit::ExecOptions;

use super::session::Session;
use crate::machine::{ExitStatus, ProcessContext};

/// Names of bashkit's utilities that Debian's base system (or busybox) has.
pub(crate) const UTILITIES: &[&str] = &[
    "[",
    "awk",
    "base32",
    "base64",
    "basename",
    "bc",
    "cmp",
    "column",
    "comm",
    "cp",
    "csplit",
    "cut",
    "diff",
    "dirname",
    "egrep",
    "env",
    "envsubst",
    "expand",
    "expr",
    "factor",
    "fgrep",
    "find",
    "fold",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hexdump",
    "iconv",
    "install",
    "join",
    "jq",
    "ln",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nl",
    "nproc",
    "numfmt",
    "od",
    "paste",
    "patch",
    "printenv",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rev",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shuf",
    "sort",
    "split",
    "strings",
    "sum",
    "tac",
    "tar",
    "test",
    "touch",
    "tr",
    "truncate",
    "tsort",
    "uniq",
    "wc",
    "which",
    "xargs",
    "xxd",
    "yes",
    "zcat",
    "echo",
    "true",
    "false",
    "dd",
    "unexpand",
    "logname",
];

/// Runs a utility without a shell, as `kubectl exec pod -- grep …` does.
pub(crate) async fn run_utility(context: ProcessContext) -> ExitStatus {
    let mut argv = context.argv.clone();
    if argv.is_empty() {
        return ExitStatus::Code(127);
    }
    let name = argv.remove(0);
    let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
    if name == "tar" {
        without_touch(&mut argv);
    }
    let stdin = if reads_stdin(&name, &argv) { context.stdin.read_to_end().await } else { Vec::new() };
    let mut session = match Session::new(&context, false) {
        Ok(session) => session,
        Err(error) => {
            let _ = context.stderr.line(format!("{name}: {error}")).await;
            return ExitStatus::Code(126);
        }
    };
    session.run(&format!("{name} \"$@\""), ExecOptions::new().positional(argv).stdin(stdin), &context.stdout, &context.stderr).await
}

/// Takes `m` from tar's letters, as `kubectl cp` gives it (`-xmf -`): bashkit's tar does not know it, and does no other than it says,
/// files get the time of their extraction.
fn without_touch(argv: &mut [String]) {
    for (at, arg) in argv.iter_mut().enumerate() {
        let letters = arg.starts_with('-') && !arg.starts_with("--") || at == 0;
        if letters && arg.contains('x') && arg.trim_start_matches('-').bytes().all(|b| b.is_ascii_alphabetic()) {
            arg.retain(|letter| letter != 'm');
        }
    }
}

/// Commands that only read standard input when no file is named need not wait for one that never ends.
pub(super) fn reads_stdin(name: &str, args: &[String]) -> bool {
    let with_value = match name {
        "head" | "tail" => "nc",
        "cut" => "bcdf",
        "sort" => "kto",
        "uniq" => "fsw",
        "grep" | "egrep" | "fgrep" => "efmABC",
        "sed" => "ef",
        "awk" => "fFv",
        _ => "",
    };
    let (mut files, mut named, mut rest) = (0, 2, args.iter());
    // The pattern or program, where it is an operand.
    let mut program = None;
    while let Some(arg) = rest.next() {
        match arg.strip_prefix('-') {
            Some("-") => {
                files += rest.by_ref().count();
            }
            Some("-help" | "-version") => return false,
            Some(letter) if letter.len() == 1 && with_value.contains(letter) => {
                rest.next();
                // The pattern or program is given: the first operand is a file.
                if matches!(name, "grep" | "egrep" | "fgrep" | "sed" | "awk") && matches!(letter, "e" | "f") {
                    named = 1;
                }
            }
            Some(flags) if !flags.is_empty() && without_input(name, flags) => return false,
            Some(_) => {}
            None => {
                program = program.or(Some(arg));
                files += 1;
            }
        }
    }
    let dash = args.iter().any(|arg| arg == "-");
    match name {
        // A program that is done before the first line.
        "awk" if program.is_some_and(|program| program.trim_start().starts_with("BEGIN") && program.matches('{').count() == 1) => false,
        "grep" | "egrep" | "fgrep" | "sed" | "awk" | "jq" | "patch" => files < named || dash,
        "wc" | "sort" | "head" | "cut" | "uniq" | "tac" | "rev" | "base64" | "md5sum" | "sha256sum" | "sha1sum" | "sha512sum" | "od"
        | "xxd" | "hexdump" | "nl" | "fold" | "paste" | "column" | "gzip" | "gunzip" | "zcat" | "expand" | "unexpand" | "strings" => {
            files == 0 || dash
        }
        "tr" | "xargs" | "bc" | "envsubst" => true,
        "tar" => dash,
        _ => false,
    }
}

/// Flags with which a command reads no input: `grep -r` looks through the working directory, `jq -n` needs none, `patch -i` names it.
fn without_input(name: &str, flags: &str) -> bool {
    match name {
        "grep" | "egrep" | "fgrep" => flags == "-recursive" || (!flags.starts_with('-') && flags.contains(['r', 'R'])),
        "jq" => flags == "-null-input" || (!flags.starts_with('-') && flags.contains('n')),
        "patch" => flags.starts_with('i') || flags.starts_with("-input"),
        _ => false,
    }
}
