//! Asking checks for facts until nothing new comes.

use std::collections::BTreeMap;

use futures::future::{BoxFuture, FutureExt, join_all};

use super::{access, api, containers, nodes};
use crate::backend::Environment;
use crate::grade::evaluate::missing_facts;
use crate::grade::{Check, Fact, Gate, Observation, Scope, Snapshot};

/// Most rounds: an object leads to pods, pods to a command in one of them.
const ROUNDS: usize = 4;

/// What was read of some facts.
pub(super) type Readings = Vec<(Fact, Observation)>;

/// Reads what checks and gates need.
pub async fn observe(environment: &Environment, checks: &[Check], gates: &[Gate], scope: &Scope) -> Snapshot {
    let mut snapshot = Snapshot::at((environment.now)());
    for _ in 0..ROUNDS {
        let facts = missing_facts(checks, gates, scope, &snapshot);
        if facts.is_empty() {
            break;
        }
        for (fact, observation) in read(environment, facts).await {
            snapshot.insert(fact, observation);
        }
    }
    snapshot
}

/// Reads facts, all at the same time.
pub async fn read(environment: &Environment, facts: Vec<Fact>) -> Vec<(Fact, Observation)> {
    let mut jobs: Vec<BoxFuture<'_, Readings>> = Vec::new();
    let mut objects: BTreeMap<_, Vec<Fact>> = BTreeMap::new();
    let mut units: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for fact in facts {
        match fact {
            Fact::Object { ref resource, ref namespace, .. } | Fact::List { ref resource, ref namespace } => {
                objects.entry((resource.clone(), namespace.clone())).or_default().push(fact);
            }
            Fact::Unit { node, unit } => units.entry(node).or_default().push(unit),
            Fact::File { node, path } => jobs.push(nodes::file(environment, node, path).boxed()),
            Fact::NodeCommand { node, script } => jobs.push(nodes::command(environment, node, script).boxed()),
            Fact::Logs { pod, previous, tail } => jobs.push(containers::logs(environment, pod, previous, tail).boxed()),
            Fact::Exec { pod, command } => jobs.push(containers::exec(environment, pod, command).boxed()),
            Fact::Access(question) => jobs.push(access::ask(environment, question).boxed()),
        }
    }
    for ((resource, namespace), facts) in objects {
        jobs.push(api::objects(environment, resource, namespace, facts).boxed());
    }
    for (node, units) in units {
        jobs.push(nodes::units(environment, node, units).boxed());
    }
    join_all(jobs).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::FakeApi;
    use super::*;
    use crate::grade::{Expect, Judge};
    use crate::model::Verdict;

    fn environment(api: &FakeApi) -> Environment {
        crate::runner::testing::environment_with(crate::runner::testing::FakeNodes::with_units(&["kubelet"]), api)
    }

    fn gates(expectations: &[Value]) -> Vec<Gate> {
        let gate = |expect: &Value| serde_json::from_value(json!({"id": "g", "title": "g", "expect": expect})).expect("a gate");
        expectations.iter().map(gate).collect()
    }

    fn verdicts(gates: &[Gate], snapshot: &Snapshot, scope: &Scope) -> Vec<Verdict> {
        gates.iter().map(|g| g.expect.judge(scope, snapshot).verdict).collect()
    }

    fn object(name: &str, labels: Value) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop", "labels": labels}, "data": {"k": name}})
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_for_each_kind_and_namespace() {
        let api = FakeApi::default()
            .with("/api/v1/namespaces/shop/configmaps/a", object("a", json!({})))
            .with("/api/v1/namespaces/shop/configmaps/b", object("b", json!({})))
            .with("/apis/apps/v1/namespaces/shop/deployments/web", object("web", json!({})));
        let map =
            |name: &str| json!({"resource": {"kind": "ConfigMap", "namespace": "shop", "name": name, "fields": {"data": {"k": name}}}});
        let gates = gates(&[
            map("a"),
            map("b"),
            json!({"absent": {"kind": "ConfigMap", "namespace": "shop", "name": "c"}}),
            json!({"resource": {"kind": "Deployment", "namespace": "shop", "name": "web"}}),
            json!({"absent": {"kind": "Secret", "namespace": "shop", "name": "s"}}),
            json!({"units": {"node": "worker-1", "active": ["kubelet"]}}),
            json!({"access": {"as": {"user": "u"}, "can": [{"verbs": ["get"], "resource": "pods"}], "cannot": [{"verbs": ["list"], "resource": "pods"}]}}),
        ]);
        let snapshot = observe(&environment(&api), &[], &gates, &Scope::default()).await;
        assert_eq!(verdicts(&gates, &snapshot, &Scope::default()), [Verdict::Pass; 7]);
        assert_eq!(
            api.requests(),
            [
                "GET /api/v1/namespaces/shop/configmaps",
                "GET /api/v1/namespaces/shop/secrets/s",
                "GET /apis/apps/v1/namespaces/shop/deployments/web",
                "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
                "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pods_are_found_before_their_logs_are_read() {
        let api = FakeApi::default()
            .with("/api/v1/namespaces/shop/pods/web-1", object("web-1", json!({"app": "web"})))
            .with("/api/v1/namespaces/shop/pods/web-1/log", Value::Null);
        let gates = gates(&[json!({"logs": {"namespace": "shop", "selector": "app=web", "text": {"contains": "null"}}})]);
        let snapshot = observe(&environment(&api), &[], &gates, &Scope::default()).await;
        assert_eq!(verdicts(&gates, &snapshot, &Scope::default()), [Verdict::Pass]);
        assert_eq!(api.requests(), ["GET /api/v1/namespaces/shop/pods", "GET /api/v1/namespaces/shop/pods/web-1/log"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_down_is_unknown_and_not_wrong() {
        let api = FakeApi::default();
        api.break_down();
        let gates = gates(&[
            json!({"absent": {"kind": "ConfigMap", "namespace": "shop", "name": "a"}}),
            json!({"units": {"node": "worker-1", "active": ["kubelet"]}}),
        ]);
        let snapshot = observe(&environment(&api), &[], &gates, &Scope::default()).await;
        assert_eq!(verdicts(&gates, &snapshot, &Scope::default()), [Verdict::Indeterminate, Verdict::Pass]);
        let expect: &Expect = &gates[0].expect;
        assert!(expect.judge(&Scope::default(), &snapshot).evidence[0].actual.contains("etcd is away"));
    }
}
