//! horizontal-pod-autoscaler-controller: sizes workloads by the metrics of their pods (`podautoscaler/horizontal.go`).
//! Resource metrics are read from metrics.k8s.io; custom and external ones are not, and say so as upstream does without their API.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricValueStatus,
    ResourceMetricStatus,
};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use serde_json::Value;
use values::{Quantity, Selector};

use crate::machinery::discovery::preferred;
use crate::machinery::errors::{not_found, text};
use crate::machinery::kit::Reconcile;
use crate::machinery::object::time;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome, Queue, Recorder, pods};

/// `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: f64 = 0.1;

struct Controller {
    kit: Kit,
    recorder: Recorder,
    scalers: Arc<Informer<HorizontalPodAutoscaler>>,
    pods: Arc<Informer<Pod>>,
    queue: Arc<Queue>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("hpa");
    let this = Controller {
        recorder: kit.recorder("horizontal-pod-autoscaler"),
        scalers: kit.informer(),
        pods: kit.informer(),
        queue: queue.clone(),
        kit: kit.clone(),
    };
    let (add, period) = (queue.clone(), kit.options.hpa_sync_period);
    this.scalers.subscribe(move |change| {
        if let Some(scaler) = change.new.filter(|_| change.old.is_none()) {
            // The first look is one period after the scaler appeared, as all later ones.
            add.add_after(scaler.key(), period);
        }
    });
    kit.work(&queue, &[&*this.scalers, &*this.pods], &this).await;
}

/// What a metric proposes, and its value for the status.
type Proposal = (i32, MetricStatus);

struct MetricFailure {
    reason: &'static str,
    message: String,
    long: String,
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &str) -> Outcome {
        let Some(scaler) = self.scalers.get(key) else { return Ok(()) };
        self.queue.add_after(key, self.kit.options.hpa_sync_period);
        self.scale(&scaler).await
    }
}

