//! Options as `getopt_long(3)` reads them.

use crate::machine::{ExitStatus, ProcessContext};

/// One option that a command knows.
pub(super) struct Spec {
    /// Letter, `\0` if none.
    pub(super) short: char,
    /// Long name, empty if none.
    pub(super) long: &'static str,
    /// Whether it takes a value.
    pub(super) value: bool,
}

/// `flag('l', "")`: an option without a value.
pub(super) const fn flag(short: char, long: &'static str) -> Spec {
    Spec { short, long, value: false }
}

/// An option with a value.
pub(super) const fn value(short: char, long: &'static str) -> Spec {
    Spec { short, long, value: true }
}

/// What was given, by the letter (or long name, where there is no letter).
#[derive(Debug, Default)]
pub(super) struct Options {
    given: Vec<(String, String)>,
    /// Everything that is no option.
    pub(super) rest: Vec<String>,
}

impl Options {
    /// Reads arguments; options may stand among the others, `--` ends them.
    pub(super) fn parse(args: &[String], specs: &[Spec]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                options.rest.extend(args.cloned());
                break;
            }
            if let Some(long) = arg.strip_prefix("--") {
                let (name, inline) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
                let matching: Vec<&Spec> = specs.iter().filter(|spec| spec.long == name).collect();
                let matching = if matching.is_empty() {
                    specs.iter().filter(|spec| !spec.long.is_empty() && spec.long.starts_with(name)).collect()
                } else {
                    matching
                };
                let [spec] = matching[..] else { return Err(format!("unrecognized option '{arg}'")) };
                let value = match (spec.value, inline) {
                    (true, Some(value)) => value,
                    (true, None) => args.next().cloned().ok_or_else(|| format!("option '--{}' requires an argument", spec.long))?,
                    (false, Some(_)) => return Err(format!("option '--{}' doesn't allow an argument", spec.long)),
                    (false, None) => String::new(),
                };
                options.given.push((spec.key(), value));
            } else if arg.len() > 1 && arg.starts_with('-') {
                for (at, letter) in arg[1..].char_indices() {
                    let spec = specs.iter().find(|spec| spec.short == letter).ok_or_else(|| format!("invalid option -- '{letter}'"))?;
                    if !spec.value {
                        options.given.push((spec.key(), String::new()));
                        continue;
                    }
                    let inline = &arg[1 + at + letter.len_utf8()..];
                    let value = if inline.is_empty() {
                        args.next().cloned().ok_or_else(|| format!("option requires an argument -- '{letter}'"))?
                    } else {
                        inline.to_owned()
                    };
                    options.given.push((spec.key(), value));
                    break;
                }
            } else {
                options.rest.push(arg.clone());
            }
        }
        Ok(options)
    }

    /// Reads a process's arguments; on an error the message is printed with a hint, and its exit code is `code`.
    pub(super) async fn of(context: &ProcessContext, specs: &[Spec], code: u8) -> Result<Self, ExitStatus> {
        match Self::parse(context.argv.get(1..).unwrap_or_default(), specs) {
            Ok(options) => Ok(options),
            Err(message) => {
                let name = name(context);
                let _ = context.stderr.line(format!("{name}: {message}\nTry '{name} --help' for more information.")).await;
                Err(ExitStatus::Code(code))
            }
        }
    }

    /// Whether an option was given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.given.iter().any(|(name, _)| name == key)
    }

    /// The last value given to an option.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.given.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values given to an option.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl Spec {
    fn key(&self) -> String {
        if self.short == '\0' { self.long.to_owned() } else { self.short.to_string() }
    }
}

/// Name that a program was called by.
pub(super) fn name(context: &ProcessContext) -> &str {
    context.argv.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::{Options, flag, value};

    #[test]
    fn options_stand_anywhere_and_short_ones_together() {
        let specs = [flag('l', ""), flag('a', "all"), value('n', "lines"), value('\0', "since")];
        let args: Vec<String> = ["x", "-la", "-n5", "--since=now", "y", "--", "-l"].map(str::to_owned).into();
        let options = Options::parse(&args, &specs).expect("known options");
        assert_eq!(options.rest, ["x", "y", "-l"]);
        assert!(options.has("l") && options.has("a"));
        assert_eq!((options.get("n"), options.get("since")), (Some("5"), Some("now")));
        for (arg, want) in
            [("-z", "invalid option -- 'z'"), ("--zz", "unrecognized option '--zz'"), ("-n", "option requires an argument -- 'n'")]
        {
            assert_eq!(Options::parse(&[arg.to_owned()], &specs).expect_err("refused"), want);
        }
    }
}
