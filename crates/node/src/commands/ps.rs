//! `ps`

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::report::listing_time;
use crate::machine::{ExitStatus, Pid, Process, ProcessContext, RunState, Users, inner_pid};

/// What is shown of each process.
struct Column {
    key: String,
    title: String,
}

struct View<'a> {
    context: &'a ProcessContext,
    users: Users,
    now: Timestamp,
    memory_kib: u64,
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let mut columns: Vec<Column> = Vec::new();
    let (mut all, mut terminal, mut with_parents) = (false, false, false);
    let mut pids: BTreeSet<Pid> = BTreeSet::new();
    let mut names: Vec<String> = Vec::new();
    let (mut sort, mut style, mut headers, mut threads) = (None, "short", true, false);
    let mut args = context.argv.iter().skip(1).peekable();
    while let Some(arg) = args.next() {
        let mut rest = arg.as_str();
        let dashed = rest.starts_with('-') && !rest.starts_with("--");
        if let Some(long) = rest.strip_prefix("--") {
            match long.split_once('=') {
                Some(("sort", keys)) => sort = Some(keys.to_owned()),
                Some(("pid", list)) => pids.extend(list.split(',').filter_map(|pid| pid.parse::<Pid>().ok())),
                Some(("ppid", _)) => with_parents = true,
                Some(("format", list)) => columns.extend(parse_columns(list)),
                None if long == "no-headers" || long == "no-heading" => headers = false,
                None if long == "forest" => {}
                _ => return fail(&context, "error: unknown gnu long option").await,
            }
            continue;
        }
        rest = rest.trim_start_matches('-');
        if rest.chars().all(|c| c.is_ascii_digit() || c == ',') && !rest.is_empty() {
            pids.extend(rest.split(',').filter_map(|pid| pid.parse::<Pid>().ok()));
            continue;
        }
        let letters: Vec<char> = rest.chars().collect();
        for (index, letter) in letters.iter().enumerate() {
            match (letter, dashed) {
                ('e' | 'A', true) => all = true,
                ('a', false) | ('x', false) => all = true,
                ('a', true) => terminal = true,
                ('u', false) => style = "user",
                ('f', true) => style = "full",
                ('F', true) => style = "full",
                ('l', _) => style = "long",
                ('w' | 'f' | 'H' | 'L' | 'T' | 'm', _) => threads |= *letter == 'L',
                ('h', _) => headers = false,
                ('o' | 'p' | 'C' | 'u' | 'q' | 'U' | 'k', _) => {
                    let inline: String = letters[index + 1..].iter().collect();
                    let value = if inline.is_empty() { args.next().cloned().unwrap_or_default() } else { inline };
                    match letter {
                        'o' => columns.extend(parse_columns(&value)),
                        'p' | 'q' => pids.extend(value.split([',', ' ']).filter_map(|pid| pid.parse::<Pid>().ok())),
                        'C' => names.extend(value.split(',').map(str::to_owned)),
                        'k' => sort = Some(value),
                        _ => {}
                    }
                    break;
                }
                _ => {
                    return fail(
                        &context,
                        "error: unsupported option (BSD syntax)\n\nUsage:\n ps [options]\n\nFor more details see ps(1).",
                    )
                    .await;
                }
            }
        }
    }
    let _ = (threads, with_parents);
    if columns.is_empty() {
        columns = parse_columns(match style {
            "user" => "user,pid,%cpu,%mem,vsz,rss,tty,stat,start,time,args",
            "full" => "uid_name,pid,ppid,c,stime,tty,time,cmd",
            "long" => "f,s,uid,pid,ppid,c,pri,ni,sz,tty,time,comm",
            _ => "pid,tty,time,comm",
        });
    }
    let own_tty = context.machine.read(|state| state.processes.get(&context.pid).map(|process| process.tty.clone())).unwrap_or_default();
    let mut processes: Vec<Arc<Process>> = context.machine.read(|state| {
        state.processes.values().filter(|process| context.container.is_none() || process.container == context.container).cloned().collect()
    });
    processes.retain(|process| {
        if !pids.is_empty() || !names.is_empty() {
            return pids.contains(&process.pid) || names.iter().any(|name| name == process.comm());
        }
        all || (terminal && process.tty != "?") || (process.tty == own_tty && process.tty != "?") || process.pid == context.pid
    });
    let view = View {
        context: &context,
        users: Users::of(&context.machine.host_files()),
        now: context.machine.clock().now(),
        memory_kib: context.machine.read(|state| state.hardware.memory_kib),
    };
    match sort.as_deref() {
        Some("-%mem" | "-rss" | "-pmem") => processes.sort_by_key(|process| std::cmp::Reverse(process.usage.resident_kib)),
        Some("%mem" | "rss") => processes.sort_by_key(|process| process.usage.resident_kib),
        Some("-%cpu" | "-pcpu") => processes.sort_by_key(|process| std::cmp::Reverse(process.usage.cpu_milli)),
        Some("-pid") => processes.reverse(),
        _ => {}
    }
    let found = !processes.is_empty();
    let _ = context.stdout.write(view.table(&columns, &processes, headers)).await;
    if found { ExitStatus::SUCCESS } else { ExitStatus::FAILURE }
}

