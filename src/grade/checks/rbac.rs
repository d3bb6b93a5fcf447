//! `rbac`: exactly these rights and no others, worked out from the RBAC objects themselves, in all namespaces.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::{Request, Subject};
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::resource::{BUILT_IN, ResourceRef};
use crate::grade::snapshot::{Known, Snapshot};
use crate::model::Evidence;

/// So many rights too many are shown one by one.
const SHOWN: usize = 6;

/// Someone has these rights and no others: least privilege both ways. What every authenticated user may do does not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rbac {
    /// Who.
    #[serde(rename = "as")]
    pub subject: Subject,
    /// All that must be allowed. Nothing else may be.
    pub exactly: Vec<Request>,
}

/// One right: a verb on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    /// Empty: everywhere.
    namespace: String,
    group: String,
    /// With the subresource: `deployments/scale`.
    resource: String,
    verb: String,
    /// Empty: every object.
    name: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        if self.namespace.is_empty() { f.write_str(" everywhere") } else { write!(f, " in {}", self.namespace) }
    }
}

impl Right {
    fn all_of(request: &Request) -> impl Iterator<Item = Self> {
        let resource =
            if request.subresource.is_empty() { request.resource.clone() } else { format!("{}/{}", request.resource, request.subresource) };
        request.verbs.iter().map(move |verb| Self {
            namespace: request.namespace.clone(),
            group: request.group.clone(),
            resource: resource.clone(),
            verb: verb.clone(),
            name: request.name.clone(),
        })
    }

    /// Whether whoever has this may also do `other` (apiserver, `pkg/apis/rbac/v1/evaluation_helpers.go`).
    fn covers(&self, other: &Self) -> bool {
        let any = |own: &str, wanted: &str| own == "*" || own == wanted;
        let subresource = || other.resource.split_once('/').is_some_and(|(_, sub)| self.resource == format!("*/{sub}"));
        (self.namespace.is_empty() || self.namespace == other.namespace)
            && any(&self.group, &other.group)
            && any(&self.verb, &other.verb)
            && (any(&self.resource, &other.resource) || subresource())
            && (self.name.is_empty() || self.name == other.name)
    }

    /// Whether there is anything that this right is good for. `apiGroups: ["", apps]` with `pods` names `pods.apps` too, which nobody
    /// has; a cluster-scoped resource cannot be reached through one namespace, `namespaces` itself excepted.
    fn has_effect(&self) -> bool {
        let base = self.resource.split('/').next().unwrap_or_default();
        let group_of = |version: &'static str| version.split_once('/').map_or("", |(group, _)| group);
        if base == "*" || self.group == "*" || !BUILT_IN.iter().any(|row| group_of(row.api_version) == self.group) {
            return true;
        }
        match BUILT_IN.iter().find(|row| row.plural == base && group_of(row.api_version) == self.group) {
            Some(row) => row.namespaced || self.namespace.is_empty() || base == "namespaces",
            // `bindings`, `componentstatuses`: rare, and there.
            None => !BUILT_IN.iter().any(|row| row.plural == base),
        }
    }
}

/// How somebody came to a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Given {
    /// By name, or by one of the groups that the check names.
    Directly,
    /// With everybody else who is authenticated.
    WithEverybody,
}

/// The objects of RBAC.
struct Objects<'a> {
    roles: &'a [Value],
    cluster_roles: &'a [Value],
    bindings: &'a [Value],
    cluster_bindings: &'a [Value],
}

fn list(kind: &str) -> Fact {
    Fact::List { resource: ResourceRef::new(kind, None), namespace: None }
}

const KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];

