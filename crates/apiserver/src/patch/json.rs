//! JSON patch and JSON merge patch.

use serde_json::Value;

use crate::status::{ApiError, Details, Reason};

/// What a server answers to a JSON patch that cannot be applied: go-restful's text of a 422 without a message.
fn rejected() -> ApiError {
    ApiError::new(Reason::Invalid, "the server rejected our request due to an error in our request").with_details(Details::default())
}

/// Applies an RFC 6902 patch.
pub fn json_patch(live: &Value, patch: &Value) -> Result<Value, ApiError> {
    if !patch.is_array() {
        let what = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => return Err(ApiError::bad_request("Invalid JSON Patch")),
        };
        let why = format!("json: cannot unmarshal {what} into Go value of type []handlers.jsonPatchOp");
        return Err(ApiError::bad_request(format!("error decoding patch: {why}")));
    }
    let operations: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(|_| rejected())?;
    if operations.0.len() > 10_000 {
        let why = format!("The allowed maximum operations in a JSON patch is 10000, got {}", operations.0.len());
        return Err(ApiError::too_large(why));
    }
    let mut result = live.clone();
    json_patch::patch(&mut result, &operations).map_err(|_| rejected())?;
    Ok(result)
}

/// Applies an RFC 7386 patch.
pub fn merge_patch(live: &Value, patch: &Value) -> Result<Value, ApiError> {
    if !patch.is_object() {
        let what = match patch {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => return Err(ApiError::bad_request("Invalid JSON Patch")),
        };
        let why = format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}");
        return Err(ApiError::bad_request(format!("error decoding patch: {why}")));
    }
    let mut result = live.clone();
    json_patch::merge(&mut result, patch);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_apply_or_say_why_not() {
        let live = json!({"a": {"b": 1}, "c": [1, 2]});
        let patched = json_patch(&live, &json!([{"op": "replace", "path": "/a/b", "value": 2}, {"op": "remove", "path": "/c/0"}])).unwrap();
        assert_eq!(patched, json!({"a": {"b": 2}, "c": [2]}));
        assert_eq!(json_patch(&live, &json!([{"op": "remove", "path": "/zz"}])).unwrap_err().code, 422);
        assert_eq!(json_patch(&live, &json!({})).unwrap_err().code, 400);
        assert_eq!(merge_patch(&live, &json!({"a": null, "d": {"e": null}})).unwrap(), json!({"c": [1, 2], "d": {}}));
        assert_eq!(merge_patch(&live, &json!("x")).unwrap_err().code, 400);
    }
}
