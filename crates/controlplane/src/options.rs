//! Flags of the two components, as their manifests give them. Errors are pflag's texts.

use std::time::Duration;

use component::pflag::{FlagError, FlagTable, Flags};

/// kube-controller-manager's (kubernetes.io, "Component tools" reference, release 1.35). Flags without effect here are accepted.
const CONTROLLER_MANAGER: FlagTable = FlagTable(include_str!("../flags/kube-controller-manager.txt"));
/// kube-scheduler's.
const SCHEDULER: FlagTable = FlagTable(include_str!("../flags/kube-scheduler.txt"));

/// A command line that the component refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// pflag refuses it.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// Something that is no flag.
    #[error("{0}")]
    Arguments(String),
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
    pub given: Flags,
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
        let given = parse("kube-controller-manager", CONTROLLER_MANAGER, arguments)?;
        Ok(Self {
            leader_election: leader_election(&given, "kube-controller-manager"),
            controllers: given.get("controllers").unwrap_or("*").split(',').map(str::to_owned).collect(),
            allocate_node_cidrs: given.switch("allocate-node-cidrs", false),
            cluster_cidr: given.text("cluster-cidr").unwrap_or_default().to_owned(),
            node_cidr_mask_size: given.number("node-cidr-mask-size-ipv4", given.number("node-cidr-mask-size", 24)),
            node_monitor_period: given.duration("node-monitor-period", Duration::from_secs(5)),
            node_monitor_grace_period: given.duration("node-monitor-grace-period", Duration::from_secs(50)),
            node_startup_grace_period: given.duration("node-startup-grace-period", Duration::from_secs(60)),
            node_eviction_rate: given.number("node-eviction-rate", 0.1),
            secondary_node_eviction_rate: given.number("secondary-node-eviction-rate", 0.01),
            unhealthy_zone_threshold: given.number("unhealthy-zone-threshold", 0.55),
            large_cluster_size_threshold: given.number("large-cluster-size-threshold", 50),
            terminated_pod_gc_threshold: given.number("terminated-pod-gc-threshold", 12_500),
            hpa_sync_period: given.duration("horizontal-pod-autoscaler-sync-period", Duration::from_secs(15)),
            signing_duration: given.duration("cluster-signing-duration", Duration::from_secs(8760 * 3600)),
            service_account_credentials: given.switch("use-service-account-credentials", false),
            root_ca_pem: None,
            signing_cert_pem: None,
            signing_key_pem: None,
            given,
        })
    }

    /// A flag's value as given.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.given.get(name)
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
    pub given: Flags,
    /// Leader election.
    pub leader_election: LeaderElection,
    /// Name under which pods ask for this scheduler.
    pub scheduler_name: String,
}

impl SchedulerOptions {
    /// Reads a command line without the program's name.
    pub fn parse(arguments: &[String]) -> Result<Self, OptionsError> {
        let given = parse("kube-scheduler", SCHEDULER, arguments)?;
        Ok(Self { leader_election: leader_election(&given, "kube-scheduler"), scheduler_name: "default-scheduler".to_owned(), given })
    }

    /// A flag's value as given.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.given.get(name)
    }
}

fn parse(command: &str, table: FlagTable, arguments: &[String]) -> Result<Flags, OptionsError> {
    let flags = Flags::parse(table, arguments)?;
    flags.no_arguments(command).map_err(OptionsError::Arguments)?;
    Ok(flags)
}

fn leader_election(flags: &Flags, name: &str) -> LeaderElection {
    let duration = |name, default| flags.duration(name, Duration::from_secs(default));
    let text = |name, default: &str| flags.get(name).unwrap_or(default).to_owned();
    LeaderElection {
        enabled: flags.switch("leader-elect", true),
        lease_duration: duration("leader-elect-lease-duration", 15),
        renew_deadline: duration("leader-elect-renew-deadline", 10),
        retry_period: duration("leader-elect-retry-period", 2),
        namespace: text("leader-elect-resource-namespace", "kube-system"),
        name: text("leader-elect-resource-name", name),
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
