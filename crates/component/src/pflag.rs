//! Command lines of Kubernetes' programs, read as spf13/pflag reads them. Which flags a program has is data: a table.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::IntErrorKind;
use std::str::FromStr;
use std::time::Duration;

use values::duration::parse_go;

/// A program's flags, one `name kind [note]` a line. What a note means is the program's business.
#[derive(Clone, Copy, Debug)]
pub struct FlagTable(pub &'static str);

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Float,
    Duration,
    Ip,
    Text,
}

impl FlagTable {
    fn kind(self, name: &str) -> Option<Kind> {
        Some(match self.columns(name)?.0 {
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "float" => Kind::Float,
            "duration" => Kind::Duration,
            "ip" => Kind::Ip,
            // `string` and `list`: neither can be wrong in form.
            _ => Kind::Text,
        })
    }

    /// The word behind a flag's kind in the table.
    pub fn note(self, name: &str) -> Option<&'static str> {
        self.columns(name)?.1
    }

    /// Whether a flag that is given again adds to what was given before.
    pub fn adds_up(self, name: &str) -> bool {
        self.columns(name).is_some_and(|(kind, _)| kind == "list")
    }

    fn columns(self, name: &str) -> Option<(&'static str, Option<&'static str>)> {
        self.0.lines().find_map(|line| {
            let mut words = line.split(' ');
            (words.next() == Some(name)).then(|| Some((words.next()?, words.next()))).flatten()
        })
    }
}

/// A command line that pflag refuses; `Display` is its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// No such flag.
    #[error("unknown flag: --{0}")]
    Unknown(String),
    /// No such one-letter flag.
    #[error("unknown shorthand flag: {letter:?} in -{word}")]
    UnknownShorthand {
        /// The letter.
        letter: char,
        /// The word that it stands in, from the letter on and without its dash.
        word: String,
    },
    /// Dashes without a name.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// The value is missing.
    #[error("flag needs an argument: --{0}")]
    NeedsArgument(String),
    /// The value of a one-letter flag is missing.
    #[error("flag needs an argument: {letter:?} in -{word}")]
    ShorthandNeedsArgument {
        /// The letter.
        letter: char,
        /// The word that it stands in, from the letter on and without its dash.
        word: String,
    },
    /// The value is not of the flag's kind.
    #[error("invalid argument {value:?} for {flag:?} flag: {reason}")]
    Invalid {
        /// The flag with its dashes; a shorthand comes first.
        flag: String,
        /// What was given.
        value: String,
        /// Go's words.
        reason: String,
    },
}

/// A command line, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    given: Vec<(String, String)>,
    /// Words that belong to no flag.
    pub positional: Vec<String>,
}

impl Flags {
    /// Reads the arguments behind the program's name.
    pub fn parse(table: FlagTable, arguments: &[String]) -> Result<Self, FlagError> {
        let mut flags = Self::default();
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                flags.positional.extend(rest.cloned());
                break;
            }
            match (word.strip_prefix("--"), word.strip_prefix('-')) {
                (Some(long), _) => flags.long(table, word, long, &mut rest)?,
                (None, Some(letters)) if !letters.is_empty() => flags.short(table, letters, &mut rest)?,
                _ => flags.positional.push(word.clone()),
            }
        }
        Ok(flags)
    }

    fn long<'a>(&mut self, table: FlagTable, word: &str, long: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), FlagError> {
        let (given, inline) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        if given.is_empty() || given.starts_with('-') {
            return Err(FlagError::Syntax(word.to_owned()));
        }
        // component-base, `cli/flag.WordSepNormalizeFunc`.
        let name = given.replace('_', "-");
        let kind = table.kind(&name).ok_or_else(|| FlagError::Unknown(given.to_owned()))?;
        let value = match inline {
            Some(value) => value,
            None if kind == Kind::Bool => "true".to_owned(),
            None => rest.next().cloned().ok_or_else(|| FlagError::NeedsArgument(given.to_owned()))?,
        };
        self.set(name, kind, value)
    }

    /// `-v4`, `-v=4`, `-v 4`, `-hv=4`.
    fn short<'a>(&mut self, table: FlagTable, letters: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), FlagError> {
        let mut word = letters;
        while let Some(letter) = word.chars().next() {
            let behind = &word[letter.len_utf8()..];
            // Kubernetes' servers have two shorthands: cobra's for `--help`, and component-base's `VarP(…, "v", "v", …)`.
            let name = match letter {
                'h' => "help",
                'v' => "v",
                _ => "",
            };
            let kind = table.kind(name).ok_or_else(|| FlagError::UnknownShorthand { letter, word: word.to_owned() })?;
            if let Some(value) = behind.strip_prefix('=').filter(|value| !value.is_empty()) {
                return self.set(name.to_owned(), kind, value.to_owned());
            }
            if kind == Kind::Bool {
                self.set(name.to_owned(), kind, "true".to_owned())?;
                word = behind;
                continue;
            }
            let value = match behind {
                "" => rest.next().cloned().ok_or_else(|| FlagError::ShorthandNeedsArgument { letter, word: word.to_owned() })?,
                behind => behind.to_owned(),
            };
            return self.set(name.to_owned(), kind, value);
        }
        Ok(())
    }

    fn set(&mut self, name: String, kind: Kind, value: String) -> Result<(), FlagError> {
        check(kind, &value).map_err(|reason| {
            let flag = match name.as_str() {
                "help" => "-h, --help".to_owned(),
                "v" => "-v, --v".to_owned(),
                name => format!("--{name}"),
            };
            FlagError::Invalid { flag, value: value.clone(), reason }
        })?;
        self.given.push((name, value));
        Ok(())
    }

    /// Every flag with its value, in the order in which they stood.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a flag; the last of several wins.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The value of a flag, unless it is empty or there is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A switch.
    pub fn switch(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(parse_bool).unwrap_or(default)
    }

    /// A number.
    pub fn number<N: FromStr>(&self, name: &str, default: N) -> N {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// A duration.
    pub fn duration(&self, name: &str, default: Duration) -> Duration {
        self.get(name).and_then(|value| parse_go(value).ok()).unwrap_or(default)
    }

    /// The values of a flag that adds up, split at commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.given.iter().filter(|(given, _)| given == name).flat_map(|(_, value)| value.split(','));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Checks that nothing but flags was given, as the servers' cobra commands do (`Args` of `NewAPIServerCommand` and its kin).
    pub fn no_arguments(&self, command: &str) -> Result<(), String> {
        if self.positional.iter().all(String::is_empty) {
            return Ok(());
        }
        // Go's `%q` of a slice has no commas.
        let all: Vec<String> = self.positional.iter().map(|word| format!("{word:?}")).collect();
        Err(format!("{command:?} does not take any arguments, got [{}]", all.join(" ")))
    }
}

