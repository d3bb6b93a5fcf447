//! The kubelet's configuration file: read, judged and defaulted as `cmd/kubelet/app` does it.

use std::collections::BTreeMap;
use std::time::Duration;

use component::yaml;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config_schema::{self, Kind};
use super::flags::Flags;
use crate::fs::View;

/// The settings that have an effect here, with upstream's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // named as in KubeletConfiguration
pub struct KubeletConfig {
    pub address: String,
    pub port: u16,
    pub healthz_bind_address: String,
    pub healthz_port: u16,
    pub static_pod_path: String,
    pub client_ca_file: String,
    pub anonymous_enabled: bool,
    pub webhook_enabled: bool,
    pub authorization_mode: String,
    pub tls_cert_file: String,
    pub tls_private_key_file: String,
    pub rotate_certificates: bool,
    pub cluster_dns: Vec<String>,
    pub cluster_domain: String,
    pub resolv_conf: String,
    pub container_runtime_endpoint: String,
    pub cgroup_driver: String,
    pub fail_swap_on: bool,
    pub max_pods: u32,
    pub register_node: bool,
    pub register_with_taints: Value,
    pub provider_id: String,
    pub system_reserved: BTreeMap<String, String>,
    pub kube_reserved: BTreeMap<String, String>,
    pub eviction_hard: BTreeMap<String, String>,
    pub enforce_node_allocatable: Vec<String>,
    pub node_status_update_frequency: Duration,
    pub node_status_report_frequency: Duration,
    pub node_lease_duration_seconds: u64,
    pub node_status_max_images: i64,
    pub sync_frequency: Duration,
    pub file_check_frequency: Duration,
    pub max_restart_period: Duration,
    pub serialize_image_pulls: bool,
    pub enable_server: bool,
}

/// What was read, and what a starting kubelet says about it.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: KubeletConfig,
    /// Strict decoding failed for these reasons and was given up (`strict decoding error: …`).
    pub lenient: Option<String>,
}

impl KubeletConfig {
    /// Reads the file named by `--config` (none: defaults), lays the command line over it and validates. The error is all that
    /// follows `command failed`.
    pub fn load(files: &View, flags: &Flags) -> Result<Loaded, String> {
        let path = flags.get("config");
        let (mut document, lenient) = if path.is_empty() {
            (Value::Object(serde_json::Map::new()), None)
        } else {
            decode(files, path).map_err(|error| {
                format!("failed to load kubelet config file, path: {path}, error: failed to load Kubelet config file {path}, error {error}")
            })?
        };
        for (path, text) in &flags.overrides {
            set(&mut document, path, text);
        }
        let config = Self::from_document(&document);
        let problems = validate(&document, &config);
        if problems.is_empty() {
            return Ok(Loaded { config, lenient });
        }
        let all = if problems.len() == 1 { problems.join("") } else { format!("[{}]", problems.join(", ")) };
        Err(format!("failed to validate kubelet configuration, error: {all}, path: &TypeMeta{{Kind:,APIVersion:,}}"))
    }

