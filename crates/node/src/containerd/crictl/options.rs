//! crictl's command line.

use std::collections::BTreeMap;

/// Flags that take no value, of all commands.
const SWITCHES: &[&str] = &[
    "a",
    "all",
    "q",
    "quiet",
    "h",
    "help",
    "f",
    "follow",
    "force",
    "latest",
    "l",
    "last",
    "no-trunc",
    "v",
    "verbose",
    "prune",
    "i",
    "interactive",
    "t",
    "tty",
    "s",
    "sync",
    "digests",
    "p",
    "previous",
    "D",
    "debug",
    "version",
    "timestamps",
    "r",
];
/// Short names. `p` is `--pod` for `ps`, `-t` of `stop` is its timeout.
const SHORT: &[(&str, &str)] = &[
    ("a", "all"),
    ("q", "quiet"),
    ("h", "help"),
    ("l", "latest"),
    ("v", "version"),
    ("i", "interactive"),
    ("D", "debug"),
    ("c", "config"),
    ("o", "output"),
];

/// A parsed command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) command: String,
    globals: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    pub(super) arguments: Vec<String>,
}

impl Options {
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            // After the container of `exec`, all belongs to the command.
            if word == "--" || !word.starts_with('-') || word == "-" || options.command == "exec" && !options.arguments.is_empty() {
                if options.command.is_empty() {
                    options.command.clone_from(word);
                } else if word != "--" {
                    options.arguments.push(word.clone());
                    if options.command == "exec" {
                        options.arguments.extend(words.by_ref().cloned());
                    }
                }
                continue;
            }
            let bare = word.trim_start_matches('-');
            let (name, inline) = match bare.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (bare, None),
            };
            // Several one-letter switches in one word.
            if !word.starts_with("--")
                && name.len() > 1
                && inline.is_none()
                && name.chars().all(|c| matches!(c, 'i' | 't' | 'a' | 'q' | 'f'))
            {
                for letter in name.chars() {
                    let long = options.long(&letter.to_string());
                    options.values.insert(long, "true".to_owned());
                }
                continue;
            }
            let long = options.long(name);
            let global = options.command.is_empty();
            let known = [
                "runtime-endpoint",
                "image-endpoint",
                "timeout",
                "config",
                "all",
                "quiet",
                "name",
                "pod",
                "state",
                "label",
                "output",
                "image",
                "follow",
                "tail",
                "since",
                "previous",
                "timestamps",
                "force",
                "help",
                "version",
                "interactive",
                "tty",
                "sync",
                "no-trunc",
                "latest",
                "last",
                "namespace",
                "prune",
                "digests",
                "debug",
                "verbose",
                "id",
                "limit-bytes",
                "creds",
                "template",
            ];
            if !known.contains(&long.as_str()) {
                return Err(format!("flag provided but not defined: -{name}"));
            }
            let switch = SWITCHES.contains(&long.as_str()) && !matches!(long.as_str(), "last");
            let value = match inline {
                Some(value) => value,
                None if switch => "true".to_owned(),
                None => words.next().cloned().ok_or_else(|| format!("flag needs an argument: -{name}"))?,
            };
            let map = if global { &mut options.globals } else { &mut options.values };
            map.insert(long, value);
        }
        Ok(options)
    }

    fn long(&self, name: &str) -> String {
        match (self.command.as_str(), name) {
            ("", "r") => "runtime-endpoint",
            ("", "i") => "image-endpoint",
            ("", "t") => "timeout",
            ("ps" | "pods", "p") => "pod",
            ("ps" | "pods", "s") => "state",
            ("stop", "t") => "timeout",
            ("exec", "t") => "tty",
            ("exec", "s") => "sync",
            ("logs", "p") => "previous",
            ("logs", "t") => "timestamps",
            (_, "f") if self.command == "logs" => "follow",
            (_, "f") => "force",
            (_, name) => SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long),
        }
        .to_owned()
    }

    pub(super) fn global(&self, name: &str) -> Option<String> {
        self.globals.get(name).cloned()
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.values.get(name).or_else(|| self.globals.get(name)).is_some_and(|value| value == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn flags_belong_to_their_command() {
        let parse = |line: &str| Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let options = parse("-r unix:///x ps -a --name web -q").expect("valid");
        assert_eq!((options.command.as_str(), options.global("runtime-endpoint").as_deref()), ("ps", Some("unix:///x")));
        assert!(options.flag("all") && options.flag("quiet"));
        let exec = parse("exec -it abc ls -l").expect("valid");
        assert_eq!(exec.arguments, ["abc", "ls", "-l"]);
        assert!(exec.flag("tty") && exec.flag("interactive"));
        assert_eq!(parse("logs --tail 5 abc").expect("valid").value("tail"), Some("5"));
        assert_eq!(parse("ps --nosuch"), Err("flag provided but not defined: -nosuch".to_owned()));
    }
}
