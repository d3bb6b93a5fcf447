//! clusterrole-aggregation-controller: roles made of the rules of others (`aggregationRule`).

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use serde_json::json;
use values::Selector;

use crate::machinery::kit::Reconcile;
use crate::machinery::{Informer, Kit, Meta, Outcome};

struct Controller {
    kit: Kit,
    roles: Arc<Informer<ClusterRole>>,
}

/// Runs the controller.
pub async fn run(kit: Kit) {
    let queue = kit.queue("clusterrole_aggregation");
    let this = Controller { roles: kit.informer(), kit: kit.clone() };
    let (add, roles) = (queue.clone(), this.roles.clone());
    this.roles.subscribe(move |_| {
        roles.list().iter().filter(|r| r.aggregation_rule.is_some()).for_each(|r| add.add(r.name()));
    });
    kit.work(&queue, &[&*this.roles], &this).await;
}

/// The rules of all roles that match, each once, in order of the roles' names.
fn aggregate(role: &ClusterRole, all: &[Arc<ClusterRole>]) -> Vec<PolicyRule> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    let selectors = role.aggregation_rule.iter().flat_map(|a| a.cluster_role_selectors.iter().flatten());
    for selector in selectors.filter_map(|s| Selector::from_label_selector(s).ok()) {
        for other in all.iter().filter(|o| o.name() != role.name() && selector.matches(o.label_map())) {
            for rule in other.rules.iter().flatten() {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    rules
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(role) = self.roles.get(name).filter(|r| r.aggregation_rule.is_some()) else { return Ok(()) };
        let rules = aggregate(&role, &self.roles.list());
        if role.rules.as_deref().unwrap_or_default() != rules {
            let patched = self.kit.rest.merge::<ClusterRole>("", name, "", &json!({"rules": rules})).await?;
            self.roles.saw(&patched).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::aggregate;
    use k8s_openapi::api::rbac::v1::ClusterRole;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn role(name: &str, labels: Value, verbs: &[&str]) -> Arc<ClusterRole> {
        Arc::new(serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}, "rules": [{"verbs": verbs}]})).unwrap())
    }

    #[test]
    fn rules_of_matching_roles_are_joined_once() {
        let admin: ClusterRole = serde_json::from_value(json!({"metadata": {"name": "admin"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "admin"}}]}}))
        .unwrap();
        let all =
            [role("a", json!({"to": "admin"}), &["get"]), role("b", json!({"to": "admin"}), &["get"]), role("c", json!({}), &["list"])];
        let rules = aggregate(&admin, &all);
        assert_eq!(rules.iter().map(|r| r.verbs.clone()).collect::<Vec<_>>(), [["get"]]);
    }
}