    fn from_document(document: &Value) -> Self {
        let at = |path: &str| document.pointer(&format!("/{}", path.replace('.', "/"))).filter(|value| !value.is_null());
        let text = |path: &str, default: &str| match at(path).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => default.to_owned(),
        };
        let flag = |path: &str, default: bool| at(path).and_then(Value::as_bool).unwrap_or(default);
        let number = |path: &str, default: i64| at(path).and_then(Value::as_i64).unwrap_or(default);
        let port = |path: &str, default: u16| u16::try_from(number(path, i64::from(default))).unwrap_or(default);
        // A zero duration means that the default applies (SetDefaults_KubeletConfiguration).
        let duration = |path: &str, default: u64| {
            let given = at(path).and_then(Value::as_str).and_then(|text| values::duration::parse_go(text).ok());
            given.filter(|duration| !duration.is_zero()).unwrap_or(Duration::from_secs(default))
        };
        let list = |path: &str| -> Vec<String> {
            at(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let map = |path: &str| -> Option<BTreeMap<String, String>> {
            let object = at(path)?.as_object()?;
            Some(object.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect())
        };
        let default_eviction = || {
            [
                ("imagefs.available", "15%"),
                ("imagefs.inodesFree", "5%"),
                ("memory.available", "100Mi"),
                ("nodefs.available", "10%"),
                ("nodefs.inodesFree", "5%"),
            ]
            .map(|(signal, threshold)| (signal.to_owned(), threshold.to_owned()))
            .into()
        };
        let report = if at("nodeStatusReportFrequency").and_then(Value::as_str).is_none_or(|text| text.starts_with('0'))
            && at("nodeStatusUpdateFrequency").and_then(Value::as_str).is_some_and(|text| !text.starts_with('0'))
        {
            duration("nodeStatusUpdateFrequency", 300)
        } else {
            duration("nodeStatusReportFrequency", 300)
        };
        Self {
            address: text("address", "0.0.0.0"),
            port: port("port", 10250),
            healthz_bind_address: text("healthzBindAddress", "127.0.0.1"),
            healthz_port: port("healthzPort", 10248),
            static_pod_path: text("staticPodPath", ""),
            client_ca_file: text("authentication.x509.clientCAFile", ""),
            anonymous_enabled: flag("authentication.anonymous.enabled", false),
            webhook_enabled: flag("authentication.webhook.enabled", true),
            authorization_mode: text("authorization.mode", "Webhook"),
            tls_cert_file: text("tlsCertFile", ""),
            tls_private_key_file: text("tlsPrivateKeyFile", ""),
            rotate_certificates: flag("rotateCertificates", false),
            cluster_dns: list("clusterDNS"),
            cluster_domain: text("clusterDomain", ""),
            resolv_conf: match at("resolvConf").and_then(Value::as_str) {
                Some(path) => path.to_owned(),
                None => "/etc/resolv.conf".to_owned(),
            },
            container_runtime_endpoint: match at("containerRuntimeEndpoint").and_then(Value::as_str) {
                Some(endpoint) => endpoint.to_owned(),
                None => "unix:///run/containerd/containerd.sock".to_owned(),
            },
            cgroup_driver: text("cgroupDriver", "cgroupfs"),
            fail_swap_on: flag("failSwapOn", true),
            max_pods: u32::try_from(number("maxPods", 110)).unwrap_or(110),
            register_node: flag("registerNode", true),
            register_with_taints: at("registerWithTaints").cloned().unwrap_or(Value::Null),
            provider_id: text("providerID", ""),
            system_reserved: map("systemReserved").unwrap_or_default(),
            kube_reserved: map("kubeReserved").unwrap_or_default(),
            eviction_hard: map("evictionHard").unwrap_or_else(default_eviction),
            enforce_node_allocatable: if at("enforceNodeAllocatable").is_some() {
                list("enforceNodeAllocatable")
            } else {
                vec!["pods".to_owned()]
            },
            node_status_update_frequency: duration("nodeStatusUpdateFrequency", 10),
            node_status_report_frequency: report,
            node_lease_duration_seconds: u64::try_from(number("nodeLeaseDurationSeconds", 40)).ok().filter(|n| *n > 0).unwrap_or(40),
            node_status_max_images: number("nodeStatusMaxImages", 50),
            sync_frequency: duration("syncFrequency", 60),
            file_check_frequency: duration("fileCheckFrequency", 20),
            max_restart_period: duration("crashLoopBackOff.maxContainerRestartPeriod", 300),
            serialize_image_pulls: flag("serializeImagePulls", true),
            enable_server: flag("enableServer", true),
        }
    }
}

fn decode(files: &View, path: &str) -> Result<(Value, Option<String>), String> {
    let text = files
        .read_text(path)
        .map_err(|errno| format!("failed to read kubelet config file \"{path}\", error: open {path}: {}", errno.go()))?;
    if text.is_empty() {
        return Err(format!("kubelet config file \"{path}\" was empty"));
    }
    let failed = |reason: String| format!("failed to decode: {reason}");
    let document = yaml::to_json(&text).map_err(|error| failed(error.to_string()))?;
    let api_version = document["apiVersion"].as_str().unwrap_or_default();
    let kind = document["kind"].as_str().unwrap_or_default();
    if !document.is_object() {
        return Err(failed(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            if document.is_string() { "string" } else { "array" }
        )));
    }
    if kind.is_empty() {
        return Err(failed(format!("Object 'Kind' is missing in '{document}'")));
    }
    if api_version != "kubelet.config.k8s.io/v1beta1" || kind != "KubeletConfiguration" {
        return Err(failed(format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"k8s.io/kubernetes/pkg/kubelet/apis/config/scheme/scheme.go:33\""
        )));
    }
    if let Some(reason) = config_schema::wrong_type(&document) {
        return Err(failed(reason));
    }
    let mut strict: Vec<String> = yaml::to_json_strict(&text).err().map(|error| error.to_string()).into_iter().collect();
    strict.extend(config_schema::unknown_fields(&document));
    let lenient = (!strict.is_empty()).then(|| format!("strict decoding error: {}", strict.join(", ")));
    Ok((document, lenient))
}

