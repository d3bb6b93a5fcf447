//! Label and field selectors of lists, watches and collection deletions.

use std::borrow::Cow;

use serde_json::Value;
use values::{FieldSelector, Selector};

use super::call::Call;
use crate::registry::Resource;
use crate::request::Query;
use crate::status::ApiError;

/// Both selectors of a request.
pub struct Filter {
    labels: Option<Selector>,
    fields: Option<FieldSelector>,
    /// The name, when the field selector demands one.
    pub name: Option<String>,
}

impl Filter {
    /// Reads `labelSelector` and `fieldSelector`; unknown fields are refused.
    pub fn of(resource: &Resource, query: &Query) -> Result<Self, ApiError> {
        let labels = query.get("labelSelector").map(Selector::parse).transpose().map_err(|e| ApiError::bad_request(e.to_string()))?;
        let fields = query.get("fieldSelector").map(FieldSelector::parse).transpose().map_err(|e| ApiError::bad_request(e.to_string()))?;
        let mut name = None;
        for (label, equal, value) in fields.iter().flat_map(|selector| &selector.terms) {
            let label = label.as_str();
            let known = label == "metadata.name"
                || (label == "metadata.namespace" && resource.namespaced)
                || resource.hooks.selectable.iter().any(|field| field.label == label);
            if !known {
                return Err(ApiError::bad_request(match (resource.gvk.group.as_str(), resource.gvk.kind.as_str()) {
                    ("batch", "Job") => format!("field label {label:?} not supported for Job"),
                    _ => format!("field label not supported: {label}"),
                }));
            }
            if label == "metadata.name" && *equal {
                name = Some(value.clone());
            }
        }
        Ok(Self {
            labels: labels.filter(|selector| !selector.is_everything()),
            fields: fields.filter(|selector| !selector.terms.is_empty()),
            name,
        })
    }

    /// Whether everything matches.
    pub fn is_everything(&self) -> bool {
        self.labels.is_none() && self.fields.is_none()
    }

    /// Whether an object (in the stored version) matches.
    pub fn matches(&self, call: &Call, stored: &Value) -> bool {
        if let Some(labels) = &self.labels
            && !labels.matches_json(&stored["metadata"]["labels"])
        {
            return false;
        }
        let Some(fields) = &self.fields else { return true };
        let object: Cow<'_, Value> = super::convert::served(&call.resource, stored);
        fields.matches(|label| Some(field(&call.resource, &object, label)))
    }
}

fn field(resource: &Resource, object: &Value, label: &str) -> String {
    match label {
        "metadata.name" => object["metadata"]["name"].as_str().unwrap_or("").to_owned(),
        "metadata.namespace" => object["metadata"]["namespace"].as_str().unwrap_or("").to_owned(),
        _ => resource.hooks.selectable.iter().find(|field| field.label == label).map_or_else(String::new, |field| (field.value)(object)),
    }
}
