//! The rights that practising on an existing cluster needs: what is printed, and what is asked of the server before anything is made.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

/// One rule: API group, resources, verbs, and what for.
struct Right {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    why: &'static str,
}

const MAKE: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const READ: &[&str] = &["get", "list", "watch"];

/// Everything that ckaprep, its checks and the solutions of scenarios do on a cluster without access to nodes.
const RIGHTS: &[Right] = &[
    Right {
        group: "",
        resources: &["namespaces"],
        verbs: &["get", "list", "watch", "create", "patch", "delete"],
        why: "a scenario's own namespaces",
    },
    Right { group: "", resources: &["nodes"], verbs: READ, why: "how many nodes take pods" },
    Right {
        group: "",
        resources: &[
            "pods",
            "services",
            "configmaps",
            "secrets",
            "serviceaccounts",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "endpoints",
            "resourcequotas",
            "limitranges",
            "events",
        ],
        verbs: MAKE,
        why: "a scenario's objects",
    },
    Right { group: "", resources: &["pods/log"], verbs: &["get"], why: "checks that read logs" },
    Right { group: "", resources: &["pods/exec", "pods/portforward"], verbs: &["create", "get"], why: "checks that ask from inside a pod" },
    Right {
        group: "apps",
        resources: &["deployments", "deployments/scale", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"],
        verbs: MAKE,
        why: "a scenario's workloads",
    },
    Right { group: "batch", resources: &["jobs", "cronjobs"], verbs: MAKE, why: "a scenario's workloads" },
    Right { group: "autoscaling", resources: &["horizontalpodautoscalers"], verbs: MAKE, why: "a scenario's workloads" },
    Right { group: "policy", resources: &["poddisruptionbudgets"], verbs: MAKE, why: "a scenario's workloads" },
    Right { group: "discovery.k8s.io", resources: &["endpointslices"], verbs: MAKE, why: "what a Service leads to" },
    Right { group: "networking.k8s.io", resources: &["networkpolicies", "ingresses"], verbs: MAKE, why: "a scenario's network" },
    Right { group: "networking.k8s.io", resources: &["ingressclasses"], verbs: READ, why: "whether an Ingress controller is there" },
    Right { group: "storage.k8s.io", resources: &["storageclasses"], verbs: READ, why: "whether volumes are provisioned" },
    Right {
        group: "rbac.authorization.k8s.io",
        resources: &["roles", "rolebindings"],
        verbs: MAKE,
        why: "a scenario's rights, in its namespaces",
    },
];

/// Whom the rights are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The user's own user, whose name is to be put in.
    User,
    /// A ServiceAccount, which is made.
    ServiceAccount {
        /// Its namespace, which is there.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// A ClusterRole with what is needed and a ClusterRoleBinding, as YAML documents for `kubectl apply -f -`. The binding for a user is to be
/// completed; before one for a ServiceAccount stands the account, and how to make a kubeconfig of it.
pub fn manifest(name: &str, subject: &Subject) -> String {
    let mut rules = String::new();
    for right in RIGHTS {
        let rule = json!({"apiGroups": [right.group], "resources": right.resources, "verbs": right.verbs});
        rules.push_str(&format!("# {}\n- {rule}\n", right.why));
    }
    let (before, subject) = match subject {
        Subject::User => (
            String::new(),
            "# Put your user here: `kubectl auth whoami` says who you are.\n\
             - apiGroup: rbac.authorization.k8s.io\n  kind: User\n  name: YOUR-USER\n"
                .to_owned(),
        ),
        Subject::ServiceAccount { namespace, name } => {
            (service_account(namespace, name), format!("- kind: ServiceAccount\n  name: {name}\n  namespace: {namespace}\n"))
        }
    };
    format!(
        "# What ckaprep needs to practise on an existing cluster. A namespace is made for each scenario, so the rights are cluster-wide.\n\
         {before}\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:\n{rules}---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: {name}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {name}\nsubjects:\n{subject}"
    )
}

/// A ServiceAccount, and in comments how its kubeconfig is made beside the user's own, which stays as it is.
fn service_account(namespace: &str, name: &str) -> String {
    format!(
        "#\n\
         # Apply this as somebody who may give rights (`… | kubectl apply -f -`). Then, with your kubectl still on that cluster:\n\
         #   kubectl config view --minify --raw --flatten > practice.kubeconfig && chmod 600 practice.kubeconfig\n\
         #   kubectl --kubeconfig practice.kubeconfig config set-credentials practice --token \"$(kubectl -n {namespace} create token {name} --duration 12h)\"\n\
         #   kubectl --kubeconfig practice.kubeconfig config set-context practice --user practice --cluster \"$(kubectl config view --minify -o 'jsonpath={{.clusters[0].name}}')\"\n\
         #   ckaprep scenario no-answer --backend existing --kubeconfig practice.kubeconfig --context practice\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: {namespace}\n---\n"
    )
}

/// What of it the client's user may not do, as `resource.group (verb, verb)`. Asks the server; changes nothing.
pub async fn missing(client: &kube::Client) -> Result<Vec<String>, kube::Error> {
    let asked = RIGHTS.iter().flat_map(|right| right.resources.iter().map(move |resource| (right, *resource)));
    let answers = futures::future::try_join_all(asked.map(|(right, resource)| async move {
        let verbs =
            right.verbs.iter().map(|verb| async move { Ok::<_, kube::Error>((*verb, may(client, right.group, resource, verb).await?)) });
        let lacking: Vec<&str> =
            futures::future::try_join_all(verbs).await?.into_iter().filter(|(_, allowed)| !allowed).map(|(verb, _)| verb).collect();
        let dotted = if right.group.is_empty() { resource.to_owned() } else { format!("{resource}.{}", right.group) };
        Ok::<_, kube::Error>((!lacking.is_empty()).then(|| format!("{dotted} ({})", lacking.join(", "))))
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Whether the client's user may do one thing, in all namespaces.
async fn may(client: &kube::Client, group: &str, resource: &str, verb: &str) -> Result<bool, kube::Error> {
    let (plain, subresource) = resource.split_once('/').map_or((resource, None), |(r, s)| (r, Some(s.to_owned())));
    let attributes = ResourceAttributes {
        group: Some(group.to_owned()),
        resource: Some(plain.to_owned()),
        subresource,
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    Ok(reviews.create(&PostParams::default(), &review).await?.status.is_some_and(|s| s.allowed))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::PolicyRule;

    use super::*;

    /// The rules as RBAC has them.
    fn rules() -> Vec<PolicyRule> {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        RIGHTS
            .iter()
            .map(|right| PolicyRule {
                api_groups: Some(vec![right.group.to_owned()]),
                resources: Some(owned(right.resources)),
                verbs: owned(right.verbs),
                ..PolicyRule::default()
            })
            .collect()
    }

    #[test]
    fn the_manifest_is_two_documents_that_kubernetes_reads() {
        let text = manifest("ckaprep", &Subject::User);
        let documents: Vec<&str> = text.split("---\n").collect();
        assert_eq!(documents.len(), 2);
        let role: k8s_openapi::api::rbac::v1::ClusterRole = serde_saphyr::from_str(documents[0]).expect("a ClusterRole");
        assert_eq!(role.rules.expect("rules"), rules());
        let binding: k8s_openapi::api::rbac::v1::ClusterRoleBinding = serde_saphyr::from_str(documents[1]).expect("a ClusterRoleBinding");
        assert_eq!(binding.role_ref.name, "ckaprep");
    }

    #[test]
    fn a_service_account_is_made_with_them() {
        let text = manifest("ckaprep", &Subject::ServiceAccount { namespace: "ops".into(), name: "learner".into() });
        let documents: Vec<&str> = text.split("---\n").collect();
        assert_eq!(documents.len(), 3);
        let account: k8s_openapi::api::core::v1::ServiceAccount = serde_saphyr::from_str(documents[0]).expect("a ServiceAccount");
        assert_eq!((account.metadata.name.as_deref(), account.metadata.namespace.as_deref()), (Some("learner"), Some("ops")));
        let binding: k8s_openapi::api::rbac::v1::ClusterRoleBinding = serde_saphyr::from_str(documents[2]).expect("a ClusterRoleBinding");
        let subject = &binding.subjects.expect("subjects")[0];
        assert_eq!((subject.name.as_str(), subject.namespace.as_deref()), ("learner", Some("ops")));
    }

    #[test]
    fn nothing_of_the_cluster_itself_may_be_changed() {
        for rule in rules() {
            let changes = rule.verbs.iter().any(|v| !READ.contains(&v.as_str()));
            for resource in rule.resources.unwrap_or_default() {
                let cluster_scoped =
                    ["nodes", "storageclasses", "ingressclasses", "clusterroles", "persistentvolumes"].contains(&resource.as_str());
                assert!(!(changes && cluster_scoped), "{resource}");
            }
        }
    }
}
