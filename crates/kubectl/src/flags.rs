//! Flags as spf13/pflag parses them: `-n x`, `-nx`, `--namespace=x`, combined shorts, flags after arguments, `--`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::Error;

/// What a flag's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `--x`, `--x=false`.
    Bool,
    /// Any text.
    Text,
    /// Comma-separated, and may be repeated (pflag's `StringSlice`).
    List,
    /// May be repeated; commas are part of the value (pflag's `StringArray`).
    Array,
    /// A whole number.
    Int,
    /// A Go duration.
    Duration,
    /// Text that may be left out: `--dry-run`, `--cascade`; this stands in for it then.
    Optional(&'static str),
}

/// One flag of a command.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Long name.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// Value when it is not given, as text.
    pub default: &'static str,
    /// For `--help`.
    pub help: &'static str,
}

/// A flag without a one-letter form.
pub const fn flag(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, kind, default, help }
}

/// A flag with a one-letter form.
pub const fn short(name: &'static str, short: char, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag { name, short: Some(short), kind, default, help }
}

/// The parsed command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: BTreeMap<&'static str, Vec<String>>,
    defaults: BTreeMap<&'static str, &'static str>,
    /// What is not a flag.
    pub args: Vec<String>,
    /// How many of `args` stood before `--`.
    pub dash: Option<usize>,
}

/// Parses the words after the command's name.
pub fn parse(words: &[String], known: &[&[Flag]]) -> Result<Flags, Error> {
    let mut parsed = Flags::default();
    for flag in known.iter().copied().flatten() {
        parsed.defaults.entry(flag.name).or_insert(flag.default);
    }
    let long = |name: &str| known.iter().copied().flatten().find(|f| f.name == name);
    let by_short = |c: char| known.iter().copied().flatten().find(|f| f.short == Some(c));
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            parsed.dash = Some(parsed.args.len());
            parsed.args.extend(words.by_ref().cloned());
        } else if let Some(body) = word.strip_prefix("--") {
            let (name, value) = match body.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (body, None),
            };
            if name.is_empty() || name.starts_with('-') || name.starts_with('=') {
                return Err(Error::message(format!("bad flag syntax: {word}")));
            }
            let flag = long(name).ok_or_else(|| Error::message(format!("unknown flag: --{name}")))?;
            let value = match (value, flag.kind) {
                (Some(value), _) => value,
                (None, Kind::Bool) => "true".to_owned(),
                (None, Kind::Optional(value)) => value.to_owned(),
                (None, _) => words.next().cloned().ok_or_else(|| Error::message(format!("flag needs an argument: --{name}")))?,
            };
            parsed.set(flag, value)?;
        } else if word.len() > 1 && word.starts_with('-') {
            let letters: Vec<char> = word.chars().skip(1).collect();
            let mut at = 0;
            while let Some(&letter) = letters.get(at) {
                let flag = by_short(letter).ok_or_else(|| {
                    let rest: String = letters[at..].iter().collect();
                    Error::message(format!("unknown shorthand flag: '{letter}' in -{rest}"))
                })?;
                let rest: String = letters[at + 1..].iter().collect();
                at += 1;
                let value = match (rest.strip_prefix('='), flag.kind) {
                    (Some(value), _) => {
                        at = letters.len();
                        value.to_owned()
                    }
                    (None, Kind::Bool) => "true".to_owned(),
                    (None, Kind::Optional(value)) => value.to_owned(),
                    (None, _) if !rest.is_empty() => {
                        at = letters.len();
                        rest
                    }
                    (None, _) => words.next().cloned().ok_or_else(|| {
                        let all: String = letters[at - 1..].iter().collect();
                        Error::message(format!("flag needs an argument: '{letter}' in -{all}"))
                    })?,
                };
                parsed.set(flag, value)?;
            }
        } else {
            parsed.args.push(word.clone());
        }
    }
    Ok(parsed)
}

