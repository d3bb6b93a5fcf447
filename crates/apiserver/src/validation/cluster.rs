//! Namespaces, nodes, priority classes and leases.

use serde_json::Value;

use super::diff::internal;
use super::names;
use super::path::{Errors, Path};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

/// Highest priority that users may define.
const HIGHEST_PRIORITY: i64 = 1_000_000_000;

/// Judges a Namespace.
pub fn namespace(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    for (i, finalizer) in object.list("spec.finalizers").iter().filter_map(Value::as_str).enumerate() {
        let path = Path::new("spec").child("finalizers").index(i);
        errors.all_invalid(&path, finalizer, names::qualified_name(finalizer));
        if !finalizer.contains('/') && finalizer != "kubernetes" {
            errors.invalid(&path, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
    if input.subresource == "status" {
        let (phase, deleted) = (object.text("status.phase"), object.has("metadata.deletionTimestamp"));
        let path = Path::new("status").child("Phase");
        if !deleted && phase != "Active" {
            errors.invalid(&path, phase, "may only be 'Active' if `deletionTimestamp` is empty");
        } else if deleted && phase != "Terminating" {
            errors.invalid(&path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
        }
    }
    errors.0
}

/// Judges a Node.
pub fn node(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let object = input.object;
    // Upstream reports taints under the metadata's path.
    taints(object.list("spec.taints"), &Path::new("metadata").child("taints"), &mut errors);
    if let Some(old) = input.old {
        let path = Path::new("spec");
        let (before, after) = (old.text("spec.providerID"), object.text("spec.providerID"));
        if !before.is_empty() && before != after {
            errors.forbidden(&path.child("providerID"), "node updates may not change providerID except from \"\" to valid");
        }
        if !old.list("spec.podCIDRs").is_empty() && old.at("spec.podCIDRs") != object.at("spec.podCIDRs") {
            errors.forbidden(&path.child("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
        }
    }
    errors.0
}

fn taints(taints: &[Value], path: &Path, errors: &mut Errors) {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (i, taint) in taints.iter().enumerate() {
        let path = path.index(i);
        let [key, value, effect] = ["key", "value", "effect"].map(|f| taint.text(f));
        errors.all_invalid(&path.child("key"), key, names::qualified_name(key));
        let messages = names::label_value(value);
        if !messages.is_empty() {
            errors.invalid(&path.child("value"), value, messages.join(";"));
        }
        errors.one_of(&path.child("effect"), effect, &EFFECTS);
        if seen.contains(&(key, effect)) {
            let mut error = FieldError::duplicate(&path, internal(taint, &["key", "value", "effect", "timeAdded"], &["value"]));
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
        seen.push((key, effect));
    }
}

/// Judges a PriorityClass.
pub fn priority_class(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (name, value) = (input.object.text("metadata.name"), input.object.int("value").unwrap_or(0));
    if name.starts_with("system-") {
        let known = match name {
            "system-node-critical" => Some(2_000_001_000),
            "system-cluster-critical" => Some(2_000_000_000),
            _ => None,
        };
        let why = match known {
            None => format!("{name} is not a known system priority class"),
            Some(want) if want != value => format!("value of {name} PriorityClass must be {want}"),
            Some(_) if input.object.flag("globalDefault") == Some(true) => format!("globalDefault of {name} PriorityClass must be false"),
            Some(_) => String::new(),
        };
        if !why.is_empty() {
            let text = format!("priority class names with 'system-' prefix are reserved for system use only. error: {why}");
            errors.forbidden(&Path::new("metadata").child("name"), text);
        }
    } else if value > HIGHEST_PRIORITY {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST_PRIORITY}");
        errors.forbidden(&Path::new("value"), why);
    }
    let policy = input.object.text("preemptionPolicy");
    if !policy.is_empty() {
        errors.one_of(&Path::new("preemptionPolicy"), policy, &["PreemptLowerPriority", "Never"]);
    }
    if let Some(old) = input.old {
        if old.int("value").unwrap_or(0) != value {
            errors.forbidden(&Path::new("value"), "may not be changed in an update.");
        }
        errors.immutable(&Path::new("preemptionPolicy"), input.object.at("preemptionPolicy"), old.at("preemptionPolicy"));
    }
    errors.0
}

/// Judges a Lease.
pub fn lease(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    if let Some(seconds) = spec.int("leaseDurationSeconds").filter(|s| *s <= 0) {
        errors.invalid(&path.child("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    if let Some(count) = spec.int("leaseTransitions").filter(|c| *c < 0) {
        errors.invalid(&path.child("leaseTransitions"), count, "must be greater than or equal to 0");
    }
    errors.0
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn taints_are_unique_by_key_and_effect() {
        let object = json!({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule", "value": "x"}, {"key": "b", "effect": "Never"}]}});
        assert_eq!(
            judge(node, &object, None),
            [
                "metadata.taints[1]: Duplicate value: {\"Key\":\"a\",\"Value\":\"x\",\"Effect\":\"NoSchedule\",\"TimeAdded\":null}: taints must be unique by key and effect pair",
                "metadata.taints[2].effect: Unsupported value: \"Never\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
            ]
        );
    }

    #[test]
    fn priorities_have_a_ceiling() {
        let object = json!({"metadata": {"name": "x"}, "value": 2_000_000_000i64});
        assert_eq!(
            judge(priority_class, &object, None),
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]
        );
    }
}