impl<'a> Objects<'a> {
    fn of(snapshot: &'a Snapshot) -> Result<Self, &'a str> {
        let items = |kind: &str| -> Result<&'a [Value], &'a str> {
            match snapshot.value(&list(kind)) {
                Known::Value(value) => Ok(value.as_array().map(Vec::as_slice).unwrap_or_default()),
                Known::Absent => Ok(&[]),
                Known::Unknown(reason) => Err(reason),
            }
        };
        let [role, cluster_role, binding, cluster_binding] = KINDS;
        Ok(Self {
            roles: items(role)?,
            cluster_roles: items(cluster_role)?,
            bindings: items(binding)?,
            cluster_bindings: items(cluster_binding)?,
        })
    }

    /// All rights of somebody, each with the binding that gives it.
    fn rights(&self, who: &Identity) -> BTreeMap<(Right, Given), String> {
        let mut rights = BTreeMap::new();
        for binding in self.bindings.iter().chain(self.cluster_bindings) {
            let text = |value: &'a Value| value.as_str().unwrap_or_default();
            // What every cluster gives to everybody (self-reviews, discovery) is nothing that a candidate granted.
            let default = text(&binding["metadata"]["labels"]["kubernetes.io/bootstrapping"]) == "rbac-defaults";
            let Some(given) = binding["subjects"].as_array().and_then(|s| s.iter().filter_map(|s| who.is(s, binding)).min()) else {
                continue;
            };
            if default && given == Given::WithEverybody {
                continue;
            }
            let namespace = text(&binding["metadata"]["namespace"]);
            let (kind, name) = (text(&binding["roleRef"]["kind"]), text(&binding["roleRef"]["name"]));
            let role = match kind {
                "Role" => self.roles.iter().find(|r| r["metadata"]["name"] == name && r["metadata"]["namespace"] == namespace),
                _ => self.cluster_roles.iter().find(|r| r["metadata"]["name"] == name),
            };
            let by = match namespace {
                "" => format!("ClusterRoleBinding {} of {kind} {name}", text(&binding["metadata"]["name"])),
                _ => format!("RoleBinding {} of {kind} {name}", text(&binding["metadata"]["name"])),
            };
            for rule in role.and_then(|r| r["rules"].as_array()).into_iter().flatten() {
                for right in rights_of_rule(rule, namespace).into_iter().filter(Right::has_effect) {
                    rights.entry((right, given)).or_insert_with(|| by.clone());
                }
            }
        }
        rights
    }
}

fn rights_of_rule(rule: &Value, namespace: &str) -> Vec<Right> {
    let words = |field: &str| -> Vec<String> {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let names = match words("resourceNames") {
        names if names.is_empty() => vec![String::new()],
        names => names,
    };
    let mut rights = Vec::new();
    for group in words("apiGroups") {
        for resource in words("resources") {
            for verb in words("verbs") {
                rights.extend(names.iter().map(|name| Right {
                    namespace: namespace.to_owned(),
                    group: group.clone(),
                    resource: resource.clone(),
                    verb: verb.clone(),
                    name: name.clone(),
                }));
            }
        }
    }
    rights
}

/// A user as bindings see it.
struct Identity {
    user: String,
    groups: Vec<String>,
    /// Groups that come with being authenticated, or with being a ServiceAccount.
    everybody: Vec<String>,
}

impl Identity {
    fn of(subject: &Subject) -> Self {
        let (user, groups) = subject.identity();
        let (groups, everybody) = groups.into_iter().partition(|group| subject.groups.contains(group));
        Self { user, groups, everybody }
    }

    fn is(&self, subject: &Value, binding: &Value) -> Option<Given> {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => (name == self.user).then_some(Given::Directly),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().or_else(|| binding["metadata"]["namespace"].as_str()).unwrap_or_default();
                (self.user == format!("system:serviceaccount:{namespace}:{name}")).then_some(Given::Directly)
            }
            Some("Group") if self.groups.iter().any(|group| group == name) => Some(Given::Directly),
            Some("Group") => self.everybody.iter().any(|group| group == name).then_some(Given::WithEverybody),
            _ => None,
        }
    }
}

impl Judge for Rbac {
    fn facts(&self, _: &Scope, _: &Snapshot) -> Vec<Fact> {
        KINDS.into_iter().map(list).collect()
    }

    fn judge(&self, _: &Scope, snapshot: &Snapshot) -> Judgement {
        let who = Identity::of(&self.subject);
        let subject = format!("rights of {}", who.user);
        let objects = match Objects::of(snapshot) {
            Ok(objects) => objects,
            Err(reason) => return Judgement::from_evidence(vec![Evidence::unknown(subject, "readable", reason)]),
        };
        let rights = objects.rights(&who);
        let direct: Vec<&Right> = rights.keys().filter(|(_, given)| *given == Given::Directly).map(|(right, _)| right).collect();
        let mut evidence = Vec::new();
        let wanted: BTreeSet<Right> = self.exactly.iter().flat_map(Right::all_of).collect();
        for right in &wanted {
            let granted = direct.iter().any(|own| own.covers(right));
            evidence.push(Evidence::compared(
                format!("{} may {right}", who.user),
                "granted",
                if granted { "granted" } else { "not granted" },
                granted,
            ));
        }
        let extra: Vec<String> = rights
            .iter()
            .filter(|((right, given), _)| *given == Given::WithEverybody || !wanted.iter().any(|wanted| wanted.covers(right)))
            .map(|((right, given), by)| match given {
                Given::Directly => format!("{right} ({by})"),
                Given::WithEverybody => format!("{right} for everybody ({by})"),
            })
            .collect();
        let actual = match extra.len() {
            0 => "nothing else".to_owned(),
            n if n > SHOWN => format!("{}, and {} more", extra[..SHOWN].join(", "), n - SHOWN),
            _ => extra.join(", "),
        };
        evidence.push(Evidence::compared(format!("other {subject}"), "nothing else", actual, extra.is_empty()));
        if wanted.is_empty() {
            evidence.push(Evidence::unknown(
                subject,
                "at least one right",
                "the check has none: that somebody has no rights is true from the start",
            ));
        }
        Judgement::from_evidence(evidence)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::snapshot::Observation;
    use crate::grade::testing::{judge, snapshot, table, with};
    use crate::model::Verdict::{self, Fail, Indeterminate, Pass};

    fn known(roles: Value, cluster_roles: Value, bindings: Value, cluster_bindings: Value) -> Snapshot {
        KINDS
            .into_iter()
            .zip([roles, cluster_roles, bindings, cluster_bindings])
            .fold(snapshot(), |known, (kind, items)| with(known, list(kind), Observation::Value(items)))
    }

    fn role(name: &str, rules: Value) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop"}, "rules": rules})
    }

