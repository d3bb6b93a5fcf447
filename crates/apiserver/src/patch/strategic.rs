//! Strategic merge patch (`apimachinery/pkg/util/strategicpatch`): maps merge, lists merge by the keys of their types.

use serde_json::{Map, Value};

use super::strategic_list::{delete_from, merge_list, reorder};
use crate::schema::{MergeStrategy, Shape, Table, TypeId};
use crate::status::ApiError;

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

type Fields = Map<String, Value>;

/// What is known of the place that is merged.
#[derive(Clone, Copy)]
pub(super) struct Context<'t> {
    pub table: &'t Table,
    /// Type of an object; `None` where any JSON may stand.
    pub id: Option<TypeId>,
}

/// Type and strategy of a field.
pub(super) struct FieldInfo<'t> {
    /// Type of the field's object, or of its list's items.
    inner: Option<TypeId>,
    merge_key: Option<&'t str>,
    strategy: MergeStrategy,
}

impl<'t> Context<'t> {
    fn field(self, name: &str) -> FieldInfo<'t> {
        let field = self.id.and_then(|id| self.table.get(id).field(name));
        let Some(field) = field else { return FieldInfo { inner: None, merge_key: None, strategy: MergeStrategy::default() } };
        let inner = match &field.shape {
            Shape::Named(id) => Some(*id),
            Shape::List(item, _) | Shape::Map(item, _) => match **item {
                Shape::Named(id) => Some(id),
                _ => None,
            },
            _ => None,
        };
        FieldInfo { inner, merge_key: field.merge_key.as_deref(), strategy: field.strategy }
    }
}

/// Applies `patch` to `live`, an object of the type `id`.
pub fn strategic_merge(table: &Table, id: TypeId, live: &Value, patch: &Value) -> Result<Value, ApiError> {
    let (Some(live), Some(patch)) = (live.as_object(), patch.as_object()) else {
        let what = match patch {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => return Err(ApiError::bad_request("Invalid JSON Patch")),
        };
        return Err(ApiError::bad_request(format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}")));
    };
    merge_map(Context { table, id: Some(id) }, live.clone(), patch).map(Value::Object)
}

pub(super) fn merge_map(context: Context<'_>, mut original: Fields, patch: &Fields) -> Result<Fields, ApiError> {
    match patch.get(DIRECTIVE).map(|value| value.as_str().unwrap_or("")) {
        None | Some("merge") => {}
        Some("replace") => return Ok(without_directive(patch)),
        Some("delete") => return Ok(Fields::new()),
        Some(other) => return Err(ApiError::bad_request(format!("unknown patch type found in strategic merge patch: {other}"))),
    }
    retain_keys(&mut original, patch)?;
    for (key, value) in patch.iter().filter_map(|(key, value)| Some((key.strip_prefix(DELETE_FROM)?, value))) {
        if let (Some(Value::Array(list)), Value::Array(gone)) = (original.get_mut(key), value) {
            delete_from(list, gone);
        }
    }
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(ORDER) || key.starts_with(DELETE_FROM) {
            continue;
        }
        let info = context.field(key);
        let order = patch.get(&format!("{ORDER}{key}")).and_then(Value::as_array);
        let before = order.and_then(|_| original.get(key)?.as_array().cloned()).unwrap_or_default();
        let merged = match (original.get_mut(key).map(Value::take), value) {
            (_, Value::Null) => {
                original.shift_remove(key);
                continue;
            }
            (Some(Value::Object(old)), Value::Object(new)) if !info.strategy.replace => {
                // Maps of text keys hold values of one type, objects of a type hold its fields; both merge.
                Value::Object(merge_map(inner_context(context, key, &info), old, new)?)
            }
            (Some(Value::Array(old)), Value::Array(new)) if info.strategy.merge => {
                let inner = Context { table: context.table, id: info.inner };
                Value::Array(merge_list(inner, old, new, info.merge_key)?)
            }
            (_, new) => drop_directives(new),
        };
        let merged = match (merged, order) {
            (Value::Array(list), Some(order)) => Value::Array(reorder(list, order, &before, info.merge_key)),
            (merged, _) => merged,
        };
        original.insert(key.clone(), merged);
    }
    // An order may come without a change of the list itself.
    for (key, order) in patch.iter().filter_map(|(key, value)| Some((key.strip_prefix(ORDER)?, value.as_array()?))) {
        if patch.contains_key(key) {
            continue;
        }
        let merge_key = context.field(key).merge_key;
        if let Some(Value::Array(list)) = original.get_mut(key) {
            let before = list.clone();
            *list = reorder(std::mem::take(list), order, &before, merge_key);
        }
    }
    Ok(original)
}

fn inner_context<'t>(context: Context<'t>, key: &str, info: &FieldInfo<'t>) -> Context<'t> {
    let is_map = context.id.and_then(|id| context.table.get(id).field(key)).is_some_and(|field| matches!(field.shape, Shape::Map(..)));
    Context { table: context.table, id: if is_map { None } else { info.inner } }
}

