//! Developer tasks: figures that a user would notice, recorded answers of real clusters, upstream's own tests.

mod arguments;
mod bench;
mod bench_kind;
mod cluster;
#[allow(dead_code, missing_docs, reason = "the replay uses the rest")]
#[path = "../../../tests/conformance/shared/mod.rs"]
mod conformance;
#[path = "../../../tests/conformance/difference.rs"]
mod difference;
mod e2e;
mod embedded;
mod inside;
mod record;
mod study;

use std::process::ExitCode;

use arguments::Arguments;

/// As in the product: what is measured here shall cost what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "Tasks:
  bench                                 build for release and print start-up, grading, memory and size
  bench builds                          also clone, build both README commands from nothing, and rebuild (many minutes)
  bench study                           print how long a plan and statistics over a long history take
  bench kind --program FILE             print how long a finished ckaprep takes on kind: creation, reset, grading (minutes)
  record --kubeconfig FILE [WORD…]      ask a real cluster the cases of tests/conformance and keep its answers
  replay [--kubeconfig FILE] [WORD…]    ask an embedded cluster with the kubectl on PATH, and compare
  e2e [--sig WORD] [--focus REGEX] [--skip REGEX] [--lacking REGEX] [--minutes N] [--kubeconfig FILE] [--program FILE] [--save yes]
                                        run Kubernetes' e2e.test against an embedded cluster, and count by SIG

WORD is a topic or a part of a case's name.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let done = Arguments::read(arguments).and_then(|arguments| match task.as_str() {
        "bench" if arguments.words == ["study"] => study::run(),
        "bench" if arguments.words == ["kind"] => bench_kind::run(&arguments).map(|()| ExitCode::SUCCESS),
        "bench" => Ok(bench::run(arguments.words.iter().any(|word| word == "builds"))),
        "record" => record::record(&arguments),
        "replay" => record::replay(&arguments),
        "e2e" => e2e::run(&arguments),
        other => {
            eprintln!("unknown task {other:?}\n\n{HELP}");
            Ok(ExitCode::from(2))
        }
    });
    done.unwrap_or_else(|error| {
        eprintln!("{task}: {error}");
        ExitCode::FAILURE
    })
}
