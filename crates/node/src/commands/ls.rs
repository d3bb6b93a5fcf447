//! `ls`

use super::options::{Options, flag, value};
use super::report::{human, listing_time};
use crate::fs::{Stat, View};
use crate::machine::{ExitStatus, ProcessContext, Users};

struct Item {
    name: String,
    path: String,
    stat: Stat,
}

struct Listing<'a> {
    context: &'a ProcessContext,
    options: &'a Options,
    users: Users,
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('l', ""),
        flag('a', "all"),
        flag('A', "almost-all"),
        flag('h', "human-readable"),
        flag('t', ""),
        flag('r', "reverse"),
        flag('R', "recursive"),
        flag('d', "directory"),
        flag('i', "inode"),
        flag('1', ""),
        flag('S', ""),
        flag('n', "numeric-uid-gid"),
        flag('F', "classify"),
        flag('p', ""),
        flag('s', "size"),
        flag('g', ""),
        flag('o', ""),
        flag('C', ""),
        flag('Z', "context"),
        flag('L', "dereference"),
        flag('H', ""),
        flag('G', "no-group"),
        value('\0', "color"),
        value('\0', "time-style"),
        value('\0', "sort"),
        flag('\0', "full-time"),
    ];
    let args: Vec<String> = context.argv.iter().map(|arg| if arg == "--color" { "--color=auto".to_owned() } else { arg.clone() }).collect();
    let options = match Options::parse(args.get(1..).unwrap_or_default(), &specs) {
        Ok(options) => options,
        Err(message) => {
            let _ = context.stderr.line(format!("ls: {message}\nTry 'ls --help' for more information.")).await;
            return ExitStatus::Code(2);
        }
    };
    let listing = Listing { users: Users::of(&context.files), context: &context, options: &options };
    let (text, errors, code) = listing.all();
    for error in errors {
        let _ = context.stderr.line(error).await;
    }
    let _ = context.stdout.write(text).await;
    ExitStatus::Code(code)
}

impl Listing<'_> {
    fn all(&self) -> (String, Vec<String>, u8) {
        let files = &self.context.files;
        let names = if self.options.rest.is_empty() { vec![".".to_owned()] } else { self.options.rest.clone() };
        let (mut plain, mut dirs, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let path = self.context.path(&name);
            match files.lstat(&path) {
                Err(errno) => errors.push(format!("ls: cannot access '{name}': {errno}")),
                Ok(stat) => {
                    let followed = !self.options.has("l") || name.ends_with('/');
                    let is_dir = stat.is_dir() || (stat.is_symlink() && followed && files.is_dir(&path));
                    let item = Item { name, path, stat };
                    if is_dir && !self.options.has("d") { dirs.push(item) } else { plain.push(item) }
                }
            }
        }
        let mut code = if errors.is_empty() { 0 } else { 2 };
        self.sort(&mut plain);
        let mut text = self.lines(&plain);
        let titled = dirs.len() > 1 || !plain.is_empty() || !errors.is_empty() || self.options.has("R");
        self.sort(&mut dirs);
        for dir in dirs {
            self.directory(&dir.name, &dir.path, titled, &mut text, &mut errors, &mut code);
        }
        (text, errors, code)
    }

    fn directory(&self, name: &str, path: &str, titled: bool, text: &mut String, errors: &mut Vec<String>, code: &mut u8) {
        let files: &View = &self.context.files;
        let entries = match files.read_dir(path) {
            Ok(entries) => entries,
            Err(errno) => {
                errors.push(format!("ls: cannot open directory '{name}': {errno}"));
                *code = (*code).max(if titled { 1 } else { 2 });
                return;
            }
        };
        if titled {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{name}:\n"));
        }
        let all = self.options.has("a");
        let mut items: Vec<Item> = entries
            .into_iter()
            .filter(|(entry, _)| all || self.options.has("A") || !entry.starts_with('.'))
            .map(|(entry, stat)| Item { path: format!("{}/{entry}", path.trim_end_matches('/')), name: entry, stat })
            .collect();
        if all {
            for dots in [".", ".."] {
                if let Ok(stat) = files.stat(&format!("{path}/{dots}")) {
                    items.push(Item { name: dots.to_owned(), path: path.to_owned(), stat });
                }
            }
        }
        self.sort(&mut items);
        if self.long() || self.options.has("s") {
            let blocks: u64 = items.iter().map(|item| blocks(&item.stat)).sum();
            let total = if self.options.has("h") { human(blocks * 1024) } else { blocks.to_string() };
            text.push_str(&format!("total {total}\n"));
        }
        text.push_str(&self.lines(&items));
        if self.options.has("R") {
            for item in items.iter().filter(|item| item.stat.is_dir() && item.name != "." && item.name != "..") {
                self.directory(&format!("{}/{}", name.trim_end_matches('/'), item.name), &item.path, true, text, errors, code);
            }
        }
    }

    fn long(&self) -> bool {
        ["l", "n", "g", "o", "full-time"].iter().any(|key| self.options.has(key))
    }

    fn sort(&self, items: &mut [Item]) {
        // The C.UTF-8 locale sorts by bytes.
        items.sort_by(|a, b| a.name.cmp(&b.name));
        if self.options.has("t") || self.options.get("sort") == Some("time") {
            items.sort_by_key(|item| std::cmp::Reverse(item.stat.mtime));
        }
        if self.options.has("S") || self.options.get("sort") == Some("size") {
            items.sort_by_key(|item| std::cmp::Reverse(item.stat.size));
        }
        if self.options.has("r") {
            items.reverse();
        }
    }

    fn lines(&self, items: &[Item]) -> String {
        if self.long() {
            return self.long_lines(items);
        }
        let names: Vec<String> = items
            .iter()
            .map(|item| {
                let inode = if self.options.has("i") { format!("{} ", item.stat.ino) } else { String::new() };
                let size = if self.options.has("s") { format!("{} ", blocks(&item.stat)) } else { String::new() };
                format!("{inode}{size}{}{}", item.name, self.mark(item))
            })
            .collect();
        let width = self.context.terminal.as_ref().filter(|_| !self.options.has("1")).map(|terminal| usize::from(terminal.columns()));
        match width {
            Some(width) => grid(&names, width),
            None => names.iter().fold(String::new(), |text, name| text + name + "\n"),
        }
    }

    fn mark(&self, item: &Item) -> &'static str {
        match item.stat.letter {
            'd' if self.options.has("F") || self.options.has("p") => "/",
            'l' if self.options.has("F") => "@",
            's' if self.options.has("F") => "=",
            '-' if self.options.has("F") && item.stat.mode & 0o111 != 0 => "*",
            _ => "",
        }
    }

    fn long_lines(&self, items: &[Item]) -> String {
        let now = self.context.machine.clock().now();
        let rows: Vec<[String; 8]> = items
            .iter()
            .map(|item| {
                let stat = &item.stat;
                let numeric = self.options.has("n");
                let owner = if numeric { stat.uid.to_string() } else { self.users.user_name(stat.uid) };
                let group = if numeric { stat.gid.to_string() } else { self.users.group_name(stat.gid) };
                let size = match stat.device {
                    Some((major, minor)) => format!("{major}, {minor}"),
                    None if self.options.has("h") => human(stat.size),
                    None => stat.size.to_string(),
                };
                let time = if self.options.has("full-time") {
                    stat.mtime.strftime("%Y-%m-%d %H:%M:%S%.9f +0000").to_string()
                } else {
                    listing_time(stat.mtime, now)
                };
                let link = match stat.letter {
                    'l' => self.context.files.read_link(&item.path).map(|target| format!(" -> {target}")).unwrap_or_default(),
                    _ => String::new(),
                };
                let inode = if self.options.has("i") { format!("{} ", stat.ino) } else { String::new() };
                [
                    inode,
                    format!("{}{}", stat.letter, permissions(stat.mode)),
                    stat.links.to_string(),
                    owner,
                    group,
                    size,
                    time,
                    format!("{}{}{link}", item.name, self.mark(item)),
                ]
            })
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let (links, owner, group, size) = (width(2), width(3), width(4), width(5));
        rows.iter().fold(String::new(), |text, row| {
            let [inode, mode, link_count, user, members, bytes, time, name] = row;
            let user = if self.options.has("g") { String::new() } else { format!("{user:<owner$} ") };
            let members = if self.options.has("o") || self.options.has("G") { String::new() } else { format!("{members:<group$} ") };
            format!("{text}{inode}{mode} {link_count:>links$} {user}{members}{bytes:>size$} {time} {name}\n")
        })
    }
}

