//! `chmod`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    // A mode such as `-w` looks like options.
    let mut args: Vec<String> = context.argv.iter().skip(1).cloned().collect();
    let mode_at =
        args.iter().position(|arg| !arg.starts_with('-') || arg[1..].starts_with(['r', 'w', 'x']) && arg.len() <= 4 && arg != "-R");
    let Some(mode) = mode_at.map(|at| args.remove(at)) else {
        let _ = context.stderr.line("chmod: missing operand\nTry 'chmod --help' for more information.").await;
        return ExitStatus::FAILURE;
    };
    let options = match Options::parse(&args, &[flag('R', "recursive"), flag('v', "verbose"), flag('f', "silent"), flag('c', "changes")]) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("chmod: {message}\nTry 'chmod --help' for more information.")).await;
            return ExitStatus::FAILURE;
        }
    };
    if options.rest.is_empty() {
        let _ = context.stderr.line(format!("chmod: missing operand after ‘{mode}’\nTry 'chmod --help' for more information.")).await;
        return ExitStatus::FAILURE;
    }
    if apply(&mode, 0, false).is_none() {
        let _ = context.stderr.line(format!("chmod: invalid mode: ‘{mode}’\nTry 'chmod --help' for more information.")).await;
        return ExitStatus::FAILURE;
    }
    let mut status = ExitStatus::SUCCESS;
    let mut waiting: Vec<(String, String)> = options.rest.iter().rev().map(|name| (name.clone(), context.path(name))).collect();
    while let Some((name, path)) = waiting.pop() {
        let changed = context.files.stat(&path).map_err(|errno| format!("chmod: cannot access '{name}': {errno}")).and_then(|stat| {
            let new = apply(&mode, stat.mode, stat.is_dir()).unwrap_or(stat.mode);
            context.files.set_mode(&path, new).map(|()| stat).map_err(|errno| format!("chmod: changing permissions of '{name}': {errno}"))
        });
        match changed {
            Ok(stat) if stat.is_dir() && options.has("R") => {
                for (entry, stat) in context.files.read_dir(&path).unwrap_or_default().into_iter().rev() {
                    if !stat.is_symlink() {
                        waiting.push((format!("{name}/{entry}"), format!("{path}/{entry}")));
                    }
                }
            }
            Ok(_) => {}
            Err(text) => {
                let _ = context.stderr.line(text).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}

/// A mode, octal or symbolic, applied to the present one.
fn apply(mode: &str, present: u32, directory: bool) -> Option<u32> {
    if let Ok(octal) = u32::from_str_radix(mode, 8) {
        return (octal <= 0o7777).then_some(octal);
    }
    let mut result = present;
    for clause in mode.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let mut mask = 0;
        for letter in who.chars() {
            mask |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        if who.is_empty() {
            mask = 0o7777;
        }
        let mut chars = rest.chars();
        let operator = chars.next()?;
        let mut bits = 0;
        for letter in chars {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || present & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                _ => return None,
            };
        }
        let bits = bits & mask;
        result = match operator {
            '+' => result | bits,
            '-' => result & !bits,
            _ => result & !(mask & 0o777) | bits,
        };
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn modes() {
        for (mode, present, want) in [
            ("600", 0o644, Some(0o600)),
            ("u+x", 0o644, Some(0o744)),
            ("go-r", 0o644, Some(0o600)),
            ("a=r", 0o755, Some(0o444)),
            ("+x", 0o644, Some(0o755)),
            ("u=rw,go=", 0o777, Some(0o600)),
            ("abc", 0, None),
            ("99", 0, None),
        ] {
            assert_eq!(apply(mode, present, false), want, "{mode}");
        }
    }
}
