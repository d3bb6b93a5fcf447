//! The `ckaprep` binary.

use std::process::ExitCode;

/// A simulation clones JSON documents all day long, which glibc's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ckaprep::cli::main()
}