fn blocks(stat: &Stat) -> u64 {
    match stat.letter {
        'd' => 4,
        '-' => stat.size.div_ceil(4096) * 4,
        _ => 0,
    }
}

/// `rwxr-xr-x`.
pub(super) fn permissions(mode: u32) -> String {
    let mut text: Vec<char> = (0..9).rev().map(|bit| if mode >> bit & 1 == 1 { ['x', 'w', 'r'][bit % 3] } else { '-' }).collect();
    for (bit, at, set, unset) in [(0o4000, 2, 's', 'S'), (0o2000, 5, 's', 'S'), (0o1000, 8, 't', 'T')] {
        if mode & bit != 0 {
            text[at] = if text[at] == 'x' { set } else { unset };
        }
    }
    text.into_iter().collect()
}

/// Names in columns, down first, as many as the width allows.
fn grid(names: &[String], width: usize) -> String {
    if names.is_empty() {
        return String::new();
    }
    for columns in (1..=names.len()).rev() {
        let rows = names.len().div_ceil(columns);
        let widths: Vec<usize> =
            names.chunks(rows).map(|column| column.iter().map(|name| name.chars().count() + 2).max().unwrap_or(0)).collect();
        if columns > 1 && widths.iter().sum::<usize>() > width + 2 {
            continue;
        }
        let mut text = String::new();
        for row in 0..rows {
            let line = names
                .chunks(rows)
                .zip(&widths)
                .filter_map(|(column, width)| column.get(row).map(|name| (name, *width)))
                .fold(String::new(), |line, (name, width)| format!("{line}{name:<width$}"));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        return text;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::{grid, permissions};

    #[test]
    fn modes() {
        for (mode, want) in [(0o644, "rw-r--r--"), (0o755, "rwxr-xr-x"), (0o1777, "rwxrwxrwt"), (0o4755, "rwsr-xr-x"), (0o600, "rw-------")]
        {
            assert_eq!(permissions(mode), want);
        }
    }

    #[test]
    fn names_run_down_the_columns() {
        let names: Vec<String> = ["a", "bb", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(grid(&names, 80), "a  bb  c  d  e\n");
        assert_eq!(grid(&names, 8), "a   c  e\nbb  d\n");
    }
}
