//! A container's environment (`makeEnvironmentVariables`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container as Spec, EnvVarSource, Pod, ResourceFieldSelector};
use serde_json::Value;
use values::Quantity;

use super::pods::{name, namespace, uid};
use super::process::Kubelet;
use super::status::spec;

/// All that variables may refer to.
pub(super) struct Environment<'a> {
    pub(super) kubelet: &'a Kubelet,
    pub(super) pod: &'a Pod,
    pub(super) container: &'a Spec,
    pub(super) ip: Option<&'a str>,
}

impl Environment<'_> {
    /// All variables in order: Services', `envFrom`, `env`.
    pub(super) async fn resolve(&self) -> Result<Vec<(String, String)>, String> {
        let mut services = self.services();
        let mut result: Vec<(String, String)> = Vec::new();
        let set = |result: &mut Vec<(String, String)>, name: &str, value: String| match result.iter_mut().find(|(other, _)| other == name) {
            Some(pair) => pair.1 = value,
            None => result.push((name.to_owned(), value)),
        };
        let mut objects: BTreeMap<String, Option<Value>> = BTreeMap::new();
        for source in self.container.env_from.iter().flatten() {
            let prefix = source.prefix.clone().unwrap_or_default();
            let (kind, object, optional) = match (&source.config_map_ref, &source.secret_ref) {
                (Some(map), _) => ("configmap", map.name.clone(), map.optional.unwrap_or(false)),
                (None, Some(secret)) => ("secret", secret.name.clone(), secret.optional.unwrap_or(false)),
                _ => continue,
            };
            let Some(data) = self.fetch(&mut objects, kind, &object).await? else {
                if optional {
                    continue;
                }
                return Err(format!("{kind} \"{object}\" not found"));
            };
            for (key, value) in data {
                set(&mut result, &format!("{prefix}{key}"), value);
            }
        }
        for variable in self.container.env.iter().flatten() {
            let value = match (&variable.value, &variable.value_from) {
                (_, Some(source)) => match self.value_from(source, &mut objects).await? {
                    Some(value) => value,
                    None => continue,
                },
                (Some(text), None) => expand(text, |name| {
                    result.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).or_else(|| services.get(name).cloned())
                }),
                (None, None) => String::new(),
            };
            set(&mut result, &variable.name, value);
        }
        for (name, _) in &result {
            services.remove(name);
        }
        result.extend(services);
        Ok(result)
    }

    async fn value_from(&self, source: &EnvVarSource, objects: &mut BTreeMap<String, Option<Value>>) -> Result<Option<String>, String> {
        if let Some(field) = &source.field_ref {
            return field_value(self.kubelet, self.pod, self.ip, &field.field_path).map(Some);
        }
        if let Some(field) = &source.resource_field_ref {
            return resource_value(self.kubelet, self.pod, self.container, field).map(Some);
        }
        let (kind, shown, object, key, optional) = match (&source.config_map_key_ref, &source.secret_key_ref) {
            (Some(map), _) => ("configmap", "ConfigMap", map.name.clone(), map.key.clone(), map.optional.unwrap_or(false)),
            (None, Some(secret)) => ("secret", "Secret", secret.name.clone(), secret.key.clone(), secret.optional.unwrap_or(false)),
            _ => return Ok(None),
        };
        match self.fetch(objects, kind, &object).await? {
            None if optional => Ok(None),
            None => Err(format!("{kind} \"{object}\" not found")),
            Some(data) => match data.into_iter().find(|(other, _)| *other == key) {
                Some((_, value)) => Ok(Some(value)),
                None if optional => Ok(None),
                None => Err(format!("couldn't find key {key} in {shown} {}/{object}", namespace(self.pod))),
            },
        }
    }

    /// Data of a ConfigMap or Secret; `None` if there is none of that name.
    async fn fetch(
        &self,
        objects: &mut BTreeMap<String, Option<Value>>,
        kind: &str,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, String> {
        let path = format!("/api/v1/namespaces/{}/{kind}s/{name}", namespace(self.pod));
        if !objects.contains_key(&path) {
            let found = self.kubelet.fetch(&path).await?;
            objects.insert(path.clone(), found);
        }
        Ok(objects
            .get(&path)
            .and_then(Option::as_ref)
            .map(|object| data_of(object).into_iter().map(|(key, bytes)| (key, String::from_utf8_lossy(&bytes).into_owned())).collect()))
    }

    /// `{NAME}_SERVICE_HOST` and the like, of the Services of the pod's namespace and of the API server's.
    fn services(&self) -> BTreeMap<String, String> {
        let links = spec(self.pod).enable_service_links.unwrap_or(true);
        let store = self.kubelet.services.borrow();
        let mut variables = BTreeMap::new();
        for service in store.objects.values() {
            let (own_name, own_namespace) =
                (service.metadata.name.as_deref().unwrap_or_default(), service.metadata.namespace.as_deref().unwrap_or_default());
            let master = own_namespace == "default" && own_name == "kubernetes";
            if !(master || links && own_namespace == namespace(self.pod)) {
                continue;
            }
            let Some(spec) = &service.spec else { continue };
            let Some(ip) = spec.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None") else { continue };
            let prefix = own_name.to_uppercase().replace('-', "_");
            let ports = spec.ports.clone().unwrap_or_default();
            let Some(first) = ports.first() else { continue };
            variables.insert(format!("{prefix}_SERVICE_HOST"), ip.to_owned());
            variables.insert(format!("{prefix}_SERVICE_PORT"), first.port.to_string());
            for port in &ports {
                let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
                if let Some(port_name) = port.name.as_ref().filter(|name| !name.is_empty()) {
                    variables
                        .insert(format!("{prefix}_SERVICE_PORT_{}", port_name.to_uppercase().replace('-', "_")), port.port.to_string());
                }
                let base = format!("{prefix}_PORT_{}_{protocol}", port.port);
                let url = format!("{}://{ip}:{}", protocol.to_lowercase(), port.port);
                variables.entry(format!("{prefix}_PORT")).or_insert_with(|| url.clone());
                variables.insert(base.clone(), url);
                variables.insert(format!("{base}_PROTO"), protocol.to_lowercase());
                variables.insert(format!("{base}_PORT"), port.port.to_string());
                variables.insert(format!("{base}_ADDR"), ip.to_owned());
            }
        }
        variables
    }
}

