//! `chown` and `chgrp`

use super::options::{Options, flag, name};
use crate::machine::{ExitStatus, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let command = name(&context).to_owned();
    let options = match Options::of(
        &context,
        &[flag('R', "recursive"), flag('v', "verbose"), flag('h', "no-dereference"), flag('f', "silent"), flag('c', "changes")],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    let [owner, files @ ..] = &options.rest[..] else {
        let _ = context.stderr.line(format!("{command}: missing operand\nTry '{command} --help' for more information.")).await;
        return ExitStatus::FAILURE;
    };
    if files.is_empty() {
        let _ =
            context.stderr.line(format!("{command}: missing operand after ‘{owner}’\nTry '{command} --help' for more information.")).await;
        return ExitStatus::FAILURE;
    }
    let users = Users::of(&context.files);
    let (uid, gid) = match parse(&users, owner, command == "chgrp") {
        Ok(ids) => ids,
        Err(text) => {
            let _ = context.stderr.line(format!("{command}: {text}")).await;
            return ExitStatus::FAILURE;
        }
    };
    let what = if command == "chgrp" { "group" } else { "ownership" };
    let mut status = ExitStatus::SUCCESS;
    let mut waiting: Vec<(String, String)> = files.iter().rev().map(|name| (name.clone(), context.path(name))).collect();
    while let Some((name, path)) = waiting.pop() {
        let changed =
            context.files.lstat(&path).map_err(|errno| format!("{command}: cannot access '{name}': {errno}")).and_then(
                |stat| match context.files.set_owner(&path, uid, gid, !options.has("h")) {
                    Ok(()) => Ok(stat),
                    Err(errno) => Err(format!("{command}: changing {what} of '{name}': {errno}")),
                },
            );
        match changed {
            Ok(stat) if stat.is_dir() && options.has("R") => {
                let entries = context.files.read_dir(&path).unwrap_or_default();
                waiting.extend(entries.into_iter().rev().map(|(entry, _)| (format!("{name}/{entry}"), format!("{path}/{entry}"))));
            }
            Ok(_) => {}
            Err(text) => {
                let _ = context.stderr.line(text).await;
                status = ExitStatus::FAILURE;
            }
        }
    }
    status
}

type Ids = (Option<u32>, Option<u32>);

fn parse(users: &Users, text: &str, group_only: bool) -> Result<Ids, String> {
    let group = |name: &str| users.gid(name).or_else(|| name.parse().ok()).ok_or_else(|| format!("invalid group: ‘{text}’"));
    if group_only {
        return Ok((None, Some(group(text)?)));
    }
    let (owner, members) = text.split_once([':', '.']).map_or((text, None), |(owner, members)| (owner, Some(members)));
    let user = match owner {
        "" => None,
        owner => {
            Some(users.user(owner).map(|user| user.uid).or_else(|| owner.parse().ok()).ok_or_else(|| format!("invalid user: ‘{text}’"))?)
        }
    };
    let gid = match members {
        None => None,
        Some("") => users.user(owner).map(|user| user.gid),
        Some(name) => Some(group(name)?),
    };
    Ok((user, gid))
}
