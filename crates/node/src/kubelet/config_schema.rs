//! Fields of `KubeletConfiguration` (kubelet.config.k8s.io/v1beta1) and Go's words about values that do not fit.

use serde_json::Value;

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Text,
    Duration,
    Texts,
    TextMap,
    BoolMap,
    /// An object (or list of objects) whose inside is not looked at.
    Any,
    /// An object with fields of this table.
    Object,
}

use Kind::{Any, Bool, BoolMap, Duration, Int32, Int64, Object, Text, TextMap, Texts};

const FIELDS: &[(&str, Kind)] = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("address", Text),
    ("allowedUnsafeSysctls", Texts),
    ("authentication", Object),
    ("authentication.anonymous", Object),
    ("authentication.anonymous.enabled", Bool),
    ("authentication.webhook", Object),
    ("authentication.webhook.cacheTTL", Duration),
    ("authentication.webhook.enabled", Bool),
    ("authentication.x509", Object),
    ("authentication.x509.clientCAFile", Text),
    ("authorization", Object),
    ("authorization.mode", Text),
    ("authorization.webhook", Object),
    ("authorization.webhook.cacheAuthorizedTTL", Duration),
    ("authorization.webhook.cacheUnauthorizedTTL", Duration),
    ("cgroupDriver", Text),
    ("cgroupRoot", Text),
    ("cgroupsPerQOS", Bool),
    ("clusterDNS", Texts),
    ("clusterDomain", Text),
    ("configMapAndSecretChangeDetectionStrategy", Text),
    ("containerLogMaxFiles", Int32),
    ("containerLogMaxSize", Text),
    ("containerLogMaxWorkers", Int32),
    ("containerLogMonitorInterval", Duration),
    ("containerRuntimeEndpoint", Text),
    ("contentType", Text),
    ("cpuCFSQuota", Bool),
    ("cpuCFSQuotaPeriod", Duration),
    ("cpuManagerPolicy", Text),
    ("cpuManagerPolicyOptions", TextMap),
    ("cpuManagerReconcilePeriod", Duration),
    ("crashLoopBackOff", Object),
    ("crashLoopBackOff.maxContainerRestartPeriod", Duration),
    ("enableContentionProfiling", Bool),
    ("enableControllerAttachDetach", Bool),
    ("enableDebugFlagsHandler", Bool),
    ("enableDebuggingHandlers", Bool),
    ("enableProfilingHandler", Bool),
    ("enableServer", Bool),
    ("enableSystemLogHandler", Bool),
    ("enableSystemLogQuery", Bool),
    ("enforceNodeAllocatable", Texts),
    ("eventBurst", Int32),
    ("eventRecordQPS", Int32),
    ("evictionHard", TextMap),
    ("evictionMaxPodGracePeriod", Int32),
    ("evictionMinimumReclaim", TextMap),
    ("evictionPressureTransitionPeriod", Duration),
    ("evictionSoft", TextMap),
    ("evictionSoftGracePeriod", TextMap),
    ("failCgroupV1", Bool),
    ("failSwapOn", Bool),
    ("featureGates", BoolMap),
    ("fileCheckFrequency", Duration),
    ("hairpinMode", Text),
    ("healthzBindAddress", Text),
    ("healthzPort", Int32),
    ("httpCheckFrequency", Duration),
    ("imageGCHighThresholdPercent", Int32),
    ("imageGCLowThresholdPercent", Int32),
    ("imageMaximumGCAge", Duration),
    ("imageMinimumGCAge", Duration),
    ("imagePullCredentialsVerificationPolicy", Text),
    ("imageServiceEndpoint", Text),
    ("iptablesDropBit", Int32),
    ("iptablesMasqueradeBit", Int32),
    ("kubeAPIBurst", Int32),
    ("kubeAPIQPS", Int32),
    ("kubeReserved", TextMap),
    ("kubeReservedCgroup", Text),
    ("kubeletCgroups", Text),
    ("localStorageCapacityIsolation", Bool),
    ("logging", Any),
    ("makeIPTablesUtilChains", Bool),
    ("maxOpenFiles", Int64),
    ("maxParallelImagePulls", Int32),
    ("maxPods", Int32),
    ("memoryManagerPolicy", Text),
    ("memorySwap", Object),
    ("memorySwap.swapBehavior", Text),
    ("memoryThrottlingFactor", Any),
    ("mergeDefaultEvictionSettings", Bool),
    ("nodeLeaseDurationSeconds", Int32),
    ("nodeStatusMaxImages", Int32),
    ("nodeStatusReportFrequency", Duration),
    ("nodeStatusUpdateFrequency", Duration),
    ("oomScoreAdj", Int32),
    ("podCIDR", Text),
    ("podLogsDir", Text),
    ("podPidsLimit", Int64),
    ("podsPerCore", Int32),
    ("port", Int32),
    ("preloadedImagesVerificationAllowlist", Texts),
    ("protectKernelDefaults", Bool),
    ("providerID", Text),
    ("qosReserved", TextMap),
    ("readOnlyPort", Int32),
    ("registerNode", Bool),
    ("registerWithTaints", Any),
    ("registryBurst", Int32),
    ("registryPullQPS", Int32),
    ("reservedMemory", Any),
    ("reservedSystemCPUs", Text),
    ("resolvConf", Text),
    ("rotateCertificates", Bool),
    ("runOnce", Bool),
    ("runtimeRequestTimeout", Duration),
    ("seccompDefault", Bool),
    ("serializeImagePulls", Bool),
    ("serverTLSBootstrap", Bool),
    ("showHiddenMetricsForVersion", Text),
    ("shutdownGracePeriod", Duration),
    ("shutdownGracePeriodByPodPriority", Any),
    ("shutdownGracePeriodCriticalPods", Duration),
    ("singleProcessOOMKill", Bool),
    ("staticPodPath", Text),
    ("staticPodURL", Text),
    ("staticPodURLHeader", Any),
    ("streamingConnectionIdleTimeout", Duration),
    ("syncFrequency", Duration),
    ("systemCgroups", Text),
    ("systemReserved", TextMap),
    ("systemReservedCgroup", Text),
    ("tlsCertFile", Text),
    ("tlsCipherSuites", Texts),
    ("tlsMinVersion", Text),
    ("tlsPrivateKeyFile", Text),
    ("topologyManagerPolicy", Text),
    ("topologyManagerPolicyOptions", TextMap),
    ("topologyManagerScope", Text),
    ("tracing", Any),
    ("userNamespaces", Any),
    ("volumePluginDir", Text),
    ("volumeStatsAggPeriod", Duration),
];