async fn fail(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stderr.line(text).await;
    ExitStatus::FAILURE
}

fn parse_columns(list: &str) -> Vec<Column> {
    list.split([',', ' '])
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (key, title) = item.split_once('=').map_or((item, None), |(key, title)| (key, Some(title.to_owned())));
            let default = match key {
                "user" | "euser" | "ruser" => "USER",
                "uid_name" => "UID",
                "%cpu" | "pcpu" => "%CPU",
                "%mem" | "pmem" => "%MEM",
                "tty" | "tt" | "tname" => "TTY",
                "stat" | "state" => "STAT",
                "args" | "command" => "COMMAND",
                "comm" | "ucmd" => {
                    if key == "comm" {
                        "COMMAND"
                    } else {
                        "CMD"
                    }
                }
                "start" => "START",
                "lstart" => "STARTED",
                "etime" => "ELAPSED",
                "etimes" => "ELAPSED",
                "time" | "cputime" => "TIME",
                "unit" => "UNIT",
                "cgroup" => "CGROUP",
                "nlwp" | "thcount" => "NLWP",
                "f" => "F",
                "s" => "S",
                "sz" => "SZ",
                "c" => "C",
                other => return Column { key: other.to_owned(), title: title.unwrap_or_else(|| other.to_uppercase()) },
            };
            Column { key: key.to_owned(), title: title.unwrap_or_else(|| default.to_owned()) }
        })
        .collect()
}

