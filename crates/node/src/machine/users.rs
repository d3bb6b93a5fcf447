//! Users and groups, from `/etc/passwd` and `/etc/group`.

use crate::fs::View;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

/// All users and groups of a file system.
#[derive(Clone, Debug, Default)]
pub struct Users {
    users: Vec<User>,
    groups: Vec<(String, u32, Vec<String>)>,
}

impl Users {
    /// Reads the files; those missing or malformed name nobody.
    pub fn of(files: &View) -> Self {
        let passwd = files.read_text("/etc/passwd").unwrap_or_default();
        let group = files.read_text("/etc/group").unwrap_or_default();
        Self { users: passwd.lines().filter_map(user).collect(), groups: group.lines().filter_map(group_line).collect() }
    }

    /// By name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// By number.
    pub fn by_uid(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// Number of a group.
    pub fn gid(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|group| group.0 == name).map(|group| group.1)
    }

    /// Name of a user, or the number.
    pub fn user_name(&self, uid: u32) -> String {
        self.by_uid(uid).map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    /// Name of a group, or the number.
    pub fn group_name(&self, gid: u32) -> String {
        self.groups.iter().find(|group| group.1 == gid).map_or_else(|| gid.to_string(), |group| group.0.clone())
    }

    /// Further groups that a user is in.
    pub fn groups_of(&self, name: &str) -> Vec<u32> {
        self.groups.iter().filter(|group| group.2.iter().any(|member| member == name)).map(|group| group.1).collect()
    }
}

fn user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    Some(User { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()?, home: home.to_owned(), shell: shell.to_owned() })
}

fn group_line(line: &str) -> Option<(String, u32, Vec<String>)> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    Some((name.to_owned(), gid.parse().ok()?, members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect()))
}
