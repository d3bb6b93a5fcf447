//! The kubelet's command line (`cmd/kubelet/app/options`): which flags there are, and pflag's way to read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Text,
    Int,
    Duration,
    /// Several values; repeated flags add to each other.
    List,
}

use Kind::{Bool, Duration, Int, List, Text};

/// Flags that are no settings of the configuration file.
const FLAGS: &[(&str, Kind)] = &[
    ("azure-container-registry-config", Text),
    ("bootstrap-kubeconfig", Text),
    ("cert-dir", Text),
    ("cloud-config", Text),
    ("cloud-provider", Text),
    ("config", Text),
    ("config-dir", Text),
    ("exit-on-lock-contention", Bool),
    ("experimental-mounter-path", Text),
    ("help", Bool),
    ("hostname-override", Text),
    ("image-credential-provider-bin-dir", Text),
    ("image-credential-provider-config", Text),
    ("kubeconfig", Text),
    ("lock-file", Text),
    ("log-flush-frequency", Duration),
    ("logging-format", Text),
    ("maximum-dead-containers", Int),
    ("maximum-dead-containers-per-container", Int),
    ("minimum-container-ttl-duration", Duration),
    ("node-ip", Text),
    ("node-labels", List),
    ("root-dir", Text),
    ("runtime-cgroups", Text),
    ("seccomp-default", Bool),
    ("v", Int),
    ("version", Bool),
    ("vmodule", Text),
];

/// Flags that set what the configuration file sets; all are deprecated for it. The third is the path in the file.
const CONFIG_FLAGS: &[(&str, Kind, &str)] = &[
    ("address", Text, "address"),
    ("allowed-unsafe-sysctls", List, "allowedUnsafeSysctls"),
    ("anonymous-auth", Bool, "authentication.anonymous.enabled"),
    ("authentication-token-webhook", Bool, "authentication.webhook.enabled"),
    ("authentication-token-webhook-cache-ttl", Duration, "authentication.webhook.cacheTTL"),
    ("authorization-mode", Text, "authorization.mode"),
    ("cgroup-driver", Text, "cgroupDriver"),
    ("cgroup-root", Text, "cgroupRoot"),
    ("cgroups-per-qos", Bool, "cgroupsPerQOS"),
    ("client-ca-file", Text, "authentication.x509.clientCAFile"),
    ("cluster-dns", List, "clusterDNS"),
    ("cluster-domain", Text, "clusterDomain"),
    ("container-log-max-files", Int, "containerLogMaxFiles"),
    ("container-log-max-size", Text, "containerLogMaxSize"),
    ("container-runtime-endpoint", Text, "containerRuntimeEndpoint"),
    ("contention-profiling", Bool, "enableContentionProfiling"),
    ("cpu-cfs-quota", Bool, "cpuCFSQuota"),
    ("cpu-manager-policy", Text, "cpuManagerPolicy"),
    ("enable-controller-attach-detach", Bool, "enableControllerAttachDetach"),
    ("enable-debugging-handlers", Bool, "enableDebuggingHandlers"),
    ("enable-server", Bool, "enableServer"),
    ("enforce-node-allocatable", List, "enforceNodeAllocatable"),
    ("event-burst", Int, "eventBurst"),
    ("event-qps", Int, "eventRecordQPS"),
    ("eviction-hard", Text, "evictionHard"),
    ("eviction-max-pod-grace-period", Int, "evictionMaxPodGracePeriod"),
    ("eviction-pressure-transition-period", Duration, "evictionPressureTransitionPeriod"),
    ("eviction-soft", Text, "evictionSoft"),
    ("eviction-soft-grace-period", Text, "evictionSoftGracePeriod"),
    ("fail-swap-on", Bool, "failSwapOn"),
    ("feature-gates", Text, "featureGates"),
    ("file-check-frequency", Duration, "fileCheckFrequency"),
    ("hairpin-mode", Text, "hairpinMode"),
    ("healthz-bind-address", Text, "healthzBindAddress"),
    ("healthz-port", Int, "healthzPort"),
    ("http-check-frequency", Duration, "httpCheckFrequency"),
    ("image-gc-high-threshold", Int, "imageGCHighThresholdPercent"),
    ("image-gc-low-threshold", Int, "imageGCLowThresholdPercent"),
    ("image-service-endpoint", Text, "imageServiceEndpoint"),
    ("kube-api-burst", Int, "kubeAPIBurst"),
    ("kube-api-content-type", Text, "contentType"),
    ("kube-api-qps", Int, "kubeAPIQPS"),
    ("kube-reserved", Text, "kubeReserved"),
    ("kubelet-cgroups", Text, "kubeletCgroups"),
    ("local-storage-capacity-isolation", Bool, "localStorageCapacityIsolation"),
    ("make-iptables-util-chains", Bool, "makeIPTablesUtilChains"),
    ("manifest-url", Text, "staticPodURL"),
    ("max-open-files", Int, "maxOpenFiles"),
    ("max-pods", Int, "maxPods"),
    ("memory-manager-policy", Text, "memoryManagerPolicy"),
    ("node-status-max-images", Int, "nodeStatusMaxImages"),
    ("node-status-update-frequency", Duration, "nodeStatusUpdateFrequency"),
    ("oom-score-adj", Int, "oomScoreAdj"),
    ("pod-cidr", Text, "podCIDR"),
    ("pod-manifest-path", Text, "staticPodPath"),
    ("pod-max-pids", Int, "podPidsLimit"),
    ("pods-per-core", Int, "podsPerCore"),
    ("port", Int, "port"),
    ("protect-kernel-defaults", Bool, "protectKernelDefaults"),
    ("provider-id", Text, "providerID"),
    ("read-only-port", Int, "readOnlyPort"),
    ("register-node", Bool, "registerNode"),
    ("register-with-taints", List, "registerWithTaints"),
    ("registry-burst", Int, "registryBurst"),
    ("registry-qps", Int, "registryPullQPS"),
    ("reserved-cpus", Text, "reservedSystemCPUs"),
    ("resolv-conf", Text, "resolvConf"),
    ("rotate-certificates", Bool, "rotateCertificates"),
    ("rotate-server-certificates", Bool, "serverTLSBootstrap"),
    ("runonce", Bool, "runOnce"),
    ("runtime-request-timeout", Duration, "runtimeRequestTimeout"),
    ("serialize-image-pulls", Bool, "serializeImagePulls"),
    ("streaming-connection-idle-timeout", Duration, "streamingConnectionIdleTimeout"),
    ("sync-frequency", Duration, "syncFrequency"),
    ("system-cgroups", Text, "systemCgroups"),
    ("system-reserved", Text, "systemReserved"),
    ("tls-cert-file", Text, "tlsCertFile"),
    ("tls-cipher-suites", List, "tlsCipherSuites"),
    ("tls-min-version", Text, "tlsMinVersion"),
    ("tls-private-key-file", Text, "tlsPrivateKeyFile"),
    ("topology-manager-policy", Text, "topologyManagerPolicy"),
    ("volume-plugin-dir", Text, "volumePluginDir"),
    ("volume-stats-agg-period", Duration, "volumeStatsAggPeriod"),
];

