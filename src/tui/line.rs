//! The line editor: history, Tab completion by asking elsewhere, Ctrl-C and Ctrl-D as in bash.

use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::config::{BellStyle, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use tokio::sync::{mpsc, oneshot};

/// Asks for the completions of a line.
pub struct Completion {
    /// The line.
    pub line: String,
    /// Cursor, in bytes.
    pub position: usize,
    /// Takes where the word starts, and the candidates.
    pub answer: oneshot::Sender<(usize, Vec<String>)>,
}

/// What came of reading a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line.
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line.
    End,
}

/// A line editor with a history file.
pub struct LineEditor {
    editor: Editor<Asker, FileHistory>,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// An editor; completions are asked for over `completions`.
    pub fn new(history: Option<&Path>, completions: Option<mpsc::Sender<Completion>>) -> Result<Self, ReadlineError> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .max_history_size(10_000)?
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Asker { completions }));
        if let Some(path) = history {
            // The first time there is none.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, history: history.map(Path::to_owned) })
    }

    /// Reads one line. Blocks: call it on a thread that may.
    pub fn read(&mut self, prompt: &str) -> Result<Line, ReadlineError> {
        match self.editor.readline(prompt) {
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error),
        }
    }

    /// Adds a command to the history.
    pub fn remember(&mut self, command: &str) {
        if command.trim().is_empty() || command.starts_with(' ') {
            return;
        }
        let added = self.editor.add_history_entry(command).unwrap_or(false);
        if let Some(path) = self.history.as_ref().filter(|_| added) {
            // A history that cannot be written is not worth stopping a command for.
            let _ = self.editor.append_history(path);
        }
    }
}

/// Completion by asking somebody else.
struct Asker {
    completions: Option<mpsc::Sender<Completion>>,
}

impl Helper for Asker {}
impl Highlighter for Asker {}
impl Validator for Asker {}

impl Hinter for Asker {
    type Hint = String;
}

impl Completer for Asker {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let Some(completions) = &self.completions else { return Ok((position, Vec::new())) };
        let (answer, answered) = oneshot::channel();
        let request = Completion { line: line.to_owned(), position, answer };
        if completions.blocking_send(request).is_err() {
            return Ok((position, Vec::new()));
        }
        Ok(answered.blocking_recv().unwrap_or((position, Vec::new())))
    }
}
