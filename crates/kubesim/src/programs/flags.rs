//! Command lines of Go programs (spf13/pflag): the known flags with their types as data, errors in pflag's words.

use std::collections::BTreeMap;

/// A program's flags, one `name type` a line; types are `bool`, `int`, `float`, `duration`, `ip` and `string`.
pub struct FlagTable(pub &'static str);

/// kube-apiserver 1.35's.
pub const KUBE_APISERVER: FlagTable = FlagTable(include_str!("../../flags/kube-apiserver.txt"));
/// etcd 3.6's.
pub const ETCD: FlagTable = FlagTable(include_str!("../../flags/etcd.txt"));

/// Flags as given; the last of several wins, and all are kept for those that add up.
#[derive(Debug, Default)]
pub struct Flags(BTreeMap<String, Vec<String>>);

impl Flags {
    /// Reads the arguments behind the program's name. Errors are what the program prints behind `Error: `.
    pub fn parse(table: &FlagTable, arguments: &[String]) -> Result<Self, String> {
        let types: BTreeMap<&str, &str> = table.0.lines().filter_map(|line| line.split_once(' ')).collect();
        let mut flags = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(flag) = argument.strip_prefix("--") else {
                return Err(match argument.strip_prefix('-').and_then(|short| short.chars().next()) {
                    Some(first) => format!("unknown shorthand flag: '{first}' in {argument}"),
                    None => format!("unknown command {argument:?}"),
                });
            };
            let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
            let kind = types.get(name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match value {
                Some(value) => value,
                None if *kind == "bool" => "true".to_owned(),
                None => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            check(kind, &value).map_err(|reason| format!("invalid argument {value:?} for \"--{name}\" flag: {reason}"))?;
            flags.0.entry(name.to_owned()).or_default().push(value);
        }
        Ok(flags)
    }

    /// The value given last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// The value given last, unless it is empty or there is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A switch.
    pub fn switch(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| parse_bool(value).unwrap_or(default))
    }

    /// A number.
    pub fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> T {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// All values, commas split.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.0.get(name).into_iter().flatten();
        values.flat_map(|value| value.split(',')).filter(|v| !v.is_empty()).map(str::to_owned).collect()
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn check(kind: &str, value: &str) -> Result<(), String> {
    let syntax = |function: &str| Err(format!("strconv.{function}: parsing {value:?}: invalid syntax"));
    match kind {
        "bool" if parse_bool(value).is_none() => syntax("ParseBool"),
        "int" if value.parse::<i64>().is_err() => syntax("ParseInt"),
        "float" if value.parse::<f64>().is_err() => syntax("ParseFloat"),
        "duration" => values::duration::parse_go(value).map(|_| ()),
        "ip" if value.parse::<std::net::IpAddr>().is_err() => Err(format!("failed to parse IP: {value:?}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ETCD, Flags, KUBE_APISERVER};

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_are_read_as_pflag_reads_them() {
        let flags =
            Flags::parse(&KUBE_APISERVER, &args("--secure-port 6444 --allow-privileged --authorization-mode=Node,RBAC")).expect("valid");
        assert_eq!((flags.number("secure-port", 0), flags.switch("allow-privileged", false)), (6444, true));
        assert_eq!(flags.list("authorization-mode"), ["Node", "RBAC"]);
        assert!(Flags::parse(&ETCD, &args("--data-dir=/var/lib/etcd --client-cert-auth=true")).is_ok());
    }

    #[test]
    fn refusals_are_in_pflags_words() {
        for (line, error) in [
            ("--frob=1", "unknown flag: --frob"),
            (
                "--allow-privileged=yes-please",
                r#"invalid argument "yes-please" for "--allow-privileged" flag: strconv.ParseBool: parsing "yes-please": invalid syntax"#,
            ),
            ("--secure-port=x", r#"invalid argument "x" for "--secure-port" flag: strconv.ParseInt: parsing "x": invalid syntax"#),
            ("--etcd-servers", "flag needs an argument: --etcd-servers"),
            ("-z", "unknown shorthand flag: 'z' in -z"),
        ] {
            assert_eq!(Flags::parse(&KUBE_APISERVER, &args(line)).expect_err(line), error);
        }
        assert!(Flags::parse(&ETCD, &args("--etcd-servers=x")).is_err());
    }
}
