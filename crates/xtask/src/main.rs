//! Developer tasks: `cargo xtask bench` prints the figures that a user would notice.

mod bench;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("bench") => bench::run(),
        other => {
            eprintln!(
                "unknown task {:?}\n\nTasks:\n  bench   build for release and print start-up, grading, memory and size",
                other.unwrap_or("")
            );
            ExitCode::from(2)
        }
    }
}
