//! `vi`, `vim`, `nano`, `editor`: the person's own editor on a copy, written back at every save.

use bytes::Bytes;

use super::options::name;
use crate::fs::Errno;
use crate::machine::{EditRequest, ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let (options, files): (Vec<String>, Vec<String>) = context.argv.iter().skip(1).cloned().partition(|arg| arg.starts_with(['-', '+']));
    // Of the options only `+LINE` says something that the person's own editor is told.
    let line = options.iter().find_map(|option| option.strip_prefix('+')?.parse().ok());
    let program = name(&context).to_owned();
    if files.is_empty() {
        let _ = context.stderr.line(format!("{}: name the file to be edited", name(&context))).await;
        return ExitStatus::FAILURE;
    }
    for file in files {
        let path = context.path(&file);
        let contents = match context.files.read(&path) {
            Ok(contents) => Some(contents),
            Err(Errno::NotFound) => None,
            Err(errno) => {
                let _ = context.stderr.line(format!("{}: {file}: {errno}", name(&context))).await;
                return ExitStatus::FAILURE;
            }
        };
        let request = EditRequest { program: program.clone(), line, ..EditRequest::default() };
        let status = edit_file(&context, &path, contents, request).await;
        if !status.success() {
            return status;
        }
    }
    ExitStatus::SUCCESS
}

/// Opens the editor on `contents`; what is saved goes to `path`, whose name is the request's.
pub(super) async fn edit_file(context: &ProcessContext, path: &str, contents: Option<Bytes>, request: EditRequest) -> ExitStatus {
    let Some(editor) = context.terminal.as_ref().and_then(|terminal| terminal.editor.clone()) else {
        let _ = context.stderr.line(format!("{}: standard input is not a terminal", name(context))).await;
        return ExitStatus::FAILURE;
    };
    let request = EditRequest { name: path.rsplit('/').next().unwrap_or(path).to_owned(), ..request };
    let (files, target) = (context.files.clone(), path.to_owned());
    let save = Box::new(move |bytes: Bytes| files.write(&target, bytes).map_err(|errno| format!("{target}: {errno}")));
    ExitStatus::from(editor.edit(request, contents, save).await)
}
