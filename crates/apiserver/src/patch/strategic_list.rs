//! Lists in strategic merge patches.

use serde_json::Value;

use super::strategic::{Context, DIRECTIVE, drop_directives, merge_map};
use crate::status::ApiError;

/// Removes values from a list of scalars.
pub(super) fn delete_from(list: &mut Vec<Value>, gone: &[Value]) {
    list.retain(|item| !gone.contains(item));
}

/// Merges a patch's list into the original: by key, or as a set of scalars without one (`mergeSlice`).
pub(super) fn merge_list(
    context: Context<'_>,
    original: Vec<Value>,
    patch: &[Value],
    merge_key: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let server_order = original.clone();
    let Some(key) = merge_key else {
        let mut merged = original;
        for item in patch {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return Ok(reorder(merged, patch, &server_order, None));
    };
    let mut merged = original;
    let mut changes: Vec<Value> = Vec::new();
    let mut replace = false;
    for item in patch {
        match item.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or("")) {
            None | Some("merge") => changes.push(item.clone()),
            Some("replace") => replace = true,
            Some("delete") => {
                let wanted = item.get(key).ok_or_else(|| missing(item, key))?;
                merged.retain(|other| other.get(key) != Some(wanted));
            }
            Some(other) => return Err(ApiError::bad_request(format!("unknown patch type found in strategic merge patch: {other}"))),
        }
    }
    if replace {
        return Ok(changes.iter().map(drop_directives).collect());
    }
    for change in &changes {
        let Value::Object(fields) = change else { return Err(ApiError::bad_request("expected map, got something else in a merged list")) };
        let wanted = fields.get(key).ok_or_else(|| missing(change, key))?;
        match merged.iter_mut().find(|item| item.get(key) == Some(wanted)) {
            Some(Value::Object(item)) => *item = merge_map(context, std::mem::take(item), fields)?,
            _ => merged.push(drop_directives(change)),
        }
    }
    Ok(reorder(merged, &changes, &server_order, Some(key)))
}

fn missing(item: &Value, key: &str) -> ApiError {
    ApiError::bad_request(format!("map: {} does not contain declared merge key: {key}", go_text(item)))
}

/// A value as Go's `%v` prints it.
pub fn go_text(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let list: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            format!("map[{}]", list.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn same(a: &Value, b: &Value, key: Option<&str>) -> bool {
    match key {
        Some(key) => a.get(key).is_some() && a.get(key) == b.get(key),
        None => a == b,
    }
}

fn index(list: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|other| same(other, item, key))
}

/// Orders a merged list (`normalizeElementOrder`): items that the client names come in its order, those of the server alone keep
/// theirs and are woven in by their old neighbours.
pub(super) fn reorder(merged: Vec<Value>, client: &[Value], server: &[Value], key: Option<&str>) -> Vec<Value> {
    let (mut named, mut others): (Vec<Value>, Vec<Value>) = merged.into_iter().partition(|item| index(client, item, key).is_some());
    named.sort_by_key(|item| index(client, item, key));
    others.sort_by_key(|item| index(server, item, key).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        match (others.peek(), named.peek()) {
            (Some(left), Some(right)) => {
                let left_first = match (index(server, left, key), index(server, right, key)) {
                    (Some(l), Some(r)) => l < r,
                    _ => false,
                };
                out.extend(if left_first { others.next() } else { named.next() });
            }
            (Some(_), None) => out.extend(others.next()),
            (None, Some(_)) => out.extend(named.next()),
            (None, None) => return out,
        }
    }
}
