//! What a scenario would make on somebody's cluster, checked before any of it is made.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::{Api, ResourceExt};

/// How every namespace begins that ckaprep makes on an existing cluster.
pub const PREFIX: &str = "ckaprep-";

/// Label of everything that a session makes; its value is the session's id.
pub const SESSION_LABEL: &str = "ckaprep.dev/session";

/// One object of a setup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    /// Kind.
    pub kind: String,
    /// Its namespace; `None` for what has none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// Everything that a setup would make, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Namespace → `Kind name` of what goes into it.
    pub namespaces: BTreeMap<String, Vec<String>>,
}

/// Why a setup does not belong on an existing cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It makes something outside namespaces.
    #[error("it makes the {0}, which belongs to the whole cluster")]
    ClusterScoped(String),
    /// It makes something in a namespace that it does not make itself.
    #[error("it makes the {object} in the namespace {namespace:?}, which is not its own (its own begin with {PREFIX:?})")]
    Foreign {
        /// `Kind name`.
        object: String,
        /// The namespace.
        namespace: String,
    },
}

impl Plan {
    /// Sorts objects by namespace; refuses what would touch anything that ckaprep did not make.
    pub fn of(objects: impl IntoIterator<Item = Planned>) -> Result<Self, PlanError> {
        let objects: Vec<Planned> = objects.into_iter().collect();
        let made: BTreeSet<&str> =
            objects.iter().filter(|o| o.kind == "Namespace" && o.name.starts_with(PREFIX)).map(|o| o.name.as_str()).collect();
        let mut namespaces: BTreeMap<String, Vec<String>> = made.iter().map(|n| ((*n).to_owned(), Vec::new())).collect();
        for object in &objects {
            let title = format!("{} {}", object.kind, object.name);
            match object.namespace.as_deref() {
                None if made.contains(object.name.as_str()) && object.kind == "Namespace" => {}
                None => return Err(PlanError::ClusterScoped(title)),
                Some(namespace) => match namespaces.get_mut(namespace) {
                    Some(contents) => contents.push(title),
                    None => return Err(PlanError::Foreign { object: title, namespace: namespace.to_owned() }),
                },
            }
        }
        Ok(Self { namespaces })
    }
}

/// Namespaces of the plan that are there already, and so are somebody's.
pub async fn taken(client: &kube::Client, plan: &Plan) -> Result<Vec<String>, kube::Error> {
    let all: Api<Namespace> = Api::all(client.clone());
    let mut found = Vec::new();
    for name in plan.namespaces.keys() {
        if all.get_opt(name).await?.is_some() {
            found.push(name.clone());
        }
    }
    Ok(found)
}

/// What became of a removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Namespaces that are gone, or going, with everything in them.
    pub namespaces: Vec<String>,
    /// Those that could not be removed, and why.
    pub left: Vec<(String, String)>,
}

/// Removes a session's namespaces: those with its label and our prefix, and each only as the very object that was listed.
pub async fn remove(client: &kube::Client, session: &str) -> Result<Removed, kube::Error> {
    let all: Api<Namespace> = Api::all(client.clone());
    let mut removed = Removed::default();
    for namespace in all.list(&ListParams::default().labels(&format!("{SESSION_LABEL}={session}"))).await?.items {
        let name = namespace.name_any();
        if !name.starts_with(PREFIX) {
            removed.left.push((name, format!("its name does not begin with {PREFIX:?}")));
            continue;
        }
        let preconditions = Preconditions { uid: namespace.uid(), resource_version: None };
        match all.delete(&name, &DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }).await {
            Ok(_) => removed.namespaces.push(name),
            Err(error) => removed.left.push((name, error.to_string())),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, namespace: Option<&str>, name: &str) -> Planned {
        Planned { kind: kind.into(), namespace: namespace.map(str::to_owned), name: name.into() }
    }

    #[test]
    fn only_own_namespaces_and_what_is_in_them() {
        let namespace = || object("Namespace", None, "ckaprep-shop");
        let plan = Plan::of([object("Service", Some("ckaprep-shop"), "web"), namespace()]).expect("its own");
        assert_eq!(plan.namespaces["ckaprep-shop"], ["Service web"]);
        for (objects, part) in [
            (vec![namespace(), object("PersistentVolume", None, "data")], "whole cluster"),
            (vec![object("Namespace", None, "shop")], "whole cluster"),
            (vec![namespace(), object("Pod", Some("kube-system"), "web")], "\"kube-system\""),
            (vec![object("Pod", Some("ckaprep-other"), "web")], "not its own"),
        ] {
            let error = Plan::of(objects).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
