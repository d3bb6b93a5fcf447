//! Applies defaults to a decoded object, outer objects before inner ones as upstream's generated code does.

use serde_json::{Map, Value};

use crate::schema::decode::is_empty;
use crate::schema::table::Table;
use crate::schema::types::{Shape, TypeId};

/// Fills in the defaults of the type `id` and of all types inside it.
pub fn apply_defaults(table: &Table, id: TypeId, value: &mut Value) {
    if let Value::Object(map) = value {
        object(table, id, map);
    }
}

fn object(table: &Table, id: TypeId, map: &mut Map<String, Value>) {
    let ty = table.get(id);
    for field in &ty.fields {
        let Some(default) = &field.default else { continue };
        let unset = match map.get(&field.name) {
            None | Some(Value::Null) => true,
            Some(value) => !field.pointer && is_empty(value),
        };
        if unset {
            map.insert(field.name.clone(), default.clone());
        }
    }
    if let Some(complete) = ty.complete {
        complete(map);
    }
    for field in &ty.fields {
        if matches!(field.shape, Shape::Named(_) | Shape::List(..) | Shape::Map(..))
            && let Some(value) = map.get_mut(&field.name)
        {
            shape(table, &field.shape, value);
        }
    }
}

fn shape(table: &Table, of: &Shape, value: &mut Value) {
    match (of, value) {
        (Shape::Named(id), Value::Object(map)) => object(table, *id, map),
        (Shape::List(item, _), Value::Array(items)) if !is_plain(item) => items.iter_mut().for_each(|value| shape(table, item, value)),
        (Shape::Map(inner, _), Value::Object(map)) if !is_plain(inner) => map.values_mut().for_each(|value| shape(table, inner, value)),
        _ => {}
    }
}

fn is_plain(shape: &Shape) -> bool {
    !matches!(shape, Shape::Named(_) | Shape::List(..) | Shape::Map(..))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::decode;

    fn defaulted(group: &str, version: &str, kind: &str, value: Value) -> Value {
        let table = Table::builtin();
        let id = table.find(&Table::type_name(group, version, kind)).unwrap();
        let mut value = decode(&table, id, value).unwrap().value;
        apply_defaults(&table, id, &mut value);
        value
    }

    #[test]
    fn pod_templates_get_upstreams_defaults() {
        let deployment = defaulted(
            "apps",
            "v1",
            "Deployment",
            json!({"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                "containers": [{"name": "c", "image": "nginx:1.27", "ports": [{"containerPort": 80}],
                    "readinessProbe": {"httpGet": {"port": 80}}}],
                "volumes": [{"name": "v", "configMap": {"name": "m"}}, {"name": "e"}]}}}}),
        );
        assert_eq!(
            deployment["spec"],
            json!({"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                    "containers": [{"name": "c", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent", "resources": {},
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "readinessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
                    "volumes": [{"name": "v", "configMap": {"name": "m", "defaultMode": 420}}, {"name": "e", "emptyDir": {}}],
                    "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                    "securityContext": {}, "terminationGracePeriodSeconds": 30}}})
        );
    }

    #[test]
    fn the_old_name_of_an_account_follows_the_new_one() {
        for (given, names) in [
            (json!({"serviceAccountName": "a"}), ["a", "a"]),
            (json!({"serviceAccount": "b"}), ["b", "b"]),
            (json!({"serviceAccountName": "a", "serviceAccount": "b"}), ["a", "a"]),
        ] {
            let pod = defaulted("", "v1", "Pod", json!({"spec": given}));
            assert_eq!([&pod["spec"]["serviceAccountName"], &pod["spec"]["serviceAccount"]], names);
        }
    }

    #[test]
    fn values_that_are_set_stay() {
        let deployment = defaulted("apps", "v1", "Deployment", json!({"spec": {"replicas": 0, "strategy": {"type": "Recreate"}}}));
        assert_eq!(deployment["spec"]["replicas"], 0);
        assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
    }

    #[test]
    fn image_tags_decide_the_pull_policy() {
        let policy = |image: &str| {
            let pod = defaulted("", "v1", "Pod", json!({"spec": {"containers": [{"name": "c", "image": image}]}}));
            pod["spec"]["containers"][0]["imagePullPolicy"].as_str().unwrap().to_owned()
        };
        let cases = [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("registry:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "IfNotPresent"),
        ];
        for (image, expected) in cases {
            assert_eq!(policy(image), expected, "{image}");
        }
    }

    #[test]
    fn decisions_of_other_kinds() {
        let service = defaulted("", "v1", "Service", json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}));
        assert_eq!(service["spec"]["ports"], json!([{"port": 80, "protocol": "TCP", "targetPort": 80}]));
        assert_eq!(service["spec"]["externalTrafficPolicy"], "Cluster");
        assert_eq!(service["spec"]["internalTrafficPolicy"], "Cluster");
        assert_eq!(service["spec"]["allocateLoadBalancerNodePorts"], true);
        let job = defaulted("batch", "v1", "Job", json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}));
        assert_eq!(job["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!((&job["spec"]["completions"], &job["spec"]["backoffLimit"]), (&json!(1), &json!(6)));
        let policy = defaulted("networking.k8s.io", "v1", "NetworkPolicy", json!({"spec": {"egress": [{}]}}));
        assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        let binding = defaulted("rbac.authorization.k8s.io", "v1", "RoleBinding", json!({"subjects": [{"kind": "User", "name": "u"}]}));
        assert_eq!(binding["subjects"][0]["apiGroup"], "rbac.authorization.k8s.io");
        assert_eq!(binding["roleRef"]["apiGroup"], "rbac.authorization.k8s.io");
        let pod = defaulted(
            "",
            "v1",
            "Pod",
            json!({"spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1"}}}]}}),
        );
        assert_eq!(pod["spec"]["containers"][0]["resources"], json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}));
        assert_eq!(pod["spec"]["enableServiceLinks"], true);
    }
}