impl View<'_> {
    fn table(&self, columns: &[Column], processes: &[Arc<Process>], headers: bool) -> String {
        let short = columns.iter().any(|column| column.key == "comm") && columns.len() == 4;
        let mut rows: Vec<Vec<String>> = Vec::new();
        if headers {
            rows.push(
                columns.iter().map(|column| if short && column.key == "comm" { "CMD".to_owned() } else { column.title.clone() }).collect(),
            );
        }
        for process in processes {
            rows.push(columns.iter().map(|column| self.cell(&column.key, process)).collect());
        }
        let widths: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| rows.iter().map(|row| row[index].len()).max().unwrap_or(0).max(minimum(&column.key)))
            .collect();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (index, cell) in row.iter().enumerate() {
                let width = widths[index];
                if index + 1 == row.len() {
                    line.push_str(cell);
                } else if right(&columns[index].key) {
                    line.push_str(&format!("{cell:>width$} "));
                } else {
                    line.push_str(&format!("{cell:<width$} "));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn cell(&self, key: &str, process: &Process) -> String {
        let alive = Duration::try_from(self.now.duration_since(process.started)).unwrap_or_default();
        let cpu = process.usage.cpu_time(alive);
        match key {
            "user" | "euser" | "ruser" | "uid_name" => {
                let name = self.users.user_name(process.who.uid);
                // A name that is too long is cut, with a plus sign (procps-ng 4).
                if name.len() > 8 { format!("{}+", &name[..7]) } else { name }
            }
            "uid" | "euid" => process.who.uid.to_string(),
            "gid" => process.who.gid.to_string(),
            "pid" | "tgid" => self.number(process.pid).to_string(),
            "ppid" => self.number(process.ppid).to_string(),
            "%cpu" | "pcpu" => format!("{:.1}", f64::from(process.usage.cpu_milli) / 10.0),
            "c" => (process.usage.cpu_milli / 10).to_string(),
            "%mem" | "pmem" => format!("{:.1}", process.usage.resident_kib as f64 * 100.0 / self.memory_kib as f64),
            "vsz" => process.usage.virtual_kib.to_string(),
            "sz" => (process.usage.virtual_kib / 4).to_string(),
            "rss" => process.usage.resident_kib.to_string(),
            "tty" | "tt" | "tname" => process.tty.clone(),
            "stat" | "state" | "s" => self.stat(key, process),
            "start" | "stime" => {
                if alive < Duration::from_secs(86_400) {
                    process.started.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
                } else {
                    listing_time(process.started, process.started)[..6].replace(' ', "")
                }
            }
            "lstart" => process.started.to_zoned(TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y").to_string(),
            "time" | "cputime" if self.bsd() => format!("{}:{:02}", cpu.as_secs() / 60, cpu.as_secs() % 60),
            "time" | "cputime" => format!("{:02}:{:02}:{:02}", cpu.as_secs() / 3600, cpu.as_secs() / 60 % 60, cpu.as_secs() % 60),
            "etimes" => alive.as_secs().to_string(),
            "etime" => elapsed(alive),
            "comm" | "ucmd" => process.comm().to_owned(),
            "args" | "cmd" | "command" => process.command_line(),
            "nlwp" | "thcount" => process.usage.threads.to_string(),
            "pri" => "80".to_owned(),
            "ni" => "0".to_owned(),
            "f" => "4".to_owned(),
            "unit" => process.unit.clone().unwrap_or_else(|| "-".to_owned()),
            "cgroup" => process.unit.as_ref().map_or_else(|| "0::/user.slice".to_owned(), |unit| format!("0::/system.slice/{unit}")),
            _ => "-".to_owned(),
        }
    }

    fn bsd(&self) -> bool {
        self.context.argv.get(1).is_some_and(|arg| !arg.starts_with('-'))
    }

    fn number(&self, pid: Pid) -> Pid {
        match &self.context.container {
            None => pid,
            Some(container) => self.context.machine.read(|state| inner_pid(state, Some(container), pid)),
        }
    }

    fn stat(&self, key: &str, process: &Process) -> String {
        let mut text = match process.state {
            RunState::Stopped => "T".to_owned(),
            RunState::Running if process.pid == self.context.pid => "R".to_owned(),
            RunState::Running => "S".to_owned(),
        };
        if key != "stat" {
            return text;
        }
        // A session's leader: what a manager (or shim) started itself.
        if process.ppid <= 1 || process.init || process.argv.first().is_some_and(|name| name.starts_with('-')) {
            text.push('s');
        }
        if process.usage.threads > 1 {
            text.push('l');
        }
        if process.pid == self.context.pid {
            text.push('+');
        }
        text
    }
}

fn elapsed(alive: Duration) -> String {
    let seconds = alive.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, seconds / 3600) {
        (0, 0) => format!("{minutes:02}:{:02}", seconds % 60),
        (0, _) => format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days}-{hours:02}:{minutes:02}:{:02}", seconds % 60),
    }
}

fn right(key: &str) -> bool {
    matches!(
        key,
        "pid"
            | "ppid"
            | "%cpu"
            | "pcpu"
            | "%mem"
            | "pmem"
            | "vsz"
            | "rss"
            | "c"
            | "uid"
            | "gid"
            | "time"
            | "cputime"
            | "etime"
            | "etimes"
            | "nlwp"
            | "pri"
            | "ni"
            | "sz"
            | "tgid"
    )
}

/// Widths that the real one gives in any case.
fn minimum(key: &str) -> usize {
    match key {
        "user" | "uid_name" | "euser" | "ruser" | "tty" | "tt" => 8,
        "pid" | "ppid" => 7,
        "%cpu" | "%mem" | "pcpu" | "pmem" | "stat" => 4,
        "vsz" | "time" => 6,
        "rss" | "start" | "stime" => 5,
        "c" => 2,
        _ => 0,
    }
}
