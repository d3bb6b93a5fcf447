//! Flags of the two components, as their manifests give them. Errors are pflag's texts.

mod flags;

use std::collections::BTreeMap;
use std::time::Duration;

use values::duration::parse_go;

pub use flags::{Flag, Kind};

/// A command line that the component refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No such flag.
    #[error("unknown flag: --{0}")]
    UnknownFlag(String),
    /// No such short flag.
    #[error("unknown shorthand flag: {0:?} in {1}")]
    UnknownShorthand(char, String),
    /// The last flag lacks its value.
    #[error("flag needs an argument: --{0}")]
    NeedsArgument(String),
    /// A value of the wrong form.
    #[error("invalid argument {value:?} for \"--{flag}\" flag: {reason}")]
    Invalid {
        /// Flag.
        flag: String,
        /// What was given.
        value: String,
        /// Go's words.
        reason: String,
    },
    /// Something that is no flag.
    #[error("{command:?} does not take any arguments, got {arguments:?}")]
    Arguments {
        /// Component.
        command: &'static str,
        /// What was given.
        arguments: Vec<String>,
    },
}

/// How a leader is elected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderElection {
    /// `--leader-elect`.
    pub enabled: bool,
    /// `--leader-elect-lease-duration`.
    pub lease_duration: Duration,
    /// `--leader-elect-renew-deadline`.
    pub renew_deadline: Duration,
    /// `--leader-elect-retry-period`.
    pub retry_period: Duration,
    /// `--leader-elect-resource-namespace`.
    pub namespace: String,
    /// `--leader-elect-resource-name`.
    pub name: String,
}

/// kube-controller-manager's flags. Files are named here and read by whoever starts the component, except the signer's
/// key pair and the root CA, whose contents are put into the fields below.
#[derive(Clone, Debug)]
pub struct ControllerManagerOptions {
    /// Every flag that was given.
    pub given: BTreeMap<String, String>,
    /// Leader election.
    pub leader_election: LeaderElection,
    /// `--controllers`.
    pub controllers: Vec<String>,
    /// `--allocate-node-cidrs`.
    pub allocate_node_cidrs: bool,
    /// `--cluster-cidr`.
    pub cluster_cidr: String,
    /// `--node-cidr-mask-size`.
    pub node_cidr_mask_size: u8,
    /// `--node-monitor-period`.
    pub node_monitor_period: Duration,
    /// `--node-monitor-grace-period`.
    pub node_monitor_grace_period: Duration,
    /// `--node-startup-grace-period`.
    pub node_startup_grace_period: Duration,
    /// `--node-eviction-rate`.
    pub node_eviction_rate: f64,
    /// `--secondary-node-eviction-rate`.
    pub secondary_node_eviction_rate: f64,
    /// `--unhealthy-zone-threshold`.
    pub unhealthy_zone_threshold: f64,
    /// `--large-cluster-size-threshold`.
    pub large_cluster_size_threshold: usize,
    /// `--terminated-pod-gc-threshold`.
    pub terminated_pod_gc_threshold: usize,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub hpa_sync_period: Duration,
    /// `--cluster-signing-duration`.
    pub signing_duration: Duration,
    /// `--use-service-account-credentials`.
    pub service_account_credentials: bool,
    /// Contents of `--root-ca-file`, published as `kube-root-ca.crt`.
    pub root_ca_pem: Option<String>,
    /// Contents of `--cluster-signing-cert-file`.
    pub signing_cert_pem: Option<String>,
    /// Contents of `--cluster-signing-key-file`.
    pub signing_key_pem: Option<String>,
}

impl ControllerManagerOptions {
    /// Reads a command line without the program's name.
    pub fn parse(arguments: &[String]) -> Result<Self, OptionsError> {
        let given = Given::parse("kube-controller-manager", flags::CONTROLLER_MANAGER, arguments)?;
        Ok(Self {
            leader_election: given.leader_election("kube-controller-manager"),
            controllers: given.list("controllers", "*"),
            allocate_node_cidrs: given.boolean("allocate-node-cidrs", false),
            cluster_cidr: given.text("cluster-cidr", ""),
            node_cidr_mask_size: given.number("node-cidr-mask-size-ipv4", given.number("node-cidr-mask-size", 24)),
            node_monitor_period: given.duration("node-monitor-period", 5),
            node_monitor_grace_period: given.duration("node-monitor-grace-period", 50),
            node_startup_grace_period: given.duration("node-startup-grace-period", 60),
            node_eviction_rate: given.number("node-eviction-rate", 0.1),
            secondary_node_eviction_rate: given.number("secondary-node-eviction-rate", 0.01),
            unhealthy_zone_threshold: given.number("unhealthy-zone-threshold", 0.55),
            large_cluster_size_threshold: given.number("large-cluster-size-threshold", 50),
            terminated_pod_gc_threshold: given.number("terminated-pod-gc-threshold", 12_500),
            hpa_sync_period: given.duration("horizontal-pod-autoscaler-sync-period", 15),
            signing_duration: given.duration("cluster-signing-duration", 8760 * 3600),
            service_account_credentials: given.boolean("use-service-account-credentials", false),
            root_ca_pem: None,
            signing_cert_pem: None,
            signing_key_pem: None,
            given: given.values,
        })
    }

    /// A flag's value as given.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// Whether `--controllers` lets this controller run (`genericcontrollermanager.IsControllerEnabled`).
    pub fn enables(&self, controller: &str) -> bool {
        let mut star = false;
        for item in &self.controllers {
            if item == controller {
                return true;
            }
            if item.strip_prefix('-') == Some(controller) {
                return false;
            }
            star |= item == "*";
        }
        star
    }
}