fn retain_keys(original: &mut Fields, patch: &Fields) -> Result<(), ApiError> {
    let Some(keys) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let keys: Vec<&str> = keys.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let foreign = patch.iter().find(|(key, value)| !key.starts_with('$') && !value.is_null() && !keys.contains(&key.as_str()));
    if let Some((key, _)) = foreign {
        return Err(ApiError::bad_request(format!("retainKeys list doesn't contain all the keys that are present in the patch: {key}")));
    }
    original.retain(|key, _| keys.contains(&key.as_str()));
    Ok(())
}

fn without_directive(patch: &Fields) -> Fields {
    patch.iter().filter(|(key, _)| key.as_str() != DIRECTIVE).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A value that has nothing to merge with: without directives and nulls.
pub(super) fn drop_directives(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !is_directive(key) && !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), drop_directives(value))).collect())
        }
        Value::Array(items) => {
            let kept = items.iter().filter(|item| item.get(DIRECTIVE).is_none());
            Value::Array(kept.map(drop_directives).collect())
        }
        other => other.clone(),
    }
}

fn is_directive(key: &str) -> bool {
    key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(ORDER) || key.starts_with(DELETE_FROM)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(kind: &str, live: Value, patch: Value) -> Value {
        let table = Table::builtin();
        let id = table.find(&format!("io.k8s.api.{kind}")).unwrap();
        strategic_merge(&table, id, &live, &patch).unwrap()
    }

    #[test]
    fn lists_merge_by_the_keys_of_their_types() {
        // name, live, patch, expected: all of a PodSpec
        let cases = [
            (
                "a container is changed in place",
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}),
                json!({"containers": [{"name": "b", "image": "2"}]}),
                json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}),
            ),
            (
                "a new one comes before those of the server",
                json!({"containers": [{"name": "a"}]}),
                json!({"containers": [{"name": "n"}]}),
                json!({"containers": [{"name": "n"}, {"name": "a"}]}),
            ),
            (
                "the order of the client wins",
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}], "containers": [{"name": "c"}]}),
                json!({"containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}]}),
            ),
            (
                "an item is deleted",
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"containers": [{"name": "a", "$patch": "delete"}]}),
                json!({"containers": [{"name": "b"}]}),
            ),
            (
                "a list is replaced",
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"containers": [{"$patch": "replace"}, {"name": "c"}]}),
                json!({"containers": [{"name": "c"}]}),
            ),
            (
                "lists without a key are replaced",
                json!({"tolerations": [{"key": "a"}, {"key": "b"}]}),
                json!({"tolerations": [{"key": "c"}]}),
                json!({"tolerations": [{"key": "c"}]}),
            ),
            (
                "retained keys drop the others",
                json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
                json!({"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}),
                json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
            ),
            (
                "maps merge and nulls remove",
                json!({"nodeSelector": {"a": "1", "b": "2"}}),
                json!({"nodeSelector": {"a": null, "c": "3"}}),
                json!({"nodeSelector": {"b": "2", "c": "3"}}),
            ),
            (
                "a map is replaced",
                json!({"nodeSelector": {"a": "1"}}),
                json!({"nodeSelector": {"$patch": "replace", "c": "3"}}),
                json!({"nodeSelector": {"c": "3"}}),
            ),
        ];
        for (name, live, patch, expected) in cases {
            assert_eq!(merged("core.v1.PodSpec", live, patch), expected, "{name}");
        }
    }

    #[test]
    fn sets_of_scalars() {
        let live = json!({"finalizers": ["a", "b"]});
        let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        let table = Table::builtin();
        let id = table.find(meta).unwrap();
        let merge = |patch| strategic_merge(&table, id, &live, &patch).unwrap();
        assert_eq!(merge(json!({"finalizers": ["c"]})), json!({"finalizers": ["c", "a", "b"]}));
        assert_eq!(merge(json!({"$deleteFromPrimitiveList/finalizers": ["a"]})), json!({"finalizers": ["b"]}));
        assert_eq!(merge(json!({"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["z"]})), json!({"finalizers": ["z", "b"]}));
    }

    #[test]
    fn ports_of_services_merge_by_port() {
        let live = json!({"spec": {"ports": [{"port": 80, "targetPort": 80}], "selector": {"a": "b"}}});
        let patch = json!({"spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
        let expected = json!({"spec": {"ports": [{"port": 80, "targetPort": 80, "nodePort": 30080}], "selector": {"a": "b"}}});
        assert_eq!(merged("core.v1.Service", live, patch), expected);
    }

    #[test]
    fn a_missing_key_is_told() {
        let table = Table::builtin();
        let id = table.find("io.k8s.api.core.v1.PodSpec").unwrap();
        let error =
            strategic_merge(&table, id, &json!({"containers": [{"name": "a"}]}), &json!({"containers": [{"image": "x"}]})).unwrap_err();
        assert_eq!(error.message, "map: map[image:x] does not contain declared merge key: name");
    }
}