impl Flags {
    fn set(&mut self, flag: &Flag, value: String) -> Result<(), Error> {
        let bad = |function: &str, why: &str| {
            let shown = match flag.short {
                Some(c) => format!("-{c}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            let parser = if function.is_empty() { String::new() } else { format!("{function}: parsing {value:?}: ") };
            Error::message(format!("invalid argument {value:?} for {shown:?} flag: {parser}{why}"))
        };
        let slot = self.values.entry(flag.name).or_default();
        match flag.kind {
            Kind::Bool => match value.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => *slot = vec!["true".to_owned()],
                "0" | "f" | "F" | "false" | "FALSE" | "False" => *slot = vec!["false".to_owned()],
                _ => return Err(bad("strconv.ParseBool", "invalid syntax")),
            },
            Kind::Int => match value.parse::<i64>() {
                Ok(_) => *slot = vec![value],
                Err(_) => return Err(bad("strconv.ParseInt", "invalid syntax")),
            },
            Kind::Duration => match values::duration::parse_go(&value) {
                Ok(_) => *slot = vec![value],
                Err(_) => return Err(bad("", &format!("time: invalid duration {value:?}"))),
            },
            Kind::List => slot.extend(split_list(&value)),
            Kind::Array => slot.push(value),
            Kind::Text | Kind::Optional(_) => *slot = vec![value],
        }
        Ok(())
    }

    /// Whether the flag was given.
    pub fn changed(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The flag's text, or its default.
    pub fn text(&self, name: &str) -> &str {
        match self.values.get(name).and_then(|v| v.last()) {
            Some(value) => value,
            None => self.defaults.get(name).copied().unwrap_or_default(),
        }
    }

    /// The flag's text if it was given and is not empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|v| v.last()).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A boolean.
    pub fn on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// A whole number; zero when unset without default.
    pub fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// A duration; zero when unset without default.
    pub fn duration(&self, name: &str) -> Duration {
        match values::duration::parse_go(self.text(name)) {
            Ok(d) => d,
            Err(_) => Duration::ZERO,
        }
    }

    /// All values of a repeatable flag.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(values) => values.clone(),
            None => self.defaults.get(name).filter(|d| !d.is_empty()).map(|d| split_list(d)).unwrap_or_default(),
        }
    }
}

/// pflag reads a slice as one line of CSV, so quotes keep commas.
fn split_list(text: &str) -> Vec<String> {
    let (mut out, mut current, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' if quoted || current.is_empty() => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut current)),
            _ => current.push(c),
        }
    }
    if !(text.is_empty() && out.is_empty()) {
        out.push(current);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Flag] = &[
        short("namespace", 'n', Kind::Text, "", ""),
        short("output", 'o', Kind::Text, "", ""),
        short("stdin", 'i', Kind::Bool, "false", ""),
        short("tty", 't', Kind::Bool, "false", ""),
        short("filename", 'f', Kind::List, "", ""),
        flag("dry-run", Kind::Optional("unchanged"), "none", ""),
        flag("from-literal", Kind::Array, "", ""),
        flag("tail", Kind::Int, "-1", ""),
    ];

    fn parsed(line: &str) -> Result<Flags, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&words, &[KNOWN]).map_err(|e| e.to_string())
    }

    #[test]
    fn forms() {
        for line in ["-n x", "-nx", "-n=x", "--namespace=x", "--namespace x", "-itn x", "-itnx"] {
            assert_eq!(parsed(line).unwrap().text("namespace"), "x", "{line}");
        }
        let flags = parsed("pod -it -o yaml -f a,b -f c --from-literal=x=1,2 --dry-run web -- ls -n y").unwrap();
        assert_eq!(flags.args, ["pod", "web", "ls", "-n", "y"]);
        assert_eq!(flags.dash, Some(2));
        assert!(flags.on("stdin") && flags.on("tty"));
        assert_eq!(flags.list("filename"), ["a", "b", "c"]);
        assert_eq!(flags.list("from-literal"), ["x=1,2"]);
        assert_eq!((flags.text("dry-run"), flags.int("tail"), flags.changed("namespace")), ("unchanged", -1, false));
    }

    #[test]
    fn errors() {
        for (line, want) in [
            ("--foo", "unknown flag: --foo"),
            ("-iz", "unknown shorthand flag: 'z' in -z"),
            ("--namespace", "flag needs an argument: --namespace"),
            ("-n", "flag needs an argument: 'n' in -n"),
            ("-i=x", "invalid argument \"x\" for \"-i, --stdin\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"),
            ("--tail=x", "invalid argument \"x\" for \"--tail\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), want);
        }
    }
}