/// kube-scheduler's flags.
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    /// Every flag that was given.
    pub given: BTreeMap<String, String>,
    /// Leader election.
    pub leader_election: LeaderElection,
    /// Name under which pods ask for this scheduler.
    pub scheduler_name: String,
}

impl SchedulerOptions {
    /// Reads a command line without the program's name.
    pub fn parse(arguments: &[String]) -> Result<Self, OptionsError> {
        let given = Given::parse("kube-scheduler", flags::SCHEDULER, arguments)?;
        Ok(Self {
            leader_election: given.leader_election("kube-scheduler"),
            scheduler_name: "default-scheduler".to_owned(),
            given: given.values,
        })
    }

    /// A flag's value as given.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }
}

/// Flags as given, each of a form that its kind allows.
struct Given {
    values: BTreeMap<String, String>,
}

impl Given {
    fn parse(command: &'static str, known: &[Flag], arguments: &[String]) -> Result<Self, OptionsError> {
        let mut values = BTreeMap::new();
        let mut positional = Vec::new();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(long) = argument.strip_prefix("--") else {
                match argument.strip_prefix('-').and_then(|s| s.chars().next()) {
                    Some('v') => {
                        let level = argument[2..].trim_start_matches('=');
                        let level = if level.is_empty() { rest.next().cloned().unwrap_or_default() } else { level.to_owned() };
                        values.insert("v".to_owned(), level);
                    }
                    Some(short) => return Err(OptionsError::UnknownShorthand(short, argument.clone())),
                    None => positional.push(argument.clone()),
                }
                continue;
            };
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            // pflag's normalisation: underscores count as dashes.
            let name = name.replace('_', "-");
            let flag = known.iter().find(|f| f.name == name).ok_or_else(|| OptionsError::UnknownFlag(name.clone()))?;
            let value = match (value, flag.kind) {
                (Some(value), _) => value,
                (None, Kind::Boolean) => "true".to_owned(),
                (None, _) => rest.next().cloned().ok_or_else(|| OptionsError::NeedsArgument(name.clone()))?,
            };
            flag.kind.check(&value).map_err(|reason| OptionsError::Invalid { flag: name.clone(), value: value.clone(), reason })?;
            values.insert(name, value);
        }
        if positional.is_empty() { Ok(Self { values }) } else { Err(OptionsError::Arguments { command, arguments: positional }) }
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.values.get(name).cloned().unwrap_or_else(|| default.to_owned())
    }

    fn list(&self, name: &str, default: &str) -> Vec<String> {
        self.text(name, default).split(',').map(str::to_owned).collect()
    }

    fn boolean(&self, name: &str, default: bool) -> bool {
        self.values.get(name).map_or(default, |v| matches!(v.as_str(), "true" | "1" | "t" | "T" | "TRUE" | "True"))
    }

    fn number<N: std::str::FromStr>(&self, name: &str, default: N) -> N {
        self.values.get(name).and_then(|v| v.parse().ok()).unwrap_or(default)
    }

    fn duration(&self, name: &str, default_seconds: u64) -> Duration {
        self.values.get(name).and_then(|v| parse_go(v).ok()).unwrap_or(Duration::from_secs(default_seconds))
    }

    fn leader_election(&self, name: &str) -> LeaderElection {
        LeaderElection {
            enabled: self.boolean("leader-elect", true),
            lease_duration: self.duration("leader-elect-lease-duration", 15),
            renew_deadline: self.duration("leader-elect-renew-deadline", 10),
            retry_period: self.duration("leader-elect-retry-period", 2),
            namespace: self.text("leader-elect-resource-namespace", "kube-system"),
            name: self.text("leader-elect-resource-name", name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ControllerManagerOptions, SchedulerOptions};
    use std::time::Duration;

    fn arguments(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn manifests_of_kubeadm_are_read() {
        let options = ControllerManagerOptions::parse(&arguments(
            "--allocate-node-cidrs=true --cluster-cidr=10.244.0.0/16 --controllers=*,bootstrapsigner,-ttl-controller --leader-elect=true \
             --use-service-account-credentials --node-monitor-grace-period 40s",
        ))
        .unwrap();
        assert!(options.allocate_node_cidrs && options.service_account_credentials && options.leader_election.enabled);
        assert_eq!(options.node_monitor_grace_period, Duration::from_secs(40));
        assert_eq!(options.node_startup_grace_period, Duration::from_secs(60));
        assert!(options.enables("job-controller") && !options.enables("ttl-controller") && options.enables("bootstrapsigner"));
    }

    #[test]
    fn errors_are_those_of_pflag() {
        let cases = [
            ("--frobnicate=1", "unknown flag: --frobnicate"),
            ("--kubeconfig", "flag needs an argument: --kubeconfig"),
            ("-x", "unknown shorthand flag: 'x' in -x"),
            (
                "--leader-elect-retry-period=2x",
                "invalid argument \"2x\" for \"--leader-elect-retry-period\" flag: time: unknown unit \"x\" in duration \"2x\"",
            ),
            (
                "--leader-elect=maybe",
                "invalid argument \"maybe\" for \"--leader-elect\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            ("serve", "\"kube-scheduler\" does not take any arguments, got [\"serve\"]"),
        ];
        for (line, expected) in cases {
            assert_eq!(SchedulerOptions::parse(&arguments(line)).unwrap_err().to_string(), expected, "{line}");
        }
    }
}