    fn binding(role_kind: &str, role: &str, subject: Value) -> Value {
        json!({"metadata": {"name": format!("b-{role}"), "namespace": "shop"}, "roleRef": {"kind": role_kind, "name": role}, "subjects": [subject]})
    }

    fn user() -> Value {
        json!({"kind": "User", "name": "mira"})
    }

    /// What the usual check comes to where Role `r` has these rules.
    fn verdict(rules: Value) -> Verdict {
        let known = known(json!([role("r", rules)]), json!([]), json!([binding("Role", "r", user())]), json!([]));
        judge(&spec(), &known).verdict
    }

    fn spec() -> Value {
        json!({"rbac": {"as": {"user": "mira", "groups": ["platform"]}, "exactly": [
            {"verbs": ["get", "list"], "resource": "pods", "namespace": "shop"},
            {"verbs": ["patch"], "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "shop"},
        ]}})
    }

    #[test]
    fn exactly_is_exactly_however_it_is_written() {
        let scale = json!({"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]});
        let pods = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get"]});
        let one = |verb: &str| json!({"apiGroups": [""], "resources": ["pods"], "verbs": [verb]});
        for (rules, wanted) in [
            (json!([pods, scale]), Pass),
            (json!([one("get"), one("list"), scale]), Pass),
            (json!([{"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get", "list"]}, scale]), Pass),
            (json!([pods, scale, {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]), Pass),
            (json!([pods]), Fail),
            (json!([one("get"), scale]), Fail),
            (json!([pods, scale, one("watch")]), Fail),
            (json!([one("*"), scale]), Fail),
            (json!([pods, {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["patch"]}]), Fail),
            (json!([pods, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]), Fail),
            (json!([pods, {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["patch"]}]), Fail),
            (json!([{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["web"], "verbs": ["get", "list"]}, scale]), Fail),
        ] {
            assert_eq!(verdict(rules.clone()), wanted, "{rules}");
        }
    }

    #[test]
    fn rights_come_by_groups_and_cluster_roles_and_reach_as_far_as_their_binding() {
        let rules = json!([
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
        ]);
        let cluster_role = json!([{"metadata": {"name": "c"}, "rules": rules}]);
        let group = json!({"kind": "Group", "name": "platform"});
        let by = |bindings: Value, cluster: Value| known(json!([]), cluster_role.clone(), bindings, cluster);
        let everywhere = |subject: Value| json!([{"metadata": {"name": "wide"}, "roleRef": {"kind": "ClusterRole", "name": "c"}, "subjects": [subject]}]);
        table(&by(json!([binding("ClusterRole", "c", group.clone())]), json!([])), &[(spec(), Pass)]);
        table(&by(json!([]), everywhere(group.clone())), &[(spec(), Fail)]);
        table(&by(json!([binding("ClusterRole", "c", user())]), everywhere(group)), &[(spec(), Fail)]);
        let everybody = json!({"kind": "Group", "name": "system:authenticated"});
        table(&by(json!([binding("ClusterRole", "c", everybody)]), json!([])), &[(spec(), Fail)]);
        table(&by(json!([binding("ClusterRole", "c", json!({"kind": "User", "name": "other"}))]), json!([])), &[(spec(), Fail)]);
    }

    #[test]
    fn what_everybody_has_by_default_does_not_count() {
        let rules = json!([{"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}]);
        let basic = json!([{"metadata": {"name": "system:basic-user", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "roleRef": {"kind": "ClusterRole", "name": "system:basic-user"}, "subjects": [{"kind": "Group", "name": "system:authenticated"}]}]);
        let roles = json!([{"metadata": {"name": "system:basic-user"}, "rules": rules}]);
        let own = json!([role("r", json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]))]);
        let account = json!({"kind": "ServiceAccount", "name": "bot", "namespace": "shop"});
        let known = known(own, roles, json!([binding("Role", "r", account)]), basic);
        let spec = |verbs: Value| {
            json!({"rbac": {"as": {"serviceAccount": {"namespace": "shop", "name": "bot"}},
                "exactly": [{"verbs": verbs, "resource": "pods", "namespace": "shop"}]}})
        };
        table(&known, &[(spec(json!(["get"])), Pass), (spec(json!(["list"])), Fail)]);
        table(&known, &[(json!({"rbac": {"as": {"user": "nobody"}, "exactly": []}}), Indeterminate)]);
        table(&snapshot(), &[(spec(json!(["get"])), Indeterminate)]);
    }
}
