//! The `ckaprep` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ckaprep::cli::main()
}
