//! disruption-controller: how many pods of a PodDisruptionBudget may be evicted.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use values::Selector;

use super::common::scaled;
use crate::machinery::kit::Reconcile;
use crate::machinery::object::time;
use crate::machinery::{Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

/// An eviction that was granted but whose pod did not go counts as disrupted for so long (`DeletionTimeout`).
const DELETION_TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

struct Controller {
    kit: Kit,
    recorder: Recorder,
    budgets: Arc<Informer<PodDisruptionBudget>>,
    pods: Arc<Informer<Pod>>,
    replica_sets: Arc<Informer<ReplicaSet>>,
    deployments: Arc<Informer<Deployment>>,
    stateful_sets: Arc<Informer<StatefulSet>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("disruption");
    let this = Controller {
        recorder: kit.recorder("controllermanager"),
        budgets: kit.informer(),
        pods: kit.informer(),
        replica_sets: kit.informer(),
        deployments: kit.informer(),
        stateful_sets: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let add = queue.clone();
    this.budgets.subscribe(move |change| {
        if let Some(budget) = change.new {
            add.add(budget.key());
        }
    });
    let (add, budgets) = (queue.clone(), this.budgets.clone());
    this.pods.subscribe(move |change| {
        for pod in [change.old, change.new].into_iter().flatten() {
            budgets.list_in(pod.ns()).iter().filter(|b| selector(b).matches(pod.label_map())).for_each(|b| add.add(b.key()));
        }
    });
    // The size of a workload is what percentages refer to.
    let all_in = |queue: &Arc<Queue>, budgets: &Arc<Informer<PodDisruptionBudget>>| {
        let (queue, budgets) = (queue.clone(), budgets.clone());
        move |namespace: &str| budgets.list_in(namespace).iter().for_each(|b| queue.add(b.key()))
    };
    let wake = all_in(&queue, &this.budgets);
    this.deployments.subscribe(move |change| {
        if change.old.map(|d| d.generation()) != change.new.map(|d| d.generation()) {
            change.any().iter().for_each(|d| wake(d.ns()));
        }
    });
    let wake = all_in(&queue, &this.budgets);
    this.stateful_sets.subscribe(move |change| {
        if change.old.map(|d| d.generation()) != change.new.map(|d| d.generation()) {
            change.any().iter().for_each(|d| wake(d.ns()));
        }
    });
    kit.work(&queue, &[&*this.budgets, &*this.pods, &*this.replica_sets, &*this.deployments, &*this.stateful_sets], &this).await;
}

fn selector(budget: &PodDisruptionBudget) -> Selector {
    let selector = budget.spec.as_ref().and_then(|s| s.selector.as_ref());
    selector.and_then(|s| Selector::from_label_selector(s).ok()).unwrap_or_else(Selector::nothing)
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(budget) = self.budgets.get(key) else { return Ok(()) };
        let now = self.kit.clock.now();
        let selector = selector(&budget);
        let covered: Vec<_> =
            self.pods.list_in(budget.ns()).into_iter().filter(|p| selector.matches(p.label_map()) && !pods::is_terminal(p)).collect();
        if covered.is_empty() {
            self.recorder.normal(&*budget, "NoPods", "No matching pods found");
        }
        let old = budget.status.clone().unwrap_or_default();
        let disrupted: std::collections::BTreeMap<String, _> = old
            .disrupted_pods
            .clone()
            .unwrap_or_default()
            .into_iter()
            .filter(|(name, at)| {
                covered.iter().any(|p| p.name() == name && !p.deleting())
                    && at.0.checked_add(DELETION_TIMEOUT).unwrap_or(Timestamp::MAX) > now
            })
            .collect();
        if let Some(next) = disrupted.values().map(|t| t.0).min() {
            self.queue.add_when(key, next.checked_add(DELETION_TIMEOUT).unwrap_or(Timestamp::MAX));
        }
        let status = match self.expected(&budget, &covered) {
            Ok((expected, desired)) => {
                let healthy = covered.iter().filter(|p| !p.deleting() && !disrupted.contains_key(p.name()) && pods::is_ready(p)).count();
                compute(&budget, &old, expected, desired, i32::try_from(healthy).unwrap_or(i32::MAX), disrupted, now)
            }
            Err(reason) => {
                // Fail safe: nobody may be evicted.
                self.recorder.warning(
                    &*budget,
                    "CalculateExpectedPodCountFailed",
                    format!("Failed to calculate the number of expected pods: {reason}"),
                );
                let mut status = old.clone();
                status.disruptions_allowed = 0;
                status.observed_generation = Some(budget.generation());
                set_condition(&mut status, "False", "SyncFailed", &reason, budget.generation(), now);
                status
            }
        };
        if budget.status.as_ref() != Some(&status) {
            self.kit.replace_status(&PodDisruptionBudget { status: Some(status), ..PodDisruptionBudget::clone(&budget) }).await?;
        }
        Ok(())
    }
}

fn set_condition(status: &mut PodDisruptionBudgetStatus, value: &str, reason: &str, message: &str, generation: i64, now: Timestamp) {
    let conditions = status.conditions.get_or_insert_default();
    let new = Condition {
        type_: "DisruptionAllowed".to_owned(),
        status: value.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(generation),
        last_transition_time: time(now),
    };
    match conditions.iter_mut().find(|c| c.type_ == new.type_) {
        Some(old) => {
            let since = if old.status == new.status { old.last_transition_time.clone() } else { new.last_transition_time.clone() };
            *old = Condition { last_transition_time: since, ..new };
        }
        None => conditions.push(new),
    }
}

fn compute(
    budget: &PodDisruptionBudget,
    old: &PodDisruptionBudgetStatus,
    expected: i32,
    desired: i32,
    healthy: i32,
    disrupted: std::collections::BTreeMap<String, k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    now: Timestamp,
) -> PodDisruptionBudgetStatus {
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let mut status = PodDisruptionBudgetStatus {
        current_healthy: healthy,
        desired_healthy: desired,
        expected_pods: expected,
        disruptions_allowed: allowed,
        disrupted_pods: (!disrupted.is_empty()).then_some(disrupted),
        observed_generation: Some(budget.generation()),
        conditions: old.conditions.clone(),
    };
    let (value, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    set_condition(&mut status, value, reason, "", budget.generation(), now);
    status
}

impl Controller {
    /// Pods that there should be, and how many of them must stay healthy (`getExpectedPodCount`).
    fn expected(&self, budget: &PodDisruptionBudget, covered: &[Arc<Pod>]) -> Result<(i32, i32), String> {
        let spec = budget.spec.clone().unwrap_or_default();
        let present = i32::try_from(covered.len()).unwrap_or(i32::MAX);
        if let Some(max) = &spec.max_unavailable {
            let expected = self.scale(budget, covered)?;
            return Ok((expected, (expected - scaled(max, expected, true)).max(0)));
        }
        match spec.min_available {
            Some(IntOrString::Int(min)) => Ok((present, min)),
            Some(percent) => {
                let expected = self.scale(budget, covered)?;
                Ok((expected, scaled(&percent, expected, true)))
            }
            None => Ok((present, 0)),
        }
    }

    /// The sum of the sizes of the workloads that own the pods.
    fn scale(&self, budget: &PodDisruptionBudget, covered: &[Arc<Pod>]) -> Result<i32, String> {
        let mut sizes: std::collections::BTreeMap<String, i32> = std::collections::BTreeMap::new();
        for pod in covered {
            // Pods without an owner belong to no scale and are left out.
            let Some(owner) = pod.controller() else { continue };
            let (uid, size) = self.size_of(budget.ns(), owner).ok_or_else(|| format!("found no controllers for pod {:?}", pod.name()))?;
            sizes.insert(uid, size);
        }
        Ok(sizes.values().sum())
    }

    fn size_of(&self, namespace: &str, owner: &OwnerReference) -> Option<(String, i32)> {
        let key = format!("{namespace}/{}", owner.name);
        match owner.kind.as_str() {
            "ReplicaSet" => {
                let set = self.replica_sets.get(&key)?;
                if let Some(deployment) = set.controller().filter(|o| o.kind == "Deployment") {
                    let deployment = self.deployments.get(&format!("{namespace}/{}", deployment.name))?;
                    return Some((deployment.uid().to_owned(), deployment.spec.as_ref()?.replicas.unwrap_or(1)));
                }
                Some((set.uid().to_owned(), set.spec.as_ref()?.replicas.unwrap_or(1)))
            }
            "StatefulSet" => {
                let set = self.stateful_sets.get(&key)?;
                Some((set.uid().to_owned(), set.spec.as_ref()?.replicas.unwrap_or(1)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::compute;
    use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};

    #[test]
    fn what_is_above_the_desired_number_may_go() {
        for (expected, desired, healthy, allowed, reason) in
            [(3, 2, 3, 1, "SufficientPods"), (3, 2, 2, 0, "InsufficientPods"), (0, 0, 0, 0, "InsufficientPods")]
        {
            let status = compute(
                &PodDisruptionBudget::default(),
                &PodDisruptionBudgetStatus::default(),
                expected,
                desired,
                healthy,
                Default::default(),
                jiff::Timestamp::UNIX_EPOCH,
            );
            assert_eq!((status.disruptions_allowed, status.conditions.unwrap()[0].reason.as_str()), (allowed, reason));
        }
    }
}
