//! Node ports of services (`pkg/registry/core/service/storage/alloc.go`, `portallocator`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::service::PREFIX;
use crate::registry::StrategyCall;
use crate::status::{ApiError, FieldError};

fn ports(spec: &mut Value) -> impl Iterator<Item = &mut Value> {
    spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten()
}

fn node_port(port: &Value) -> i64 {
    port.get("nodePort").and_then(Value::as_i64).unwrap_or(0)
}

fn wants(spec: &Value) -> bool {
    match spec.get("type").and_then(Value::as_str) {
        Some("NodePort") => true,
        Some("LoadBalancer") => spec.get("allocateLoadBalancerNodePorts").and_then(Value::as_bool).unwrap_or(true),
        _ => false,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a.get("port") == b.get("port") && a.get("protocol") == b.get("protocol")
}

/// Ports that an update leaves open keep their old number.
pub(super) fn keep(new: &mut Value, old: &Value) {
    if !wants(new) || !wants(old) {
        return;
    }
    let before: Vec<Value> = old.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut taken: BTreeSet<i64> = ports(new).map(|port| node_port(port)).collect();
    for port in ports(new).filter(|port| node_port(port) == 0) {
        if let Some(number) = before.iter().find(|b| same(b, port)).map(node_port).filter(|n| *n != 0 && taken.insert(*n)) {
            port["nodePort"] = number.into();
        }
    }
}

/// Numbers that came along unchanged go when the type has none.
pub(super) fn drop_unchanged(new: &mut Value, old: &Value) {
    let before: BTreeSet<i64> = old.get("ports").and_then(Value::as_array).into_iter().flatten().map(node_port).collect();
    for port in ports(new) {
        if before.contains(&node_port(port))
            && let Some(map) = port.as_object_mut()
        {
            map.shift_remove("nodePort");
        }
    }
}

/// Gives each port a number, or checks the one asked for.
pub(super) fn allocate(call: &StrategyCall<'_>, spec: &mut Value, errors: &mut Vec<FieldError>) -> Result<(), ApiError> {
    if !wants(spec) {
        return Ok(());
    }
    let own: BTreeSet<i64> = call.old.and_then(|old| old.pointer("/spec/ports")?.as_array()).into_iter().flatten().map(node_port).collect();
    let page = call.core.store.list(PREFIX).map_err(ApiError::from)?;
    let all = page.items.iter().filter_map(|(_, service)| service.value().pointer("/spec/ports")?.as_array()).flatten();
    let mut used: BTreeSet<(String, i64)> = all.filter(|port| !own.contains(&node_port(port))).map(identity).collect();
    let (low, high) = call.core.config.node_ports;
    let (low, high) = (i64::from(low), i64::from(high));
    for (index, port) in ports(spec).enumerate() {
        let field = format!("spec.ports[{index}].nodePort");
        let (protocol, asked) = identity(port);
        if asked != 0 {
            let known = own.contains(&asked);
            if !known && !(low..=high).contains(&asked) {
                let why = format!("provided port is not in the valid range. The range of valid ports is {low}-{high}");
                errors.push(FieldError::invalid(field, asked, why));
            } else if !used.insert((protocol, asked)) {
                errors.push(FieldError::invalid(field, asked, "provided port is already allocated"));
            }
            continue;
        }
        let size = (high - low + 1).max(1);
        // The lower band is for numbers chosen by people.
        let offset = if size < 16 { 0 } else { (size / 32).clamp(16, 128) };
        let start = call.core.store.generate(|generator| generator.below((size - offset) as u64)) as i64;
        let order = (0..size - offset).map(|i| low + offset + (start + i) % (size - offset)).chain(low..low + offset);
        // A new number is free for every protocol.
        let taken: BTreeSet<i64> = used.iter().map(|(_, number)| *number).chain(own.iter().copied()).collect();
        match order.into_iter().find(|number| !taken.contains(number)) {
            Some(number) => {
                used.insert((protocol, number));
                port["nodePort"] = number.into();
            }
            None => return Err(ApiError::internal("failed to allocate a nodePort: range is full")),
        }
    }
    Ok(())
}

fn identity(port: &Value) -> (String, i64) {
    (port.get("protocol").and_then(Value::as_str).unwrap_or("TCP").to_owned(), node_port(port))
}
