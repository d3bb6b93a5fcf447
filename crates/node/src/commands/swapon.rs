//! `swapon` and `swapoff`: there is no swap space.

use super::options::name;
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let words: Vec<&String> = context.argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let (Some(device), "swapon") = (words.first(), name(&context)) {
        let _ = context.stderr.line(format!("swapon: cannot open {device}: No such file or directory")).await;
        return ExitStatus::Code(255);
    }
    ExitStatus::SUCCESS
}
