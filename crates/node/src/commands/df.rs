//! `df`

use super::options::{Options, flag, value};
use super::report::human;
use crate::fs::View;
use crate::machine::{ExitStatus, ProcessContext};

/// A mounted file system: device, type, size and use in KiB, mount point.
pub(super) struct Disk {
    pub(super) device: &'static str,
    pub(super) kind: &'static str,
    pub(super) size: u64,
    pub(super) used: u64,
    pub(super) target: &'static str,
}

/// What is mounted on a node.
pub(super) fn disks(context: &ProcessContext) -> Vec<Disk> {
    let (hardware, used) = context.machine.read(|state| {
        let rootfs: u64 = state.rootfs.values().map(crate::fs::Tree::bytes_used).sum();
        (state.hardware.clone(), (state.files.bytes_used() + rootfs) / 1024)
    });
    /// What Debian and the images take beyond the files that are simulated.
    const SYSTEM_KIB: u64 = 4_800_000;
    let memory = hardware.memory_kib;
    vec![
        Disk { device: "udev", kind: "devtmpfs", size: memory / 2 - 20_000, used: 0, target: "/dev" },
        Disk { device: "tmpfs", kind: "tmpfs", size: memory / 10, used: 1_180, target: "/run" },
        Disk { device: "/dev/vda1", kind: "ext4", size: hardware.disk_kib, used: SYSTEM_KIB + used, target: "/" },
        Disk { device: "tmpfs", kind: "tmpfs", size: memory / 2, used: 0, target: "/dev/shm" },
        Disk { device: "tmpfs", kind: "tmpfs", size: 5_120, used: 0, target: "/run/lock" },
    ]
}

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        flag('h', "human-readable"),
        flag('T', "print-type"),
        flag('i', "inodes"),
        flag('k', ""),
        flag('a', "all"),
        flag('m', ""),
        flag('P', "portability"),
        value('t', "type"),
        value('x', "exclude-type"),
        value('\0', "output"),
    ];
    let options = match Options::of(&context, &specs, 1).await {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mut disks = disks(&context);
    let mut status = ExitStatus::SUCCESS;
    if !options.rest.is_empty() {
        let mut wanted = Vec::new();
        for name in &options.rest {
            match context.files.canonical(&context.path(name)) {
                Ok(path) => wanted.push(mount_of(&disks, &path)),
                Err(errno) => {
                    let _ = context.stderr.line(format!("df: {name}: {errno}")).await;
                    status = ExitStatus::FAILURE;
                }
            }
        }
        disks.retain(|disk| wanted.contains(&disk.target));
    }
    disks.retain(|disk| options.get("t").is_none_or(|kind| kind == disk.kind) && options.get("x").is_none_or(|kind| kind != disk.kind));
    if disks.is_empty() {
        return status;
    }
    let inodes = options.has("i");
    let used_inodes = context.machine.read(|state| state.files.inode_count() as u64 + 41_000);
    let mut rows = vec![header(&options)];
    for disk in &disks {
        let (size, used) =
            if inodes { (disk.size / 16, if disk.target == "/" { used_inodes } else { 12 }) } else { (disk.size, disk.used) };
        // ext4 keeps a twentieth for root.
        let free = if inodes || disk.kind != "ext4" { size.saturating_sub(used) } else { (size - size / 20).saturating_sub(used) };
        let percent = (used * 100).div_ceil((used + free).max(1));
        let show = |kib: u64| match (options.has("h"), inodes) {
            (true, true) => human(kib),
            (true, false) => human(kib * 1024).replace("0.0K", "0"),
            (false, false) if options.has("m") => kib.div_ceil(1024).to_string(),
            _ => kib.to_string(),
        };
        let mut row = vec![disk.device.to_owned()];
        if options.has("T") {
            row.push(disk.kind.to_owned());
        }
        row.extend([show(size), show(used), show(free), format!("{percent}%"), disk.target.to_owned()]);
        rows.push(row);
    }
    let _ = context.stdout.write(table(&rows, options.has("T"))).await;
    status
}

fn header(options: &Options) -> Vec<String> {
    let mut row = vec!["Filesystem".to_owned()];
    if options.has("T") {
        row.push("Type".to_owned());
    }
    let rest = if options.has("i") {
        ["Inodes", "IUsed", "IFree", "IUse%", "Mounted on"]
    } else if options.has("h") {
        ["Size", "Used", "Avail", "Use%", "Mounted on"]
    } else {
        [if options.has("m") { "1M-blocks" } else { "1K-blocks" }, "Used", "Available", "Use%", "Mounted on"]
    };
    row.extend(rest.map(str::to_owned));
    row
}

fn table(rows: &[Vec<String>], typed: bool) -> String {
    let left = if typed { 2 } else { 1 };
    let last = rows[0].len() - 1;
    let widths: Vec<usize> = (0..=last).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    rows.iter().fold(String::new(), |text, row| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            // coreutils' `field_data`.
            let least = match column {
                0 => 14,
                _ if column < left || column + 1 == last => 4,
                _ => 5,
            };
            let width = widths[column].max(least);
            if column == last {
                line.push_str(cell);
            } else if column < left {
                line.push_str(&format!("{cell:<width$} "));
            } else {
                line.push_str(&format!("{cell:>width$} "));
            }
        }
        text + line.trim_end() + "\n"
    })
}

fn mount_of(disks: &[Disk], path: &str) -> &'static str {
    disks
        .iter()
        .map(|disk| disk.target)
        .filter(|target| *target == "/" || path == *target || path.starts_with(&format!("{target}/")))
        .max_by_key(|target| target.len())
        .unwrap_or("/")
}

/// Bytes below a directory, for `du`.
pub(super) fn bytes_below(files: &View, path: &str) -> u64 {
    let Ok(stat) = files.lstat(path) else { return 0 };
    if !stat.is_dir() {
        return stat.size.div_ceil(4096) * 4096;
    }
    4096 + files
        .read_dir(path)
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| bytes_below(files, &format!("{}/{name}", path.trim_end_matches('/'))))
        .sum::<u64>()
}