/// Puts the text of a flag into the document as the field's type has it.
fn set(document: &mut Value, path: &str, text: &str) {
    let value = match config_schema::kind(path) {
        Some(Kind::Bool) => Value::Bool(matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")),
        Some(Kind::Int32 | Kind::Int64) => text.parse::<i64>().map_or(Value::Null, Value::from),
        Some(Kind::Texts) => text.split(',').map(Value::from).collect(),
        Some(Kind::TextMap) => {
            let pairs = text.split(',').filter_map(|pair| pair.split_once(['=', '<']));
            Value::Object(pairs.map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim()))).collect())
        }
        _ => Value::from(text),
    };
    let mut at = document;
    for part in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        at = &mut at[part];
    }
    *at = value;
}

/// The checks of `ValidateKubeletConfiguration` that a learner is likely to meet.
fn validate(document: &Value, config: &KubeletConfig) -> Vec<String> {
    let mut problems = Vec::new();
    let number = |field: &str| document[field].as_i64();
    let mut fail = |text: String| problems.push(format!("invalid configuration: {text}"));
    for (field, flag) in [("healthzPort", "--healthz-port"), ("port", "--port"), ("readOnlyPort", "--read-only-port")] {
        let lowest = i64::from(field == "port");
        if let Some(value) = number(field)
            && !(lowest..=65535).contains(&value)
        {
            let range = if lowest == 0 { "must be between 0 and 65535, inclusive" } else { "must be between 1 and 65535, inclusive" };
            let range = if field == "healthzPort" { "must be between 1 and 65535, inclusive" } else { range };
            fail(format!("{field} ({flag}) {value} {range}"));
        }
    }
    let percent = |field: &str, default: i64| number(field).unwrap_or(default);
    let (low, high) = (percent("imageGCLowThresholdPercent", 80), percent("imageGCHighThresholdPercent", 85));
    for (field, flag, value) in [
        ("imageGCHighThresholdPercent", "--image-gc-high-threshold", high),
        ("imageGCLowThresholdPercent", "--image-gc-low-threshold", low),
    ] {
        if !(0..=100).contains(&value) {
            fail(format!("{field} ({flag}) {value} must be between 0 and 100, inclusive"));
        }
    }
    if low >= high {
        fail(format!(
            "imageGCLowThresholdPercent (--image-gc-low-threshold) {low} must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) {high}"
        ));
    }
    for (field, flag) in [("maxPods", "--max-pods"), ("podsPerCore", "--pods-per-core"), ("maxOpenFiles", "--max-open-files")] {
        if let Some(value) = number(field).filter(|value| *value < 0) {
            fail(format!("{field} ({flag}) {value} must not be a negative number"));
        }
    }
    if config.container_runtime_endpoint.is_empty() {
        fail("the containerRuntimeEndpoint was not specified or empty".to_owned());
    }
    if let Some(mode) =
        document["hairpinMode"].as_str().filter(|mode| !matches!(*mode, "none" | "hairpin-veth" | "promiscuous-bridge" | ""))
    {
        fail(format!(
            "option specified for hairpinMode (--hairpin-mode) \"{mode}\". Valid options are \"none\", \"hairpin-veth\" or \"promiscuous-bridge\""
        ));
    }
    for name in &config.enforce_node_allocatable {
        if !matches!(
            name.as_str(),
            "none" | "pods" | "system-reserved" | "system-reserved-compressible" | "kube-reserved" | "kube-reserved-compressible" | ""
        ) {
            fail(format!(
                "option \"{name}\" specified for enforceNodeAllocatable (--enforce-node-allocatable). Valid options are \"none\", \"pods\", \"system-reserved\", \"system-reserved-compressible\", \"kube-reserved\" or \"kube-reserved-compressible\""
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use component::Clock;
    use jiff::Timestamp;

    use super::KubeletConfig;
    use crate::fs::Tree;
    use crate::kubelet::flags::Flags;
    use crate::machine::{Machine, MachineEnv, MachineState, Programs};
    use crate::network::Network;

    fn load(text: Option<&str>, arguments: &[&str]) -> Result<(KubeletConfig, Option<String>), String> {
        let now = Timestamp::UNIX_EPOCH;
        let mut files = Tree::new(now);
        if let Some(text) = text {
            files.put_file("/var/lib/kubelet/config.yaml", text.to_owned(), 0o644, now).expect("written");
        }
        let clock = Clock::starting_at(now);
        let state = MachineState::new("n", [10, 0, 0, 1].into(), files, component::Generator::for_part(1, "n"), now);
        let env = MachineEnv { clock, network: Network::new(clock), programs: Arc::new(Programs::new()) };
        let machine = Machine::start(state, env);
        let mut words = vec!["--config=/var/lib/kubelet/config.yaml".to_owned()];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let flags = Flags::parse(&words).map_err(|error| error.to_string())?;
        KubeletConfig::load(&machine.host_files(), &flags).map(|loaded| (loaded.config, loaded.lenient))
    }

    const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

    #[tokio::test(start_paused = true)]
    async fn broken_files_fail_with_upstreams_words() {
        let prefix = "failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: failed to load Kubelet config file /var/lib/kubelet/config.yaml, error ";
        for (text, expected) in [
            (None, "failed to read kubelet config file \"/var/lib/kubelet/config.yaml\", error: open /var/lib/kubelet/config.yaml: no such file or directory".to_owned()),
            (Some(String::new()), "kubelet config file \"/var/lib/kubelet/config.yaml\" was empty".to_owned()),
            (Some(format!("{HEAD}cgroupDriver systemd\nport: 1\n")), "failed to decode: yaml: line 4: could not find expected ':'".to_owned()),
            (Some(format!("{HEAD}maxPods: many\n")), "failed to decode: json: cannot unmarshal string into Go struct field KubeletConfiguration.maxPods of type int32".to_owned()),
            (Some(format!("{HEAD}syncFrequency: soon\n")), "failed to decode: time: invalid duration \"soon\"".to_owned()),
            (Some("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: Kubelet\n".to_owned()), "failed to decode: no kind \"Kubelet\" is registered for version \"kubelet.config.k8s.io/v1beta1\" in scheme \"k8s.io/kubernetes/pkg/kubelet/apis/config/scheme/scheme.go:33\"".to_owned()),
        ] {
            assert_eq!(load(text.as_deref(), &[]).expect_err("refused"), format!("{prefix}{expected}"));
        }
        let invalid = load(Some(&format!("{HEAD}healthzPort: 99999\nmaxPods: -1\n")), &[]).expect_err("refused");
        assert!(invalid.starts_with("failed to validate kubelet configuration, error: [invalid configuration: healthzPort (--healthz-port) 99999 must be between 1 and 65535, inclusive, invalid configuration: maxPods (--max-pods) -1"), "{invalid}");
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_fields_are_only_warned_of_and_flags_win() {
        let text = format!("{HEAD}authentication:\n  x509:\n    clientCAFile: /ca\n    other: 1\nnosuch: true\nclusterDNS: [10.96.0.10]\n");
        let (config, lenient) = load(Some(&text), &["--max-pods=7", "--client-ca-file=/other"]).expect("loaded");
        assert_eq!(
            lenient.as_deref(),
            Some("strict decoding error: unknown field \"authentication.x509.other\", unknown field \"nosuch\"")
        );
        assert_eq!((config.max_pods, config.client_ca_file.as_str(), config.cluster_dns.join(",")), (7, "/other", "10.96.0.10".into()));
    }
}