impl Controller {
    async fn scale(&self, scaler: &HorizontalPodAutoscaler) -> Outcome {
        let now = self.kit.clock.now();
        let spec = scaler.spec.clone().unwrap_or_default();
        let before = scaler.status.clone().unwrap_or_default();
        let mut status = HorizontalPodAutoscalerStatus { observed_generation: scaler.metadata.generation, ..before.clone() };
        let path = match self.scale_path(scaler).await {
            Ok(path) => path,
            Err(reason) => {
                self.recorder.warning(scaler, "FailedGetScale", reason.clone());
                set(
                    &mut status,
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    format!("the HPA controller was unable to get the target's current scale: {reason}"),
                    now,
                );
                return self.write(scaler, &before, status).await;
            }
        };
        let scale = match self.kit.rest.get_json(&path).await {
            Ok(scale) => scale,
            Err(error) => {
                self.recorder.warning(scaler, "FailedGetScale", text(&error));
                set(
                    &mut status,
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    format!("the HPA controller was unable to get the target's current scale: {}", text(&error)),
                    now,
                );
                return self.write(scaler, &before, status).await;
            }
        };
        set(
            &mut status,
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale".to_owned(),
            now,
        );
        let current = i32::try_from(scale["spec"]["replicas"].as_i64().unwrap_or(0)).unwrap_or(0);
        status.current_replicas = Some(current);
        let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
        if current == 0 && min != 0 {
            status.desired_replicas = 0;
            set(
                &mut status,
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero".to_owned(),
                now,
            );
            return self.write(scaler, &before, status).await;
        }
        let mut desired = current;
        if current > max || current < min {
            desired = current.clamp(min, max);
        } else {
            let selector =
                Selector::parse(scale["status"]["selector"].as_str().unwrap_or_default()).unwrap_or_else(|_| Selector::nothing());
            let (mut proposals, mut failures, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
            for metric in spec.metrics.iter().flatten() {
                match self.propose(scaler, metric, &selector, current).await {
                    Ok((size, value)) => {
                        proposals.push((size, metric_name(metric)));
                        metrics.push(value);
                    }
                    Err(failure) => {
                        self.recorder.warning(scaler, failure.reason, failure.message.clone());
                        metrics.push(MetricStatus::default());
                        failures.push(failure);
                    }
                }
            }
            status.current_metrics = Some(metrics);
            let highest = proposals.iter().map(|(n, _)| *n).max();
            if let Some(failure) = failures.first().filter(|_| highest.is_none_or(|h| h < current)) {
                set(
                    &mut status,
                    "ScalingActive",
                    "False",
                    failure.reason,
                    format!("the HPA was unable to compute the replica count: {}", failure.message),
                    now,
                );
                let total = spec.metrics.as_ref().map_or(0, Vec::len);
                let message = format!("invalid metrics ({} invalid out of {total}), first error is: {}", failures.len(), failure.long);
                self.recorder.warning(scaler, "FailedComputeMetricsReplicas", message);
                return self.write(scaler, &before, status).await;
            }
            if let Some((size, name)) = proposals.iter().max_by_key(|(n, _)| *n) {
                set(
                    &mut status,
                    "ScalingActive",
                    "True",
                    "ValidMetricFound",
                    format!("the HPA was able to successfully calculate a replica count from {name}"),
                    now,
                );
                desired = self.limit(scaler, &mut status, *size, current, now);
            }
        }
        if desired != current {
            // Its role has get and update on scale, and no patch.
            let mut wanted = scale.clone();
            wanted["spec"]["replicas"] = desired.into();
            match self.kit.rest.put_json(&path, &wanted).await {
                Ok(_) => {
                    set(
                        &mut status,
                        "AbleToScale",
                        "True",
                        "SucceededRescale",
                        format!("the HPA controller was able to update the target scale to {desired}"),
                        now,
                    );
                    let reason = if desired > current {
                        "cpu resource utilization (percentage of request) above target"
                    } else {
                        "All metrics below target"
                    };
                    self.recorder.normal(scaler, "SuccessfulRescale", format!("New size: {desired}; reason: {reason}"));
                    status.last_scale_time = Some(time(now));
                }
                Err(error) => {
                    self.recorder.warning(scaler, "FailedRescale", format!("New size: {desired}; reason: ; error: {}", text(&error)));
                    set(
                        &mut status,
                        "AbleToScale",
                        "False",
                        "FailedUpdateScale",
                        format!("the HPA controller was unable to update the target scale: {}", text(&error)),
                        now,
                    );
                    self.write(scaler, &before, status).await?;
                    return Err(error.into());
                }
            }
        }
        status.desired_replicas = desired;
        self.write(scaler, &before, status).await
    }

    /// Stabilises (down over 5 minutes unless said otherwise) and limits a proposal.
    fn limit(
        &self,
        scaler: &HorizontalPodAutoscaler,
        status: &mut HorizontalPodAutoscalerStatus,
        proposal: i32,
        current: i32,
        now: Timestamp,
    ) -> i32 {
        let (min, max) = scaler.spec.as_ref().map_or((1, 1), |s| (s.min_replicas.unwrap_or(1), s.max_replicas));
        let down = scaler.spec.as_ref().and_then(|s| s.behavior.as_ref()?.scale_down.as_ref()?.stabilization_window_seconds).unwrap_or(300);
        let key = scaler.key();
        let stable = self.kit.memory.write(|m| {
            let mut list = m.recommendations.get(&key).cloned().unwrap_or_default();
            list.retain(|(at, _)| now.as_second() - at.as_second() <= i64::from(down));
            list.push((now, proposal));
            let highest = list.iter().map(|(_, n)| *n).max().unwrap_or(proposal);
            m.recommendations.insert(key, list);
            if proposal < current { highest.min(current) } else { proposal }
        });
        if stable > proposal {
            set(
                status,
                "AbleToScale",
                "True",
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation".to_owned(),
                now,
            );
        } else {
            set(status, "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size".to_owned(), now);
        }
        let (value, reason, message) = if stable > max {
            ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
        } else if stable < min {
            ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
        } else {
            ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
        };
        set(status, "ScalingLimited", value, reason, message.to_owned(), now);
        stable.clamp(min, max)
    }

    async fn scale_path(&self, scaler: &HorizontalPodAutoscaler) -> Result<String, String> {
        let target = scaler.spec.clone().unwrap_or_default().scale_target_ref;
        let api = target.api_version.clone().unwrap_or_default();
        let group = api.split_once('/').map_or("", |(group, _)| group);
        let (resources, _) = preferred(&self.kit.rest).await.map_err(|e| text(&e))?;
        let resource = resources.iter().find(|r| r.kind == target.kind && r.group == group);
        let resource = resource.ok_or_else(|| format!("no matches for kind {:?} in group {group:?}", target.kind))?;
        Ok(format!("{}/{}/scale", resource.path(scaler.ns()), target.name))
    }

    async fn propose(
        &self,
        scaler: &HorizontalPodAutoscaler,
        metric: &MetricSpec,
        selector: &Selector,
        current: i32,
    ) -> Result<Proposal, MetricFailure> {
        let Some(resource) = &metric.resource else {
            let (reason, api) = match metric.type_.as_str() {
                "Pods" => ("FailedGetPodsMetric", "custom metrics API"),
                "Object" => ("FailedGetObjectMetric", "custom metrics API"),
                "External" => ("FailedGetExternalMetric", "external metrics API"),
                _ => ("FailedGetContainerResourceMetric", "resource metrics API"),
            };
            let message =
                format!("unable to get metric: unable to fetch metrics from {api}: the server could not find the requested resource");
            return Err(MetricFailure { reason, long: message.clone(), message });
        };
        let name = resource.name.as_str();
        let utilization = resource.target.average_utilization;
        let fail = |why: String| {
            let what = if utilization.is_some() {
                format!("failed to get {name} utilization: {why}")
            } else {
                format!("failed to get {name} resource metric value: {why}")
            };
            MetricFailure {
                reason: "FailedGetResourceMetric",
                long: format!("failed to get {name} resource metric value: {what}"),
                message: what,
            }
        };
        let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", scaler.ns());
        let list = self.kit.rest.get_json(&path).await.map_err(|error| {
            let why = if not_found(&error) {
                "the server could not find the requested resource (get pods.metrics.k8s.io)".to_owned()
            } else {
                text(&error)
            };
            fail(format!("unable to get metrics for resource {name}: unable to fetch metrics from resource metrics API: {why}"))
        })?;
        let mine: Vec<_> =
            self.pods.list_in(scaler.ns()).into_iter().filter(|p| selector.matches(p.label_map()) && pods::is_active(p)).collect();
        let (mut used, mut requested, mut measured) = (0i64, 0i64, 0i64);
        for item in list["items"].as_array().into_iter().flatten() {
            let Some(pod) = mine.iter().find(|p| item["metadata"]["name"].as_str() == Some(p.name())) else { continue };
            used += item["containers"].as_array().into_iter().flatten().map(|c| milli(&c["usage"][name])).sum::<i64>();
            for container in pod.spec.iter().flat_map(|s| s.containers.iter()) {
                let request = container.resources.as_ref().and_then(|r| r.requests.as_ref()?.get(name));
                let Some(request) = request else {
                    return Err(fail(format!("missing request for {name} in container {} of Pod {}", container.name, pod.name())));
                };
                requested += Quantity::parse(&request.0).map(|q| q.milli()).unwrap_or(0);
            }
            measured += 1;
        }
        if measured == 0 {
            return Err(fail(format!("unable to get metrics for resource {name}: no metrics returned from resource metrics API")));
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // sizes and shares
        let (ratio, percent) = match utilization {
            Some(target) => {
                let percent = used * 100 / requested.max(1);
                (percent as f64 / f64::from(target), i32::try_from(percent).ok())
            }
            None => {
                let target =
                    resource.target.average_value.as_ref().and_then(|t| Quantity::parse(&t.0).ok()).map_or(1, |q| q.milli()).max(1);
                ((used / measured) as f64 / target as f64, None)
            }
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // sizes
        let size = if (ratio - 1.0).abs() <= TOLERANCE { current } else { (ratio * measured as f64).ceil() as i32 };
        let average = Text(Quantity::from_milli(used / measured).to_string());
        let value = MetricValueStatus { average_utilization: percent, average_value: Some(average), value: None };
        Ok((
            size,
            MetricStatus {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricStatus { current: value, name: name.to_owned() }),
                ..MetricStatus::default()
            },
        ))
    }

    async fn write(
        &self,
        scaler: &HorizontalPodAutoscaler,
        before: &HorizontalPodAutoscalerStatus,
        mut status: HorizontalPodAutoscalerStatus,
    ) -> Outcome {
        status.observed_generation =
            before.observed_generation.or(status.observed_generation).filter(|_| before.observed_generation.is_some());
        if *before != status {
            self.kit.replace_status(&HorizontalPodAutoscaler { status: Some(status), ..scaler.clone() }).await.map_err(Failure::from)?;
        }
        Ok(())
    }
}

fn milli(value: &Value) -> i64 {
    value.as_str().and_then(|t| Quantity::parse(t).ok()).map_or(0, |q| q.milli())
}

fn metric_name(metric: &MetricSpec) -> String {
    match &metric.resource {
        Some(r) if r.target.average_utilization.is_some() => format!("{} resource utilization (percentage of request)", r.name),
        Some(r) => format!("{} resource", r.name),
        None => metric.type_.to_lowercase(),
    }
}

fn set(status: &mut HorizontalPodAutoscalerStatus, kind: &str, value: &str, reason: &str, message: String, now: Timestamp) {
    let conditions = status.conditions.get_or_insert_default();
    let mut new = HorizontalPodAutoscalerCondition {
        type_: kind.to_owned(),
        status: value.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(time(now)),
    };
    match conditions.iter_mut().find(|c| c.type_ == kind) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time = old.last_transition_time.clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}
