//! `ckaprep author test --watch`: the table again after every save.

use std::path::Path;
use std::time::Duration;

use super::test::print;
use crate::cli::catalog;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::prove::{self, Bases, Only};
use crate::content::Source;

/// How often to look for a save. Content is a handful of small files, and reading them says for certain whether they have changed:
/// no file system of an editor's, a container's or a network's forgets to tell us.
const LOOK: Duration = Duration::from_millis(150);

/// Proves a folder now and after each save, until it is interrupted.
pub async fn run(folder: &Path, seeds: u64, context: &Context) -> Result<u8, CliError> {
    let bases = Bases::new(context.now());
    // What failed last is what an author is working on: it comes first.
    let mut first = None;
    loop {
        let before = read(folder);
        let saved = changed(folder, &before);
        futures::pin_mut!(saved);
        tokio::select! {
            biased;
            () = &mut saved => continue,
            failed = once(folder, seeds, first.as_deref(), &bases, context) => first = failed.or(first),
        }
        context.note("waiting for a save; Ctrl-C ends this");
        saved.await;
    }
}

/// Proves everything in the folder; gives the variant that failed first.
async fn once(folder: &Path, seeds: u64, first: Option<&str>, bases: &Bases, context: &Context) -> Option<String> {
    let catalog = match catalog::load(Some(folder), context) {
        Ok(catalog) => catalog,
        Err(error) => {
            context.note(&error.to_text(context.terminal.error_colour(), Some(context.width())));
            return None;
        }
    };
    let mut cases = prove::cases(&catalog, Only::Own, seeds);
    if let Some(at) = cases.iter().position(|case| Some(case.name().as_str()) == first) {
        cases[..=at].rotate_right(1);
    }
    let mut failed = None;
    let mut proofs = Vec::new();
    for case in &cases {
        let began = context.now();
        let proof = prove::prove(&catalog, case, bases).await;
        print(&proof, context.now().duration_since(began).as_secs_f64(), proofs.is_empty(), context);
        if !proof.holds() && failed.is_none() {
            failed = Some(case.name());
        }
        proofs.push(proof);
    }
    for check in prove::never_failed(&proofs) {
        context.print(&crate::render::text::never_failed(&check, context.style(), context.width()));
    }
    failed
}

/// Returns when the folder is no longer as it was.
async fn changed(folder: &Path, before: &[(String, String)]) {
    while read(folder) == before {
        tokio::time::sleep(LOOK).await;
    }
}

/// The files as they are. One that cannot be read is as good as none: an editor may be writing it just now.
fn read(folder: &Path) -> Vec<(String, String)> {
    let Ok(source) = Source::authored(folder) else { return Vec::new() };
    source.iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}
