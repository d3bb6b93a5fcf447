//! resourcequota-controller: what a namespace uses of its quotas.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaStatus, Service};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use values::{Format, Quantity};

use crate::machinery::informer::MetadataCache;
use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome, pods};

/// Collections of the core group that can be counted, with their names in quotas.
const COUNTED: [(&str, &str); 5] = [
    ("configmaps", "/api/v1/configmaps"),
    ("secrets", "/api/v1/secrets"),
    ("replicationcontrollers", "/api/v1/replicationcontrollers"),
    ("resourcequotas", "/api/v1/resourcequotas"),
    ("persistentvolumeclaims", "/api/v1/persistentvolumeclaims"),
];

struct Controller {
    kit: Kit,
    quotas: Arc<Informer<ResourceQuota>>,
    pods: Arc<Informer<Pod>>,
    services: Arc<Informer<Service>>,
    claims: Arc<Informer<PersistentVolumeClaim>>,
    counted: Vec<(&'static str, Arc<dyn MetadataCache>)>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("resource_quota");
    let this = Controller {
        quotas: kit.informer(),
        pods: kit.informer(),
        services: kit.informer(),
        claims: kit.informer(),
        counted: COUNTED.iter().map(|(name, path)| (*name, kit.informers.metadata(path))).collect(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.quotas.subscribe(move |change| {
        if let Some(quota) = change.new.filter(|new| change.old.is_none_or(|old| old.spec != new.spec || old.status != new.status)) {
            add.add(quota.key());
        }
    });
    // What is created is counted by admission; what ends must be given back.
    let wake = |quotas: &Arc<Informer<ResourceQuota>>| {
        let (queue, quotas) = (queue.clone(), quotas.clone());
        move |namespace: &str| quotas.list_in(namespace).iter().for_each(|q| queue.add(q.key()))
    };
    let wake_pods = wake(&this.quotas);
    this.pods.subscribe(move |change| {
        if let Some(pod) = change.any().filter(|p| change.new.is_none() || change.old.is_none() || pods::is_terminal(p)) {
            wake_pods(pod.ns());
        }
    });
    let wake_services = wake(&this.quotas);
    this.services.subscribe(move |change| change.any().iter().for_each(|s| wake_services(s.ns())));
    for (_, cache) in &this.counted {
        let wake = wake(&this.quotas);
        cache.subscribe_metadata(Box::new(move |old, new| {
            if old.is_none() || new.is_none() {
                wake(new.or(old).and_then(|m| m.namespace.as_deref()).unwrap_or_default());
            }
        }));
    }
    kit.work(&queue, &[&*this.quotas, &*this.pods, &*this.services, &*this.claims], &this).await;
}

/// Whether the quota's scopes cover a pod.
fn covers(quota: &ResourceQuota, pod: &Pod) -> bool {
    let spec = quota.spec.clone().unwrap_or_default();
    let terminating = pod.spec.as_ref().is_some_and(|s| s.active_deadline_seconds.is_some());
    let best_effort = pod.status.as_ref().and_then(|s| s.qos_class.as_deref()) == Some("BestEffort");
    let class = pod.spec.as_ref().and_then(|s| s.priority_class_name.clone()).unwrap_or_default();
    let scope = |name: &str| match name {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => !class.is_empty(),
        _ => true,
    };
    let expressions = spec.scope_selector.and_then(|s| s.match_expressions).unwrap_or_default();
    let selected = expressions.iter().all(|e| match (e.scope_name.as_str(), e.operator.as_str()) {
        ("PriorityClass", "In") => e.values.iter().flatten().any(|v| *v == class),
        ("PriorityClass", "NotIn") => !e.values.iter().flatten().any(|v| *v == class),
        (name, "DoesNotExist") => !scope(name),
        (name, _) => scope(name),
    });
    selected && spec.scopes.iter().flatten().all(|s| scope(s))
}

/// What a pod's containers ask for, or are limited to.
fn compute(pod: &Pod, resource: &str, limits: bool) -> Quantity {
    let zero = || Quantity::from_units(0, if resource == "cpu" { Format::DecimalSi } else { Format::BinarySi });
    let of = |c: &k8s_openapi::api::core::v1::Container| {
        let resources = c.resources.as_ref();
        let map = resources.and_then(|r| if limits { r.limits.as_ref() } else { r.requests.as_ref() });
        map.and_then(|m| m.get(resource)).and_then(|t| Quantity::parse(&t.0).ok()).unwrap_or_else(zero)
    };
    let spec = pod.spec.clone().unwrap_or_default();
    let sum = spec.containers.iter().map(of).fold(zero(), |a, b| a + b);
    let start = spec.init_containers.iter().flatten().map(of).max().unwrap_or_else(zero);
    sum.max(start)
}

impl Controller {
    fn used(&self, quota: &ResourceQuota, resource: &str) -> Quantity {
        let namespace = quota.ns();
        let count = |n: usize| Quantity::from_units(i64::try_from(n).unwrap_or(i64::MAX), Format::DecimalSi);
        let plain = resource.strip_prefix("count/").unwrap_or(resource);
        let pods: Vec<_> = self.pods.list_in(namespace).into_iter().filter(|p| !pods::is_terminal(p) && covers(quota, p)).collect();
        let sum = |name: &str, limits: bool| {
            let zero = Quantity::from_units(0, if name == "cpu" { Format::DecimalSi } else { Format::BinarySi });
            pods.iter().map(|p| compute(p, name, limits)).fold(zero, |a, b| a + b)
        };
        let services = |kind: &dyn Fn(&Service) -> usize| count(self.services.list_in(namespace).iter().map(|s| kind(s)).sum());
        let type_of = |s: &Service| s.spec.as_ref().and_then(|s| s.type_.clone()).unwrap_or_default();
        match plain {
            "pods" => count(if resource == plain { pods.len() } else { self.pods.list_in(namespace).len() }),
            "cpu" | "requests.cpu" => sum("cpu", false),
            "memory" | "requests.memory" => sum("memory", false),
            "ephemeral-storage" | "requests.ephemeral-storage" => sum("ephemeral-storage", false),
            "limits.cpu" => sum("cpu", true),
            "limits.memory" => sum("memory", true),
            "limits.ephemeral-storage" => sum("ephemeral-storage", true),
            "services" => services(&|_| 1),
            "services.loadbalancers" => services(&|s| usize::from(type_of(s) == "LoadBalancer")),
            "services.nodeports" => services(&|s| {
                if matches!(type_of(s).as_str(), "NodePort" | "LoadBalancer") {
                    s.spec.as_ref().map_or(0, |s| s.ports.iter().flatten().count())
                } else {
                    0
                }
            }),
            "requests.storage" => {
                let claims = self.claims.list_in(namespace);
                claims
                    .iter()
                    .map(|c| crate::machinery::volume_match::requested(c))
                    .fold(Quantity::from_units(0, Format::BinarySi), |a, b| a + b)
            }
            other => match self.counted.iter().find(|(name, _)| *name == other) {
                Some((_, cache)) => count(cache.metadata().iter().filter(|m| m.namespace.as_deref() == Some(namespace)).count()),
                None => self.count_by_group(namespace, other),
            },
        }
    }

    /// `count/deployments.apps` and the like: the collections that the controllers watch anyway.
    fn count_by_group(&self, namespace: &str, name: &str) -> Quantity {
        let (plural, group) = name.split_once('.').unwrap_or((name, ""));
        let version = if group == "autoscaling" { "v2" } else { "v1" };
        let path = if group.is_empty() { format!("/api/v1/{plural}") } else { format!("/apis/{group}/{version}/{plural}") };
        let cache = self.kit.informers.metadata(&path);
        let count = cache.metadata().iter().filter(|m| m.namespace.as_deref() == Some(namespace)).count();
        Quantity::from_units(i64::try_from(count).unwrap_or(i64::MAX), Format::DecimalSi)
    }
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(quota) = self.quotas.get(key) else { return Ok(()) };
        let hard: BTreeMap<String, Text> = quota.spec.as_ref().and_then(|s| s.hard.clone()).unwrap_or_default();
        let used = hard.keys().map(|name| (name.clone(), Text(self.used(&quota, name).to_string()))).collect();
        let status = ResourceQuotaStatus { hard: Some(hard), used: Some(used) };
        if quota.status.as_ref() != Some(&status) {
            self.kit.replace_status(&ResourceQuota { status: Some(status), ..ResourceQuota::clone(&quota) }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{compute, covers};
    use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
    use serde_json::json;

    #[test]
    fn requests_are_summed_and_scopes_respected() {
        let pod: Pod = serde_json::from_value(json!({"spec": {"containers": [
            {"name": "a", "resources": {"requests": {"cpu": "100m"}}}, {"name": "b", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}]},
            "status": {"qosClass": "Burstable"}})).unwrap();
        assert_eq!((compute(&pod, "cpu", false).to_string(), compute(&pod, "cpu", true).to_string()), ("1100m".to_owned(), "2".to_owned()));
        let quota = |scope: &str| -> ResourceQuota { serde_json::from_value(json!({"spec": {"scopes": [scope]}})).unwrap() };
        assert!(covers(&quota("NotBestEffort"), &pod) && !covers(&quota("BestEffort"), &pod) && !covers(&quota("Terminating"), &pod));
    }
}
