//! `ResourceQuota`: what is created is charged before it is stored.

use serde_json::{Map, Value};

use super::plugin::{forbidden, lookup};
use super::quota_usage::{Usage, constraints, in_scope, of};
use crate::json::Json;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;
use crate::store::StoreError;

pub(super) fn judge(call: &AdmissionCall<'_>, object: &Value) -> Result<(), ApiError> {
    let counted =
        matches!(call.operation, Operation::Create | Operation::Update) && call.subresource.is_empty() && !call.namespace.is_empty();
    let plural = call.resource.plural.as_str();
    // Quotas do not limit themselves; reviews are not stored.
    let exempt = matches!(call.resource.gvk.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") || plural == "events";
    // An update matters only where usage can grow.
    let grows = call.operation == Operation::Create || matches!(plural, "services" | "persistentvolumeclaims");
    if !counted || exempt || !grows {
        return Ok(());
    }
    let quotas = lookup(call).list("", "resourcequotas", call.namespace);
    if quotas.is_empty() {
        return Ok(());
    }
    let group = call.resource.gvk.group.as_str();
    let mut usage = of(group, plural, object);
    if let Some(old) = call.old {
        subtract(&mut usage, &of(group, plural, old));
    }
    // A request that can only free something always passes.
    usage.retain(|_, amount| !amount.is_zero() && !amount.is_negative());
    let mut charges = Vec::new();
    for quota in &quotas {
        let value = quota.value();
        if !in_scope(plural, object, value) {
            continue;
        }
        let hard: Vec<&str> = value.entries("status.hard").into_iter().map(|(name, _)| name).collect();
        let wanted: Vec<&str> = value.entries("spec.hard").into_iter().map(|(name, _)| name).filter(|n| usage.contains_key(*n)).collect();
        let name = value.text("metadata.name");
        if plural == "pods" && call.operation == Operation::Create {
            let all: Vec<&str> = value.entries("spec.hard").into_iter().map(|(name, _)| name).collect();
            constraints(object, &all).map_err(|why| forbidden(call, object, format!("failed quota: {name}: {why}")))?;
        }
        if wanted.is_empty() {
            continue;
        }
        if wanted.iter().any(|n| !hard.contains(n)) {
            return Err(forbidden(call, object, format!("status unknown for quota: {name}, resources: {}", wanted.join(","))));
        }
        charges.push((quota, charge(call, object, value, &usage, &wanted)?));
    }
    if call.dry_run {
        return Ok(());
    }
    for (quota, used) in charges {
        let mut changed = quota.value().clone();
        changed.put("status.used", used);
        let key =
            call.core.registry().find("", "v1", "resourcequotas").and_then(|row| row.key(call.namespace, changed.text("metadata.name")));
        // Where another writer was faster, the quota controller counts again.
        if let Some(Err(StoreError::Unavailable)) = key.map(|key| call.core.store.update(&key, quota.revision(), changed)) {
            return Err(ApiError::internal("context deadline exceeded"));
        }
    }
    Ok(())
}

fn subtract(usage: &mut Usage, old: &Usage) {
    for (name, amount) in old {
        if let Some(present) = usage.get_mut(name) {
            *present -= *amount;
        }
    }
}

/// The quota's new `status.used`, or the refusal.
fn charge(call: &AdmissionCall<'_>, object: &Value, quota: &Value, usage: &Usage, names: &[&str]) -> Result<Value, ApiError> {
    let get = |path: &str, name: &str| {
        let text = quota.object(path).and_then(|m| m.get(name)).and_then(Value::as_str).unwrap_or("0");
        text.parse::<values::Quantity>().unwrap_or_else(|_| values::Quantity::from_milli(0))
    };
    let mut used: Map<String, Value> = quota.object("status.used").cloned().unwrap_or_default();
    let (mut asked, mut present, mut limit) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let Some(amount) = usage.get(*name) else { continue };
        let (before, hard) = (get("status.used", name), get("status.hard", name));
        let after = before + *amount;
        if after > hard {
            asked.push(format!("{name}={amount}"));
            present.push(format!("{name}={before}"));
            limit.push(format!("{name}={hard}"));
        }
        used.insert((*name).to_owned(), after.to_string().into());
    }
    if asked.is_empty() {
        return Ok(Value::Object(used));
    }
    let why = format!(
        "exceeded quota: {}, requested: {}, used: {}, limited: {}",
        quota.text("metadata.name"),
        asked.join(","),
        present.join(","),
        limit.join(",")
    );
    Err(forbidden(call, object, why))
}