/// A command line that pflag refuses; `Display` is its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// No such flag.
    #[error("failed to parse kubelet flag: unknown flag: --{0}")]
    Unknown(String),
    /// No such one-letter flag.
    #[error("failed to parse kubelet flag: unknown shorthand flag: '{letter}' in -{word}")]
    UnknownShorthand {
        /// The letter.
        letter: char,
        /// The word that it stands in, without its dash.
        word: String,
    },
    /// The value is missing.
    #[error("failed to parse kubelet flag: flag needs an argument: --{0}")]
    NeedsArgument(String),
    /// The value is not of the flag's type.
    #[error("failed to parse kubelet flag: invalid argument \"{value}\" for \"--{flag}\" flag: {reason}")]
    Invalid {
        /// Flag.
        flag: String,
        /// Value.
        value: String,
        /// Go's words.
        reason: String,
    },
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
        let mut flags = Self::default();
        let mut words = arguments.iter();
        let mut stray = None;
        while let Some(word) = words.next() {
            if word == "--" {
                stray = stray.or_else(|| words.next().cloned());
                break;
            }
            let (name, inline) = match (word.strip_prefix("--"), word.strip_prefix('-')) {
                (Some(long), _) => match long.split_once('=') {
                    Some((name, value)) => (name.replace('_', "-"), Some(value.to_owned())),
                    None => (long.replace('_', "-"), None),
                },
                (None, Some(short)) if !short.is_empty() => {
                    let letter = short.chars().next().unwrap_or('-');
                    match letter {
                        'h' => ("help".to_owned(), None),
                        'v' => ("v".to_owned(), Some(short[1..].trim_start_matches('=').to_owned()).filter(|rest| !rest.is_empty())),
                        _ => return Err(FlagError::UnknownShorthand { letter, word: short.to_owned() }),
                    }
                }
                _ => {
                    stray = stray.or_else(|| Some(word.clone()));
                    continue;
                }
            };
            let own = FLAGS.iter().find(|(flag, _)| *flag == name).map(|(_, kind)| (*kind, None));
            let setting = || CONFIG_FLAGS.iter().find(|(flag, ..)| *flag == name).map(|(_, kind, path)| (*kind, Some(*path)));
            let (kind, path) = own.or_else(setting).ok_or_else(|| FlagError::Unknown(name.clone()))?;
            let value = match (inline, kind) {
                (Some(value), _) => value,
                (None, Bool) => "true".to_owned(),
                (None, _) => words.next().cloned().ok_or_else(|| FlagError::NeedsArgument(name.clone()))?,
            };
            check(kind, &value).map_err(|reason| FlagError::Invalid { flag: name.clone(), value: value.clone(), reason })?;
            let (map, key) = match path {
                Some(path) => {
                    flags.deprecated.push(name);
                    (&mut flags.overrides, path.to_owned())
                }
                None => (&mut flags.values, name),
            };
            map.entry(key)
                .and_modify(|old| if kind == List { *old = format!("{old},{value}") } else { old.clone_from(&value) })
                .or_insert(value);
        }
        match stray {
            Some(word) => Err(FlagError::Command(word)),
            None => Ok(flags),
        }
    }

    /// Value of a flag; empty if it was not given.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether a boolean flag is set.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1" | "t" | "T" | "True" | "TRUE")
    }
}

fn check(kind: Kind, value: &str) -> Result<(), String> {
    let invalid = |function: &str| Err(format!("strconv.{function}: parsing {}: invalid syntax", super::klog::quote(value)));
    match kind {
        Bool if !matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True" | "0" | "f" | "F" | "false" | "FALSE" | "False") => {
            invalid("ParseBool")
        }
        Int if value.parse::<i64>().is_err() => invalid("ParseInt"),
        Duration => values::duration::parse_go(value).map(|_| ()).map_err(|error| error.to_string()),
        _ => Ok(()),
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
