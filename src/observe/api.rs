//! Objects of the API.

use serde_json::Value;

use super::rest::{self, RestError};
use super::rounds::Readings;
use crate::backend::Environment;
use crate::grade::{Fact, Observation, ResourceRef};

/// Reads all facts about one kind in one namespace: one GET for one object, one list for anything more.
pub async fn objects(environment: &Environment, resource: ResourceRef, namespace: Option<String>, facts: Vec<Fact>) -> Readings {
    let client = &environment.client;
    let single = match facts.as_slice() {
        [Fact::Object { name, .. }] => Some(name.clone()),
        _ => None,
    };
    let answer = match rest::path_of(client, &resource, namespace.as_deref(), single.as_deref()).await {
        Ok(path) => rest::get(client, &path).await,
        Err(error) => Err(error),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return facts.into_iter().map(|fact| (fact, unread(&error))).collect(),
    };
    if single.is_some() {
        return facts.into_iter().map(|fact| (fact, Observation::Value(answer.clone()))).collect();
    }
    let items = items(answer, &resource);
    facts
        .into_iter()
        .map(|fact| {
            let observation = match &fact {
                Fact::Object { name, .. } => items
                    .iter()
                    .find(|o| o["metadata"]["name"] == name.as_str())
                    .map_or(Observation::Absent, |o| Observation::Value(o.clone())),
                _ => Observation::Value(Value::Array(items.clone())),
            };
            (fact, observation)
        })
        .collect()
}

/// Items of a list, each with the kind that lists leave out.
fn items(list: Value, resource: &ResourceRef) -> Vec<Value> {
    let Value::Object(mut list) = list else { return Vec::new() };
    let Some(Value::Array(mut items)) = list.remove("items") else { return Vec::new() };
    for item in &mut items {
        if let Value::Object(item) = item {
            item.entry("apiVersion").or_insert_with(|| resource.api_version.clone().into());
            item.entry("kind").or_insert_with(|| resource.kind.clone().into());
        }
    }
    items
}

fn unread(error: &RestError) -> Observation {
    match error {
        RestError::NotFound(_) => Observation::Absent,
        RestError::Refused { .. } | RestError::Unreachable(_) => Observation::Unobservable(format!("the API server: {error}")),
    }
}
