//! `free`

use super::options::{Options, flag};
use crate::machine::{ExitStatus, Memory, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::of(
        &context,
        &[
            flag('m', "mebi"),
            flag('g', "gibi"),
            flag('h', "human"),
            flag('k', "kibi"),
            flag('b', "bytes"),
            flag('t', "total"),
            flag('w', "wide"),
        ],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    let memory = context.machine.read(Memory::of);
    let show = |kib: u64| {
        if options.has("h") {
            match kib {
                0 => "0B".to_owned(),
                1..1024 => format!("{kib}Ki"),
                1024..1_048_576 if kib < 10_240 => format!("{:.1}Mi", kib as f64 / 1024.0),
                1024..1_048_576 => format!("{}Mi", kib / 1024),
                _ => format!("{:.1}Gi", kib as f64 / 1_048_576.0),
            }
        } else if options.has("m") {
            (kib / 1024).to_string()
        } else if options.has("g") {
            (kib / 1_048_576).to_string()
        } else if options.has("b") {
            (kib * 1024).to_string()
        } else {
            kib.to_string()
        }
    };
    let row = |title: &str, values: &[u64]| values.iter().fold(format!("{title:<8}"), |line, value| format!("{line}{:>12}", show(*value)));
    let mut text = "               total        used        free      shared  buff/cache   available\n".to_owned();
    text.push_str(&row("Mem:", &[memory.total, memory.used, memory.free, memory.shared, memory.buffers + memory.cached, memory.available]));
    text.push('\n');
    text.push_str(&row("Swap:", &[0, 0, 0]));
    text.push('\n');
    if options.has("t") {
        text.push_str(&row("Total:", &[memory.total, memory.used, memory.free]));
        text.push('\n');
    }
    let _ = context.stdout.write(text).await;
    ExitStatus::SUCCESS
}
