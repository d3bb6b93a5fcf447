//! The pod security standards' checks (`pod-security-admission/policy`), latest version.

use serde_json::Value;

use crate::json::Json;

/// A standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Anything goes.
    Privileged,
    /// No known escalations.
    Baseline,
    /// Hardened.
    Restricted,
}

impl Level {
    /// As in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// Reason and detail of one failed check.
type Finding = Option<(&'static str, String)>;

struct Pod<'a> {
    metadata: &'a Value,
    spec: &'a Value,
}

/// Everything that a pod breaks, `reason (detail), …`; empty when it meets the level.
pub fn violations(level: Level, metadata: &Value, spec: &Value) -> String {
    let texts: Vec<String> = findings(level, metadata, spec)
        .into_iter()
        .map(|(reason, detail)| if detail.is_empty() { reason.to_owned() } else { format!("{reason} ({detail})") })
        .collect();
    texts.join(", ")
}

/// The reasons alone, by which pods are grouped.
pub fn reasons(level: Level, metadata: &Value, spec: &Value) -> String {
    findings(level, metadata, spec).into_iter().map(|(reason, _)| reason).collect::<Vec<_>>().join(", ")
}

fn findings(level: Level, metadata: &Value, spec: &Value) -> Vec<(&'static str, String)> {
    let pod = Pod { metadata, spec };
    let windows = spec.text("os.name") == "windows";
    let restricted = level == Level::Restricted;
    let mut findings: Vec<Finding> = Vec::new();
    if level >= Level::Baseline {
        findings.push(pod.app_armor());
        if !restricted {
            findings.push(pod.capabilities_baseline());
        }
        findings.push(pod.host_namespaces());
        if !restricted {
            findings.push(pod.host_paths());
        }
        findings.extend([pod.host_ports(), pod.host_probes(), pod.privileged(), pod.proc_mount(), pod.se_linux()]);
        if !restricted {
            findings.push(pod.seccomp_baseline());
        }
        findings.extend([pod.sysctls(), pod.windows_host_process()]);
    }
    if restricted {
        if !windows {
            findings.extend([pod.privilege_escalation(), pod.capabilities_restricted()]);
        }
        findings.extend([pod.volumes(), pod.run_as_non_root(), pod.run_as_user()]);
        if !windows {
            findings.push(pod.seccomp_restricted());
        }
    }
    findings.into_iter().flatten().collect()
}

fn quoted(items: &[&str]) -> String {
    items.iter().map(|i| format!("{i:?}")).collect::<Vec<_>>().join(", ")
}

fn sorted<'a>(items: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut items: Vec<&str> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}

fn plural(one: &'static str, many: &'static str, count: usize) -> &'static str {
    if count == 1 { one } else { many }
}

/// `container "a"` or `containers "a", "b"`.
fn containers_text(names: &[&str]) -> String {
    format!("{} {}", plural("container", "containers", names.len()), quoted(names))
}

