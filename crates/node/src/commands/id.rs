//! `id`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options =
        match Options::of(&context, &[flag('u', "user"), flag('g', "group"), flag('G', "groups"), flag('n', "name"), flag('r', "real")], 1)
            .await
        {
            Ok(options) => options,
            Err(status) => return status,
        };
    let users = Users::of(&context.files);
    let (uid, gid) = match options.rest.first() {
        None => (context.files.credentials().uid, context.files.credentials().gid),
        Some(name) => match users.user(name).or_else(|| name.parse().ok().and_then(|uid| users.by_uid(uid))) {
            Some(user) => (user.uid, user.gid),
            None => {
                let _ = context.stderr.line(format!("id: ‘{name}’: no such user")).await;
                return ExitStatus::FAILURE;
            }
        },
    };
    let mut groups = vec![gid];
    groups.extend(users.by_uid(uid).map(|user| users.groups_of(&user.name)).unwrap_or_default().into_iter().filter(|group| *group != gid));
    let user_name = |uid: u32| if options.has("n") { users.user_name(uid) } else { uid.to_string() };
    let group_name = |gid: u32| if options.has("n") { users.group_name(gid) } else { gid.to_string() };
    let text = if options.has("u") {
        user_name(uid)
    } else if options.has("g") {
        group_name(gid)
    } else if options.has("G") {
        groups.iter().map(|group| group_name(*group)).collect::<Vec<_>>().join(" ")
    } else {
        let named = |number: u32, name: String| if name == number.to_string() { name } else { format!("{number}({name})") };
        let list = groups.iter().map(|group| named(*group, users.group_name(*group))).collect::<Vec<_>>().join(",");
        format!("uid={} gid={} groups={list}", named(uid, users.user_name(uid)), named(gid, users.group_name(gid)))
    };
    let _ = context.stdout.line(text).await;
    ExitStatus::SUCCESS
}
