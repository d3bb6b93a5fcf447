//! `kubectl set subject`.

use crate::command::{Command, Completes};
use crate::commands::create::rolebinding::subjects;
use crate::commands::set::{MANAGER, each};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::DRY_RUN;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("user", Kind::Array, "", "User to add; may be repeated."),
    flag("group", Kind::Array, "", "Group to add; may be repeated."),
    flag("serviceaccount", Kind::Array, "", "Service account to add: namespace:name; may be repeated."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "subject"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]",
    short: "Update the user, group, or service account in a role binding or cluster role binding",
    long: "",
    examples: "kubectl set subject rolebinding read --serviceaccount=shop:app",
    flags: &[FLAGS, MANAGER, FILENAME, SELECTOR, ALL, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let added = subjects(cx)?;
    if added.is_empty() {
        return Err(Error::message("you must specify at least one value of user, group or serviceaccount"));
    }
    each(cx, &Selection::of(cx), "subjects updated", move |info, object| {
        if !matches!(info.resource.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            return Err(Error::message("setting subjects is only supported for RoleBinding/ClusterRoleBinding"));
        }
        if !object["subjects"].is_array() {
            object["subjects"] = serde_json::json!([]);
        }
        if let Some(list) = object["subjects"].as_array_mut() {
            for subject in &added {
                if !list.contains(subject) {
                    list.push(subject.clone());
                }
            }
        }
        Ok(())
    })
    .await
}
