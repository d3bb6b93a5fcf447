//! Developer tasks: figures that a user would notice, recorded answers of real clusters, upstream's own tests.

mod arguments;
mod bench;
mod cluster;
#[allow(dead_code, missing_docs, reason = "the replay uses the rest")]
#[path = "../../../tests/conformance/shared/mod.rs"]
mod conformance;
#[path = "../../../tests/conformance/difference.rs"]
mod difference;
mod embedded;
mod inside;
mod record;

use std::process::ExitCode;

use arguments::Arguments;

const HELP: &str = "Tasks:
  bench                                 build for release and print start-up, grading, memory and size
  bench builds                          also clone, build both README commands from nothing, and rebuild (many minutes)
  record --kubeconfig FILE [WORD…]      ask a real cluster the cases of tests/conformance and keep its answers
  replay [--kubeconfig FILE] [WORD…]    ask an embedded cluster with the kubectl on PATH, and compare

WORD is a topic or a part of a case's name.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let done = Arguments::read(arguments).and_then(|arguments| match task.as_str() {
        "bench" => Ok(bench::run(arguments.words.iter().any(|word| word == "builds"))),
        "record" => record::record(&arguments),
        "replay" => record::replay(&arguments),
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
