//! `kubectl create rolebinding` and `kubectl create clusterrolebinding`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const SUBJECTS: &[Flag] = &[
    flag("clusterrole", Kind::Text, "", "Cluster role to refer to."),
    flag("user", Kind::Array, "", "User to bind; may be repeated."),
    flag("group", Kind::Array, "", "Group to bind; may be repeated."),
    flag("serviceaccount", Kind::Array, "", "Service account to bind: namespace:name; may be repeated."),
];
const ROLE: &[Flag] = &[flag("role", Kind::Text, "", "Role to refer to.")];

/// `kubectl create rolebinding`.
pub const ROLE_BINDING: Command = Command {
    path: &["create", "rolebinding"],
    aliases: &[],
    usage: "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    short: "Create a role binding for a particular role or cluster role",
    long: "",
    examples: "kubectl create rolebinding read --role=reader --serviceaccount=shop:app",
    flags: &[SUBJECTS, ROLE, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(role_binding(cx))),
};

/// `kubectl create clusterrolebinding`.
pub const CLUSTER_ROLE_BINDING: Command = Command {
    path: &["create", "clusterrolebinding"],
    aliases: &[],
    usage: "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    short: "Create a cluster role binding for a particular cluster role",
    long: "",
    examples: "kubectl create clusterrolebinding admin --clusterrole=cluster-admin --user=jane",
    flags: &[SUBJECTS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(cluster_role_binding(cx))),
};

const GROUP: &str = "rbac.authorization.k8s.io";

async fn role_binding(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let (cluster_role, role) = (cx.flags.text("clusterrole"), cx.flags.text("role"));
    if cluster_role.is_empty() == role.is_empty() {
        return Err(Error::message("exactly one of clusterrole or role must be specified"));
    }
    let (kind, to) = if role.is_empty() { ("ClusterRole", cluster_role) } else { ("Role", role) };
    let resource = builtin(GROUP, "v1", "rolebindings", "RoleBinding", true);
    let mut object = create::object(&resource, &name);
    object["roleRef"] = json!({"apiGroup": GROUP, "kind": kind, "name": to});
    add_subjects(cx, &mut object)?;
    create::submit(cx, &resource, object, "rolebinding").await
}

async fn cluster_role_binding(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["clusterrole"])?;
    let name = create::name(cx)?;
    let resource = builtin(GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", false);
    let mut object = create::object(&resource, &name);
    object["roleRef"] = json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": cx.flags.text("clusterrole")});
    add_subjects(cx, &mut object)?;
    create::submit(cx, &resource, object, "clusterrolebinding").await
}

fn add_subjects(cx: &Context, object: &mut Value) -> Result<(), Error> {
    let subjects = subjects(cx)?;
    if !subjects.is_empty() {
        object["subjects"] = Value::Array(subjects);
    }
    Ok(())
}

/// The subjects that the flags name.
pub fn subjects(cx: &Context) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        for name in cx.flags.list(flag) {
            out.push(json!({"apiGroup": GROUP, "kind": kind, "name": name}));
        }
    }
    for text in cx.flags.list("serviceaccount") {
        let (namespace, name) = text
            .split_once(':')
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
            .ok_or_else(|| Error::message("serviceaccount must be <namespace>:<name>"))?;
        out.push(json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
    }
    Ok(out)
}