impl<'a> Pod<'a> {
    /// All containers, init containers first.
    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| self.spec.list(list))
    }

    fn names_where(&self, bad: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|c| bad(c)).map(|c| c.text("name")).collect()
    }

    fn app_armor(&self) -> Finding {
        let bad = |value: &str| !matches!(value, "" | "RuntimeDefault" | "Localhost");
        let mut setters = Vec::new();
        let mut values = Vec::new();
        let pod = self.spec.text("securityContext.appArmorProfile.type");
        if bad(pod) {
            setters.push("pod".to_owned());
            values.push(pod);
        }
        let names = self.names_where(|c| bad(c.text("securityContext.appArmorProfile.type")));
        if !names.is_empty() {
            setters.push(containers_text(&names));
            values.extend(self.containers().map(|c| c.text("securityContext.appArmorProfile.type")).filter(|v| bad(v)));
        }
        let annotations: Vec<(&str, &str)> = self
            .metadata
            .entries("annotations")
            .into_iter()
            .filter(|(k, _)| k.starts_with("container.apparmor.security.beta.kubernetes.io/"))
            .map(|(k, v)| (k, v.as_str().unwrap_or_default()))
            .filter(|(_, v)| !(v.is_empty() || *v == "runtime/default" || v.starts_with("localhost/")))
            .collect();
        if setters.is_empty() && annotations.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        if !setters.is_empty() {
            parts.push(format!("{} must not set AppArmor profile type to {}", setters.join(" and "), quoted(&sorted(values))));
        }
        parts.extend(annotations.iter().map(|(k, v)| format!("annotation \"{k}\" must not set AppArmor profile to {v:?}")));
        Some((plural("forbidden AppArmor profile", "forbidden AppArmor profiles", parts.len()), parts.join("; ")))
    }

    fn capabilities_baseline(&self) -> Finding {
        const DEFAULT: [&str; 14] = [
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
            "",
        ];
        let extra =
            |c: &'a Value| c.list("securityContext.capabilities.add").iter().filter_map(Value::as_str).filter(|cap| !DEFAULT.contains(cap));
        let names: Vec<&str> = self.containers().filter(|c| extra(c).next().is_some()).map(|c| c.text("name")).collect();
        let capabilities = sorted(self.containers().flat_map(extra));
        (!names.is_empty()).then(|| {
            let detail =
                format!("{} must not include {} in securityContext.capabilities.add", containers_text(&names), quoted(&capabilities));
            ("non-default capabilities", detail)
        })
    }

    fn host_namespaces(&self) -> Finding {
        let set: Vec<String> =
            ["hostNetwork", "hostPID", "hostIPC"].iter().filter(|f| self.spec.flag(f) == Some(true)).map(|f| format!("{f}=true")).collect();
        (!set.is_empty()).then(|| ("host namespaces", set.join(", ")))
    }

    fn host_paths(&self) -> Finding {
        let names: Vec<&str> = self.spec.list("volumes").iter().filter(|v| v.has("hostPath")).map(|v| v.text("name")).collect();
        (!names.is_empty()).then(|| ("hostPath volumes", format!("{} {}", plural("volume", "volumes", names.len()), quoted(&names))))
    }

    fn host_ports(&self) -> Finding {
        let ports = |c: &'a Value| c.list("ports").iter().filter_map(|p| p.int("hostPort")).filter(|p| *p != 0);
        let names: Vec<&str> = self.containers().filter(|c| ports(c).next().is_some()).map(|c| c.text("name")).collect();
        let mut numbers: Vec<String> = self.containers().flat_map(ports).map(|p| p.to_string()).collect();
        numbers.sort();
        numbers.dedup();
        (!names.is_empty()).then(|| {
            let uses = plural("uses", "use", names.len());
            let word = plural("hostPort", "hostPorts", numbers.len());
            ("hostPort", format!("{} {uses} {word} {}", containers_text(&names), numbers.join(", ")))
        })
    }

    /// Probes and hooks that name a host reach out of the pod (since 1.34).
    fn host_probes(&self) -> Finding {
        const PLACES: [&str; 5] = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"];
        let host = |c: &'a Value| {
            PLACES.iter().flat_map(move |place| {
                ["httpGet.host", "tcpSocket.host"].into_iter().map(move |field| c.at(place).text(field)).filter(|h| !h.is_empty())
            })
        };
        let names: Vec<&str> = self.containers().filter(|c| host(c).next().is_some()).map(|c| c.text("name")).collect();
        let hosts = sorted(self.containers().flat_map(host));
        (!names.is_empty()).then(|| {
            let uses = plural("uses", "use", names.len());
            let word = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.len());
            ("probe or lifecycle host", format!("{} {uses} {word} {}", containers_text(&names), quoted(&hosts)))
        })
    }

    fn privileged(&self) -> Finding {
        let names = self.names_where(|c| c.flag("securityContext.privileged") == Some(true));
        (!names.is_empty()).then(|| ("privileged", format!("{} must not set securityContext.privileged=true", containers_text(&names))))
    }

    fn proc_mount(&self) -> Finding {
        let names = self.names_where(|c| !matches!(c.text("securityContext.procMount"), "" | "Default"));
        let values = sorted(self.containers().map(|c| c.text("securityContext.procMount")).filter(|v| !matches!(*v, "" | "Default")));
        // Pods in a user namespace of their own may.
        (!names.is_empty() && self.spec.flag("hostUsers") != Some(false))
            .then(|| ("procMount", format!("{} must not set securityContext.procMount to {}", containers_text(&names), quoted(&values))))
    }

    fn se_linux(&self) -> Finding {
        const TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
        let bad = |context: &Value| {
            let options = context.at("seLinuxOptions");
            !TYPES.contains(&options.text("type")) || !options.text("user").is_empty() || !options.text("role").is_empty()
        };
        let mut setters = Vec::new();
        if bad(self.spec.at("securityContext")) {
            setters.push("pod".to_owned());
        }
        let names = self.names_where(|c| bad(c.at("securityContext")));
        if !names.is_empty() {
            setters.push(containers_text(&names));
        }
        (!setters.is_empty()).then(|| ("seLinuxOptions", format!("{} set forbidden securityContext.seLinuxOptions", setters.join(" and "))))
    }

    fn seccomp_baseline(&self) -> Finding {
        self.seccomp_setters(|value| value == "Unconfined")
    }

    fn seccomp_setters(&self, bad: impl Fn(&str) -> bool) -> Finding {
        const PATH: &str = "securityContext.seccompProfile.type";
        let mut setters = Vec::new();
        let mut values = Vec::new();
        if bad(self.spec.text(PATH)) {
            setters.push("pod".to_owned());
            values.push(self.spec.text(PATH));
        }
        let names = self.names_where(|c| bad(c.text(PATH)));
        if !names.is_empty() {
            setters.push(containers_text(&names));
            values.extend(self.containers().map(|c| c.text(PATH)).filter(|v| bad(v)));
        }
        (!setters.is_empty()).then(|| {
            let detail =
                format!("{} must not set securityContext.seccompProfile.type to {}", setters.join(" and "), quoted(&sorted(values)));
            ("seccompProfile", detail)
        })
    }

    fn sysctls(&self) -> Finding {
        const SAFE: [&str; 11] = [
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_rmem",
        ];
        let names: Vec<&str> = self
            .spec
            .list("securityContext.sysctls")
            .iter()
            .map(|s| s.text("name"))
            .filter(|n| !SAFE.contains(n) && *n != "net.ipv4.tcp_wmem")
            .collect();
        (!names.is_empty()).then(|| ("forbidden sysctls", names.join(", ")))
    }

    fn windows_host_process(&self) -> Finding {
        const PATH: &str = "securityContext.windowsOptions.hostProcess";
        let mut setters = Vec::new();
        if self.spec.flag(PATH) == Some(true) {
            setters.push("pod".to_owned());
        }
        let names = self.names_where(|c| c.flag(PATH) == Some(true));
        if !names.is_empty() {
            setters.push(containers_text(&names));
        }
        (!setters.is_empty()).then(|| ("hostProcess", format!("{} must not set {PATH}=true", setters.join(" and "))))
    }

    fn privilege_escalation(&self) -> Finding {
        let names = self.names_where(|c| c.flag("securityContext.allowPrivilegeEscalation") != Some(false));
        (!names.is_empty()).then(|| {
            let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", containers_text(&names));
            ("allowPrivilegeEscalation != false", detail)
        })
    }

    fn capabilities_restricted(&self) -> Finding {
        let missing = self.names_where(|c| !c.list("securityContext.capabilities.drop").iter().any(|d| d == "ALL"));
        let extra = |c: &'a Value| {
            c.list("securityContext.capabilities.add").iter().filter_map(Value::as_str).filter(|cap| *cap != "NET_BIND_SERVICE")
        };
        let adding: Vec<&str> = self.containers().filter(|c| extra(c).next().is_some()).map(|c| c.text("name")).collect();
        let mut details = Vec::new();
        if !missing.is_empty() {
            details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers_text(&missing)));
        }
        if !adding.is_empty() {
            let capabilities = sorted(self.containers().flat_map(extra));
            details.push(format!(
                "{} must not include {} in securityContext.capabilities.add",
                containers_text(&adding),
                quoted(&capabilities)
            ));
        }
        (!details.is_empty()).then(|| ("unrestricted capabilities", details.join("; ")))
    }

    fn volumes(&self) -> Finding {
        const ALLOWED: [&str; 9] =
            ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image"];
        let kind =
            |v: &'a Value| v.object("").and_then(|m| m.iter().find(|(k, v)| *k != "name" && !v.is_null())).map_or("", |(k, _)| k.as_str());
        let bad: Vec<&Value> = self.spec.list("volumes").iter().filter(|v| !ALLOWED.contains(&kind(v))).collect();
        let names: Vec<&str> = bad.iter().map(|v| v.text("name")).collect();
        let kinds = sorted(bad.into_iter().map(kind));
        (!names.is_empty()).then(|| {
            let detail = format!(
                "{} {} {} {} {}",
                plural("volume", "volumes", names.len()),
                quoted(&names),
                plural("uses", "use", names.len()),
                plural("restricted volume type", "restricted volume types", kinds.len()),
                quoted(&kinds)
            );
            ("restricted volume types", detail)
        })
    }

    fn run_as_non_root(&self) -> Finding {
        const PATH: &str = "securityContext.runAsNonRoot";
        let mut setters = Vec::new();
        if self.spec.flag(PATH) == Some(false) {
            setters.push("pod".to_owned());
        }
        let explicit = self.names_where(|c| c.flag(PATH) == Some(false));
        if !explicit.is_empty() {
            setters.push(containers_text(&explicit));
        }
        if !setters.is_empty() {
            return Some(("runAsNonRoot != true", format!("{} must not set {PATH}=false", setters.join(" and "))));
        }
        if self.spec.flag(PATH) == Some(true) {
            return None;
        }
        let names = self.names_where(|c| !c.has(PATH));
        (!names.is_empty()).then(|| ("runAsNonRoot != true", format!("pod or {} must set {PATH}=true", containers_text(&names))))
    }

    fn run_as_user(&self) -> Finding {
        const PATH: &str = "securityContext.runAsUser";
        let mut setters = Vec::new();
        if self.spec.int(PATH) == Some(0) {
            setters.push("pod".to_owned());
        }
        let names = self.names_where(|c| c.int(PATH) == Some(0));
        if !names.is_empty() {
            setters.push(containers_text(&names));
        }
        (!setters.is_empty()).then(|| ("runAsUser=0", format!("{} must not set runAsUser=0", setters.join(" and "))))
    }

    fn seccomp_restricted(&self) -> Finding {
        const PATH: &str = "securityContext.seccompProfile.type";
        if let Some(found) = self.seccomp_setters(|value| !matches!(value, "" | "RuntimeDefault" | "Localhost")) {
            return Some(found);
        }
        if !self.spec.text(PATH).is_empty() {
            return None;
        }
        let names = self.names_where(|c| c.text(PATH).is_empty());
        (!names.is_empty()).then(|| {
            let detail = format!("pod or {} must set {PATH} to \"RuntimeDefault\" or \"Localhost\"", containers_text(&names));
            ("seccompProfile", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plain_pod_breaks_the_restricted_standard_as_upstream_says() {
        let spec = json!({"containers": [{"name": "web", "image": "nginx"}]});
        assert_eq!(violations(Level::Baseline, &Value::Null, &spec), "");
        assert_eq!(
            violations(Level::Restricted, &Value::Null, &spec),
            "allowPrivilegeEscalation != false (container \"web\" must set securityContext.allowPrivilegeEscalation=false), \
             unrestricted capabilities (container \"web\" must set securityContext.capabilities.drop=[\"ALL\"]), \
             runAsNonRoot != true (pod or container \"web\" must set securityContext.runAsNonRoot=true), \
             seccompProfile (pod or container \"web\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        );
    }

    #[test]
    fn a_hardened_pod_passes() {
        let spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "web", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        });
        assert_eq!(violations(Level::Restricted, &Value::Null, &spec), "");
    }

    #[test]
    fn baseline_refuses_what_reaches_the_host() {
        let spec = json!({"hostNetwork": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
            "containers": [{"name": "a", "securityContext": {"privileged": true}, "ports": [{"hostPort": 80}]}]});
        assert_eq!(
            violations(Level::Baseline, &Value::Null, &spec),
            "host namespaces (hostNetwork=true), hostPath volumes (volume \"v\"), hostPort (container \"a\" uses hostPort 80), \
             privileged (container \"a\" must not set securityContext.privileged=true)"
        );
    }
}
