//! `top`: one picture with `-b`, a new one every three seconds without.

use std::sync::Arc;
use std::time::Duration;

use super::options::{Options, flag, value};
use super::uptime;
use crate::machine::{ExitStatus, Memory, Process, ProcessContext, Users};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[
            flag('b', "batch"),
            value('n', "iterations"),
            value('d', "delay"),
            value('o', "sort-override"),
            value('p', "pid"),
            flag('c', "command-line"),
            value('u', "user"),
            flag('H', "threads"),
            value('w', "width"),
            flag('i', ""),
            flag('1', ""),
        ],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    let count = options.get("n").and_then(|text| text.parse::<u32>().ok()).unwrap_or(u32::MAX);
    let delay = options.get("d").and_then(|text| text.parse::<f64>().ok()).unwrap_or(3.0).max(0.1);
    let limit = if options.has("b") {
        usize::MAX
    } else {
        context.terminal.as_ref().map_or(17, |terminal| usize::from(terminal.rows()).saturating_sub(8))
    };
    for round in 0..count {
        if round > 0 {
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
        }
        let clear = if context.terminal.is_some() && !options.has("b") { "\x1b[H\x1b[2J" } else { "" };
        let picture = picture(&context, options.has("c"), options.get("o") == Some("%MEM"), limit);
        if context.stdout.write(format!("{clear}{picture}")).await.is_err() {
            break;
        }
    }
    ExitStatus::SUCCESS
}

fn picture(context: &ProcessContext, full: bool, by_memory: bool, limit: usize) -> String {
    let now = context.machine.clock().now();
    let users = Users::of(&context.machine.host_files());
    let (mut processes, memory, cpus): (Vec<Arc<Process>>, Memory, u32) = context.machine.read(|state| {
        let own = state.processes.values().filter(|process| context.container.is_none() || process.container == context.container);
        (own.cloned().collect(), Memory::of(state), state.hardware.cpus)
    });
    processes
        .sort_by_key(|process| std::cmp::Reverse(if by_memory { process.usage.resident_kib } else { u64::from(process.usage.cpu_milli) }));
    let busy: u32 = processes.iter().map(|process| process.usage.cpu_milli).sum();
    let percent = f64::from(busy) / 10.0 / f64::from(cpus.max(1));
    let mebi = |kib: u64| kib as f64 / 1024.0;
    let mut text = format!(
        "top - {}\nTasks: {:3} total,   1 running, {:3} sleeping,   0 stopped,   0 zombie\n%Cpu(s): {:4.1} us, {:4.1} sy,  0.0 ni, {:4.1} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st\nMiB Mem : {:8.1} total, {:8.1} free, {:8.1} used, {:8.1} buff/cache\nMiB Swap: {:8.1} total, {:8.1} free, {:8.1} used. {:8.1} avail Mem\n\n    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n",
        uptime::line(context),
        processes.len(),
        processes.len().saturating_sub(1),
        percent * 0.7,
        percent * 0.3,
        100.0 - percent,
        mebi(memory.total),
        mebi(memory.free),
        mebi(memory.used),
        mebi(memory.buffers + memory.cached),
        0.0,
        0.0,
        0.0,
        mebi(memory.available),
    );
    for process in processes.iter().take(limit) {
        let alive = Duration::try_from(now.duration_since(process.started)).unwrap_or_default();
        let cpu = process.usage.cpu_time(alive);
        let state = if process.pid == context.pid { 'R' } else { 'S' };
        let command = if full { process.command_line() } else { process.comm().to_owned() };
        text.push_str(&format!(
            "{:7} {:<9} 20   0 {:7} {:6} {:6} {state} {:5.1} {:5.1} {:3}:{:02}.{:02} {command}\n",
            process.pid,
            users.user_name(process.who.uid),
            process.usage.virtual_kib,
            process.usage.resident_kib,
            process.usage.resident_kib * 2 / 3,
            f64::from(process.usage.cpu_milli) / 10.0,
            process.usage.resident_kib as f64 * 100.0 / memory.total as f64,
            cpu.as_secs() / 60,
            cpu.as_secs() % 60,
            cpu.subsec_millis() / 10,
        ));
    }
    text
}
