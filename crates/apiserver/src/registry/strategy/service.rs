//! Services: cluster addresses and families (`pkg/registry/core/service/storage/alloc.go`).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::service_ports;
use crate::registry::StrategyCall;
use crate::status::{ApiError, FieldError};

/// Key prefix of services.
pub(super) const PREFIX: &str = "/registry/services/specs/";

fn text<'a>(spec: &'a Value, key: &str) -> &'a str {
    spec.get(key).and_then(Value::as_str).unwrap_or("")
}

fn remove(spec: &mut Value, key: &str) {
    if let Some(map) = spec.as_object_mut() {
        map.shift_remove(key);
    }
}

/// Allocates what the type needs, keeps what was allocated, and drops what the type no longer has.
pub(super) fn prepare(call: &StrategyCall<'_>, object: &mut Value) -> Result<(), ApiError> {
    if !call.subresource.is_empty() {
        return Ok(());
    }
    if let Some(old) = call.old {
        keep_allocated(&mut object["spec"], &old["spec"]);
        drop_foreign_fields(&mut object["spec"], &old["spec"]);
    }
    let name = text(&object["metadata"], "name").to_owned();
    let spec = &mut object["spec"];
    let mut errors = Vec::new();
    if text(spec, "type") == "ExternalName" {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            remove(spec, key);
        }
    } else {
        addresses(call, spec, &mut errors)?;
    }
    service_ports::allocate(call, spec, &mut errors)?;
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("", "Service", &name, &errors)) }
}

/// An update that leaves allocated values out gets the old ones (`patchAllocatedValues`).
fn keep_allocated(new: &mut Value, old: &Value) {
    if text(new, "type") == "ExternalName" || text(old, "type") == "ExternalName" {
        return;
    }
    if text(new, "clusterIP").is_empty() && new["clusterIPs"].as_array().is_none_or(Vec::is_empty) {
        for key in ["clusterIP", "clusterIPs"] {
            if let Some(value) = old.get(key) {
                new[key] = value.clone();
            }
        }
    }
    for key in ["ipFamilies", "ipFamilyPolicy"] {
        if new.get(key).is_none_or(Value::is_null)
            && let Some(value) = old.get(key)
        {
            new[key] = value.clone();
        }
    }
    service_ports::keep(new, old);
}

/// Fields of the old type that came along unchanged go (`dropTypeDependentFields`).
fn drop_foreign_fields(new: &mut Value, old: &Value) {
    let (now, before) = (text(new, "type").to_owned(), text(old, "type").to_owned());
    if now == before {
        return;
    }
    let has_ports = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
    if has_ports(&before) && !has_ports(&now) {
        service_ports::drop_unchanged(new, old);
        if new.get("externalTrafficPolicy") == old.get("externalTrafficPolicy") {
            remove(new, "externalTrafficPolicy");
        }
    }
    if before == "LoadBalancer" {
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"] {
            if new.get(key) == old.get(key) {
                remove(new, key);
            }
        }
    }
    if now == "ExternalName" && new.get("internalTrafficPolicy") == old.get("internalTrafficPolicy") {
        remove(new, "internalTrafficPolicy");
    }
}

fn addresses(call: &StrategyCall<'_>, spec: &mut Value, errors: &mut Vec<FieldError>) -> Result<(), ApiError> {
    // `clusterIPs[0]` and `clusterIP` are one (`normalizeClusterIPs`).
    let first = spec.pointer("/clusterIPs/0").and_then(Value::as_str).unwrap_or("").to_owned();
    let asked = if text(spec, "clusterIP").is_empty() { first } else { text(spec, "clusterIP").to_owned() };
    if asked == "None" {
        let selector = spec.get("selector").and_then(Value::as_object).is_some_and(|selector| !selector.is_empty());
        families(spec, selector);
        spec["clusterIP"] = "None".into();
        spec["clusterIPs"] = json!(["None"]);
        return Ok(());
    }
    families(spec, true);
    let kept = call.old.is_some_and(|old| text(&old["spec"], "clusterIP") == asked && !asked.is_empty());
    let address = if kept {
        asked
    } else {
        let used = used(call)?;
        match allocate(call, &asked, &used) {
            Ok(address) => address,
            Err(why) => {
                let why = format!("failed to allocate IP {asked}: {why}");
                errors.push(FieldError::invalid("spec.clusterIPs", json!([asked]), why));
                return Ok(());
            }
        }
    };
    spec["clusterIP"] = address.clone().into();
    spec["clusterIPs"] = json!([address]);
    Ok(())
}

/// One family; a headless service without selector claims both, because nothing checks its endpoints.
fn families(spec: &mut Value, single: bool) {
    if spec.get("ipFamilyPolicy").is_none_or(Value::is_null) {
        spec["ipFamilyPolicy"] = if single { "SingleStack" } else { "RequireDualStack" }.into();
    }
    if spec["ipFamilies"].as_array().is_none_or(Vec::is_empty) {
        let single = spec["ipFamilyPolicy"] != "RequireDualStack";
        spec["ipFamilies"] = if single { json!(["IPv4"]) } else { json!(["IPv4", "IPv6"]) };
    }
}

fn used(call: &StrategyCall<'_>) -> Result<BTreeSet<String>, ApiError> {
    let page = call.core.store.list(PREFIX).map_err(ApiError::from)?;
    Ok(page.items.iter().filter_map(|(_, service)| service.value().pointer("/spec/clusterIP")?.as_str().map(str::to_owned)).collect())
}

/// First address and size of an IPv4 range.
fn range(cidr: &str) -> Option<(u32, u32)> {
    let (address, bits) = cidr.split_once('/')?;
    let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    let size = 1u32.checked_shl(32u32.checked_sub(bits)?).unwrap_or(u32::MAX);
    Some((u32::from(address) & !(size - 1), size))
}

fn allocate(call: &StrategyCall<'_>, asked: &str, used: &BTreeSet<String>) -> Result<String, String> {
    let cidr = &call.core.config.service_cidr;
    let Some((base, size)) = range(cidr) else { return Err(format!("invalid service range {cidr}")) };
    if !asked.is_empty() {
        let inside = asked.parse::<Ipv4Addr>().is_ok_and(|ip| u32::from(ip) > base && u32::from(ip) < base + size - 1);
        return match (inside, used.contains(asked)) {
            (false, _) => Err("the provided network does not match the current range".into()),
            (true, true) => Err("provided IP is already allocated".into()),
            (true, false) => Ok(asked.to_owned()),
        };
    }
    // The lower band is for addresses chosen by people (`calculateRangeOffset`).
    let offset = if size < 16 { 0 } else { (size / 16).clamp(16, 256).min(size / 2) };
    let upper = size.saturating_sub(offset + 1).max(1);
    let start = call.core.store.generate(|generator| generator.below(u64::from(upper))) as u32;
    let order = (0..upper).map(|i| offset + (start + i) % upper).chain(1..offset);
    let free = order.filter(|n| *n > 0).map(|n| Ipv4Addr::from(base + n).to_string()).find(|ip| !used.contains(ip));
    free.ok_or_else(|| "range is full".into())
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges() {
        assert_eq!(range("10.96.0.0/12"), Some((0x0a60_0000, 1 << 20)));
        assert_eq!(range("10.96.0.5/24"), Some((0x0a60_0000, 256)));
        assert_eq!(range("x"), None);
    }
}
