//! Questions to the authorizer. A SubjectAccessReview is answered, not stored.

use http::Method;
use serde_json::json;

use super::rest;
use super::rounds::Readings;
use crate::backend::Environment;
use crate::grade::{Access, Fact, Observation};

/// Whether someone may do something.
pub async fn ask(environment: &Environment, question: Access) -> Readings {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": question.user,
            "groups": question.groups,
            "resourceAttributes": {
                "verb": question.verb,
                "group": question.group,
                "resource": question.resource,
                "subresource": question.subresource,
                "namespace": question.namespace,
                "name": question.name,
            },
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let observation = match rest::send(&environment.client, Method::POST, path, "application/json", review.to_string().into_bytes()).await {
        Ok(answer) => Observation::Value(answer["status"].clone()),
        Err(error) => Observation::Unobservable(format!("the API server: {error}")),
    };
    vec![(Fact::Access(question), observation)]
}