/// Go's `strconv.ParseBool`.
pub fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn check(kind: Kind, value: &str) -> Result<(), String> {
    let because = |function: &str, why: &str| Err(format!("strconv.{function}: parsing {value:?}: {why}"));
    match kind {
        Kind::Bool if parse_bool(value).is_none() => because("ParseBool", "invalid syntax"),
        Kind::Int => match value.parse::<i64>().map_err(|error| *error.kind()) {
            Ok(_) => Ok(()),
            Err(IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => because("ParseInt", "value out of range"),
            Err(_) => because("ParseInt", "invalid syntax"),
        },
        Kind::Float if value.parse::<f64>().is_err() => because("ParseFloat", "invalid syntax"),
        Kind::Duration => parse_go(value).map(|_| ()),
        Kind::Ip if !value.is_empty() && value.trim().parse::<IpAddr>().is_err() => Err(format!("failed to parse IP: {value:?}")),
        _ => Ok(()),
    }
}

/// The values of flags by name; those of a flag that adds up are joined by commas.
pub fn joined(table: FlagTable, flags: &Flags) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in flags.given() {
        all.entry(name.to_owned())
            .and_modify(|old| if table.adds_up(name) { *old = format!("{old},{value}") } else { value.clone_into(old) })
            .or_insert_with(|| value.to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{FlagTable, Flags, joined};

    const TABLE: FlagTable = FlagTable(
        "advertise-address ip\nhelp bool\nlabels list nodeLabels\nport int\nprofiling bool\nrate float\nsync-period duration\nv int\nname string",
    );

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(TABLE, &line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_are_read_as_pflag_reads_them() {
        let flags =
            parse("--port 6444 --profiling --name=a --name=b --labels=x=1,y=2 --labels z=3 --sync_period=1m -v2 --advertise-address=")
                .expect("valid");
        assert_eq!((flags.number("port", 0), flags.switch("profiling", false), flags.get("name")), (6444, true, Some("b")));
        assert_eq!(flags.list("labels"), ["x=1", "y=2", "z=3"]);
        assert_eq!((flags.duration("sync-period", std::time::Duration::ZERO).as_secs(), flags.number("v", 0)), (60, 2));
        assert_eq!(flags.text("advertise-address"), None);
        assert_eq!(joined(TABLE, &flags)["labels"], "x=1,y=2,z=3");
        assert_eq!((TABLE.note("labels"), TABLE.note("port"), TABLE.note("none")), (Some("nodeLabels"), None, None));
        for line in ["-v 4", "-v=4", "-v4", "-hv4", "--v=4"] {
            assert_eq!(parse(line).expect(line).number("v", 0), 4, "{line}");
        }
        assert_eq!(parse("a --port=1 -- --profiling").expect("valid").positional, ["a", "--profiling"]);
    }

    #[test]
    fn refusals_are_in_pflags_words() {
        for (line, error) in [
            ("--frob=1", "unknown flag: --frob"),
            ("--bad_name", "unknown flag: --bad_name"),
            ("--=1", "bad flag syntax: --=1"),
            ("-zv", "unknown shorthand flag: 'z' in -zv"),
            ("-hz", "unknown shorthand flag: 'z' in -z"),
            ("--port", "flag needs an argument: --port"),
            ("-v", "flag needs an argument: 'v' in -v"),
            ("-vx", r#"invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid syntax"#),
            ("--profiling=maybe", r#"invalid argument "maybe" for "--profiling" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#),
            (
                "--port=99999999999999999999",
                r#"invalid argument "99999999999999999999" for "--port" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
            ),
            ("--rate=x", r#"invalid argument "x" for "--rate" flag: strconv.ParseFloat: parsing "x": invalid syntax"#),
            ("--sync-period=2x", r#"invalid argument "2x" for "--sync-period" flag: time: unknown unit "x" in duration "2x""#),
            ("--advertise-address=1.2.3", r#"invalid argument "1.2.3" for "--advertise-address" flag: failed to parse IP: "1.2.3""#),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn words_that_are_no_flags_are_refused_by_the_command() {
        assert_eq!(parse("--port=1").expect("valid").no_arguments("kube-apiserver"), Ok(()));
        assert_eq!(
            parse("serve now").expect("valid").no_arguments("kube-scheduler"),
            Err(r#""kube-scheduler" does not take any arguments, got ["serve" "now"]"#.to_owned())
        );
    }
}