/// Type of the field at a path.
pub(super) fn kind(path: &str) -> Option<Kind> {
    FIELDS.iter().find(|(field, _)| *field == path).map(|(_, kind)| *kind)
}

/// Unknown fields in the order of the document, in Go's words (`unknown field "x.y"`).
pub(super) fn unknown_fields(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

fn walk(value: &Value, prefix: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for (name, value) in object {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match kind(&path) {
            None => found.push(format!("unknown field \"{path}\"")),
            Some(Object) => walk(value, &path, found),
            Some(_) => {}
        }
    }
}

/// The first value whose type does not fit, in the words of Go's `encoding/json`.
pub(super) fn wrong_type(document: &Value) -> Option<String> {
    check(document, "")
}

fn check(value: &Value, prefix: &str) -> Option<String> {
    value.as_object()?.iter().find_map(|(name, value)| {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let kind = kind(&path)?;
        let word = |value: &Value| match value {
            Value::String(_) => "string".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
            Value::Number(number) if number.is_f64() => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::Null => "null".to_owned(),
        };
        let mismatch = |value: &Value, path: &str, go: &str| {
            Some(format!("json: cannot unmarshal {} into Go struct field KubeletConfiguration.{path} of type {go}", word(value)))
        };
        match (kind, value) {
            (_, Value::Null) | (Any, _) | (Bool, Value::Bool(_)) | (Text, Value::String(_)) => None,
            (Int32 | Int64, Value::Number(number)) if number.is_i64() => match (kind, number.as_i64()) {
                (Int32, Some(n)) if i32::try_from(n).is_err() => {
                    Some(format!("json: cannot unmarshal number {n} into Go struct field KubeletConfiguration.{path} of type int32"))
                }
                _ => None,
            },
            (Duration, Value::String(text)) => values::duration::parse_go(text).err(),
            (Duration, _) => Some(format!("json: cannot unmarshal {} into Go value of type string", word(value))),
            (Object, Value::Object(_)) => check(value, &path),
            (Texts, Value::Array(items)) => items.iter().find(|item| !item.is_string()).and_then(|item| mismatch(item, &path, "string")),
            (TextMap, Value::Object(map)) => map.values().find(|item| !item.is_string()).and_then(|item| mismatch(item, &path, "string")),
            (BoolMap, Value::Object(map)) => map.values().find(|item| !item.is_boolean()).and_then(|item| mismatch(item, &path, "bool")),
            (Bool, _) => mismatch(value, &path, "bool"),
            (Text, _) => mismatch(value, &path, "string"),
            (Int32, _) => mismatch(value, &path, "int32"),
            (Int64, _) => mismatch(value, &path, "int64"),
            (Texts, _) => mismatch(value, &path, "[]string"),
            (TextMap, _) => mismatch(value, &path, "map[string]string"),
            (BoolMap, _) => mismatch(value, &path, "map[string]bool"),
            (Object, _) => mismatch(value, &path, &go_struct(&path)),
        }
    })
}

fn go_struct(path: &str) -> String {
    let name = match path {
        "authentication" => "KubeletAuthentication",
        "authentication.x509" => "KubeletX509Authentication",
        "authentication.webhook" => "KubeletWebhookAuthentication",
        "authentication.anonymous" => "KubeletAnonymousAuthentication",
        "authorization" => "KubeletAuthorization",
        "authorization.webhook" => "KubeletWebhookAuthorization",
        "memorySwap" => "MemorySwapConfiguration",
        _ => "CrashLoopBackOffConfig",
    };
    format!("v1beta1.{name}")
}
