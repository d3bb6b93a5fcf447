//! `/proc`: the parts that people and programs look at, made from the state when they are read.

use std::time::Duration;

use jiff::Timestamp;

use super::process::{Pid, Process, RunState};
use super::state::MachineState;
use crate::fs::Stat;

/// What a path below `/proc` is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A directory with these names.
    Dir(Vec<String>),
    /// A file with this text.
    File(String),
    /// A link to this.
    Link(String),
}

impl Node {
    /// `stat(2)` of it: everything in `/proc` is root's, empty and new.
    pub fn stat(&self, path: &str, now: Timestamp) -> Stat {
        let (letter, mode, links) = match self {
            Self::Dir(_) => ('d', 0o555, 2),
            Self::File(_) => ('-', 0o444, 1),
            Self::Link(_) => ('l', 0o777, 1),
        };
        let ino = path.bytes().fold(0xf000_0000u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)) & 0xffff_ffff);
        Stat { ino, letter, uid: 0, gid: 0, mode, size: 0, mtime: now, links, device: None }
    }
}

const SYSTEM_FILES: &[&str] = &["cmdline", "cpuinfo", "filesystems", "loadavg", "meminfo", "mounts", "stat", "swaps", "uptime", "version"];

/// The node at `path` (relative, empty for `/proc` itself), seen from a container's process namespace or the machine's.
pub fn node(state: &MachineState, now: Timestamp, container: Option<&str>, path: &str) -> Option<Node> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let visible = |process: &&std::sync::Arc<Process>| container.is_none() || process.container.as_deref() == container;
    let Some(first) = parts.next() else {
        let mut names: Vec<String> =
            state.processes.values().filter(visible).map(|process| inner_pid(state, container, process.pid).to_string()).collect();
        names.extend(SYSTEM_FILES.iter().map(|name| (*name).to_owned()));
        names.extend(["net".to_owned(), "sys".to_owned()]);
        return Some(Node::Dir(names));
    };
    if let Ok(pid) = first.parse::<Pid>() {
        let process = state.processes.values().filter(visible).find(|process| inner_pid(state, container, process.pid) == pid)?;
        return process_node(process, parts.next());
    }
    let rest: Vec<&str> = parts.collect();
    if first == "sys" {
        return crate::commands::sysctl::proc_node(state, &rest);
    }
    if !rest.is_empty() {
        return None;
    }
    system_file(state, now, first).map(Node::File)
}

/// Number of a process in its container's namespace: the first is 1, others keep the order.
pub fn inner_pid(state: &MachineState, container: Option<&str>, pid: Pid) -> Pid {
    let Some(container) = container else { return pid };
    let init = state.processes.values().find(|process| process.init && process.container.as_deref() == Some(container));
    match init {
        Some(init) if init.pid == pid => 1,
        Some(init) => pid.saturating_sub(init.pid).max(2),
        None => pid,
    }
}

fn process_node(process: &Process, file: Option<&str>) -> Option<Node> {
    const FILES: &[&str] = &["cgroup", "cmdline", "comm", "cwd", "environ", "exe", "status"];
    Some(match file {
        None => Node::Dir(FILES.iter().map(|name| (*name).to_owned()).collect()),
        Some("cmdline") => Node::File(process.argv.iter().fold(String::new(), |all, arg| all + arg + "\0")),
        Some("comm") => Node::File(format!("{}\n", process.comm())),
        Some("cwd") => Node::Link(process.cwd.clone()),
        Some("exe") => Node::Link(process.exe.clone()),
        Some("environ") => Node::File(process.env.iter().fold(String::new(), |all, (name, value)| format!("{all}{name}={value}\0"))),
        Some("cgroup") => Node::File(match (&process.container, &process.unit) {
            (Some(_), _) => "0::/\n".to_owned(),
            (None, Some(unit)) => format!("0::/system.slice/{unit}\n"),
            (None, None) => "0::/user.slice/user-0.slice/session-1.scope\n".to_owned(),
        }),
        Some("status") => {
            let state = if process.state == RunState::Stopped { "T (stopped)" } else { "S (sleeping)" };
            Node::File(format!(
                "Name:\t{}\nState:\t{state}\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\nVmSize:\t{:8} kB\nVmRSS:\t{:8} kB\nThreads:\t{}\n",
                process.comm(),
                process.ppid,
                process.usage.virtual_kib,
                process.usage.resident_kib,
                process.usage.threads,
                pid = process.pid,
                uid = process.who.uid,
                gid = process.who.gid,
            ))
        }
        Some(_) => return None,
    })
}

fn system_file(state: &MachineState, now: Timestamp, name: &str) -> Option<String> {
    let hardware = &state.hardware;
    let up = Duration::try_from(now.duration_since(state.booted)).unwrap_or_default();
    Some(match name {
        "cmdline" => "BOOT_IMAGE=/boot/vmlinuz-6.1.0-30-amd64 root=/dev/vda1 ro console=tty0\n".to_owned(),
        "version" => "Linux version 6.1.0-30-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.124-1 (2025-01-12)\n".to_owned(),
        "uptime" => format!("{:.2} {:.2}\n", up.as_secs_f64(), up.as_secs_f64() * f64::from(hardware.cpus) * 0.92),
        "loadavg" => {
            let load = super::resources::load(state);
            format!("{:.2} {:.2} {:.2} 1/{} {}\n", load[0], load[1], load[2], 100 + state.processes.len() * 4, state.last_pid)
        }
        "meminfo" => {
            let memory = super::resources::Memory::of(state);
            format!(
                "MemTotal:    {:10} kB\nMemFree:     {:10} kB\nMemAvailable:{:10} kB\nBuffers:     {:10} kB\nCached:      {:10} kB\nSwapTotal:            0 kB\nSwapFree:             0 kB\n",
                memory.total, memory.free, memory.available, memory.buffers, memory.cached
            )
        }
        "swaps" => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_owned(),
        "filesystems" => "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tcgroup2\nnodev\toverlay\n\text4\n".to_owned(),
        "mounts" => "/dev/vda1 / ext4 rw,relatime,errors=remount-ro 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nsysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\ntmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=401484k,mode=755 0 0\n".to_owned(),
        "cpuinfo" => (0..hardware.cpus).fold(String::new(), |all, cpu| {
            format!("{all}processor\t: {cpu}\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC Processor\ncpu MHz\t\t: 2445.404\ncpu cores\t: {}\n\n", hardware.cpus)
        }),
        "stat" => format!("cpu  {} 0 0 {} 0 0 0 0 0 0\nbtime {}\n", up.as_secs() * 8, up.as_secs() * 184, state.booted.as_second()),
        _ => return None,
    })
}
