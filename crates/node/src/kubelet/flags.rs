//! The kubelet's command line (`cmd/kubelet/app/options`): its own flags, and those that stand for settings of the file.

use std::collections::BTreeMap;

use component::pflag::{self, FlagTable, joined, parse_bool};
use serde::{Deserialize, Serialize};

/// A note is the path in the configuration file of what the flag sets; such flags are deprecated for the file.
const TABLE: FlagTable = FlagTable(include_str!("../../flags/kubelet.txt"));

/// A command line that the kubelet refuses; `Display` is its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// pflag refuses it.
    #[error("failed to parse kubelet flag: {0}")]
    Flag(#[from] pflag::FlagError),
    /// A word that belongs to no flag.
    #[error("unknown command {0}")]
    Command(String),
}

/// A parsed command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// Flags of their own, by name.
    pub values: BTreeMap<String, String>,
    /// Settings of the configuration file, by their path in it.
    pub overrides: BTreeMap<String, String>,
    /// Deprecated flags in the order in which they stood.
    pub deprecated: Vec<String>,
}

impl Flags {
    /// Reads the arguments after the command's name.
    pub fn parse(arguments: &[String]) -> Result<Self, FlagError> {
        let given = pflag::Flags::parse(TABLE, arguments)?;
        if let Some(word) = given.positional.first() {
            return Err(FlagError::Command(word.clone()));
        }
        let deprecated = given.given().filter(|(name, _)| TABLE.note(name).is_some()).map(|(name, _)| name.to_owned()).collect();
        let mut flags = Self { deprecated, ..Self::default() };
        for (name, value) in joined(TABLE, &given) {
            match TABLE.note(&name) {
                Some(path) => flags.overrides.insert(path.to_owned(), value),
                None => flags.values.insert(name, value),
            };
        }
        Ok(flags)
    }

    /// Value of a flag; empty if it was not given.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether a boolean flag is set.
    pub fn is_set(&self, name: &str) -> bool {
        parse_bool(self.get(name)).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_usual_command_line_is_understood() {
        let flags = parse(
            "--bootstrap-kubeconfig=/b --kubeconfig=/k --config /c --container-runtime-endpoint=unix:///x --node_ip=1.2.3.4 --v=2 --node-labels=a=b --node-labels=c=d",
        )
        .expect("valid");
        assert_eq!((flags.get("config"), flags.get("node-ip"), flags.get("node-labels")), ("/c", "1.2.3.4", "a=b,c=d"));
        assert_eq!(flags.overrides["containerRuntimeEndpoint"], "unix:///x");
        assert_eq!(flags.deprecated, ["container-runtime-endpoint"]);
    }

    #[test]
    fn mistakes_get_pflags_words() {
        for (line, expected) in [
            ("--network-plugin=cni", "failed to parse kubelet flag: unknown flag: --network-plugin"),
            ("--pod-infra-container-image=x", "failed to parse kubelet flag: unknown flag: --pod-infra-container-image"),
            ("-x", "failed to parse kubelet flag: unknown shorthand flag: 'x' in -x"),
            ("--config", "failed to parse kubelet flag: flag needs an argument: --config"),
            (
                "--max-pods=many",
                "failed to parse kubelet flag: invalid argument \"many\" for \"--max-pods\" flag: strconv.ParseInt: parsing \"many\": invalid syntax",
            ),
            ("start", "unknown command start"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line}");
        }
    }
}