impl Kubelet {
    /// GET of an object that may be missing.
    pub(super) async fn fetch(&self, path: &str) -> Result<Option<Value>, String> {
        let Some(client) = &self.client else { return Ok(None) };
        match client.get::<Value>(path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.message),
        }
    }
}

/// `data`, `stringData` and `binaryData` as bytes.
pub(super) fn data_of(object: &Value) -> BTreeMap<String, Vec<u8>> {
    use base64::Engine;
    let secret = object["kind"] == "Secret";
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    let mut data = BTreeMap::new();
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        data.insert(key.clone(), if secret { decode(text) } else { text.as_bytes().to_vec() });
    }
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        data.insert(key.clone(), decode(value.as_str().unwrap_or_default()));
    }
    data
}

/// `fieldRef` of variables and of downward API volumes.
pub(super) fn field_value(kubelet: &Kubelet, pod: &Pod, ip: Option<&str>, path: &str) -> Result<String, String> {
    let map = |map: &Option<BTreeMap<String, String>>| -> String {
        map.iter().flatten().map(|(key, value)| format!("{key}={}", component::klog::quote(value))).collect::<Vec<_>>().join("\n")
    };
    if let Some((base, key)) = path.strip_suffix(']').and_then(|path| path.split_once("['")) {
        let key = key.trim_end_matches('\'');
        let source = if base.ends_with("annotations") { &pod.metadata.annotations } else { &pod.metadata.labels };
        return Ok(source.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default());
    }
    Ok(match path {
        "metadata.name" => name(pod).to_owned(),
        "metadata.namespace" => namespace(pod).to_owned(),
        "metadata.uid" => uid(pod),
        "metadata.labels" => map(&pod.metadata.labels),
        "metadata.annotations" => map(&pod.metadata.annotations),
        "spec.nodeName" => kubelet.settings.node_name.clone(),
        "spec.serviceAccountName" => spec(pod).service_account_name.clone().unwrap_or_else(|| "default".to_owned()),
        "status.hostIP" | "status.hostIPs" => kubelet.settings.node_ip.clone(),
        "status.podIP" | "status.podIPs" => ip.unwrap_or_default().to_owned(),
        _ => return Err(format!("unsupported fieldPath: {path}")),
    })
}

/// `resourceFieldRef`; a limit that is not set is the node's allocatable.
pub(super) fn resource_value(kubelet: &Kubelet, pod: &Pod, container: &Spec, field: &ResourceFieldSelector) -> Result<String, String> {
    let spec = spec(pod);
    let named = field.container_name.as_deref().filter(|name| !name.is_empty());
    let container = match named {
        Some(named) => spec.containers.iter().find(|other| other.name == named).ok_or_else(|| format!("container {named} not found"))?,
        None => container,
    };
    let (list, resource) = field.resource.split_once('.').ok_or_else(|| format!("unsupported container resource : {}", field.resource))?;
    let resources = container.resources.clone().unwrap_or_default();
    let map = if list == "limits" { resources.limits } else { resources.requests }.unwrap_or_default();
    let hardware = kubelet.machine.read(|state| state.hardware.clone());
    let quantity = match map.get(resource) {
        Some(quantity) => Quantity::parse(&quantity.0).map_err(|error| error.to_string())?,
        None if list == "limits" => match resource {
            "cpu" => Quantity::parse(&hardware.cpus.to_string()).map_err(|error| error.to_string())?,
            "memory" => Quantity::parse(&format!("{}Ki", hardware.memory_kib)).map_err(|error| error.to_string())?,
            _ => Quantity::from_milli(0),
        },
        None => Quantity::from_milli(0),
    };
    let divisor = field.divisor.as_ref().and_then(|divisor| Quantity::parse(&divisor.0).ok()).filter(|divisor| !divisor.is_zero());
    let divisor = divisor.map_or(1.0, |divisor| divisor.to_f64());
    Ok(format!("{}", (quantity.to_f64() / divisor).ceil() as i64))
}

/// `$(NAME)` is replaced by a variable that is known; `$$` is a dollar sign (`third_party/forked/golang/expansion`).
pub(super) fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match lookup(name) {
                Some(value) => out.push_str(&value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn references_are_expanded_and_escapes_kept() {
        let lookup = |name: &str| (name == "A").then(|| "1".to_owned());
        for (text, expected) in [("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$A $", "$A $"), ("x$(A", "x$(A")] {
            assert_eq!(expand(text, lookup), expected);
        }
    }
}
