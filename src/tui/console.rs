//! Where lines come from: a person with a line editor, or a pipe.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

use super::Terminal;
use super::line::{Completion, Line, LineEditor};

/// A source of lines.
pub enum Console {
    /// A person. The editor is away while a line is being read.
    Person {
        /// The line editor.
        editor: Option<Box<LineEditor>>,
        /// Completions that it asks for.
        asked: mpsc::Receiver<Completion>,
    },
    /// A pipe or a file. What is read is echoed, so that a transcript can be followed.
    Pipe {
        /// The pipe.
        lines: Box<dyn AsyncBufRead + Send + Unpin>,
        /// Whether lines are echoed.
        echo: bool,
    },
}

impl Console {
    /// The process's own input.
    pub fn open(terminal: Terminal, history: Option<&Path>, echo: bool) -> io::Result<Self> {
        if !terminal.is_interactive() {
            // Byte by byte, as a shell reads a script: what follows the last line that is read here is somebody else's.
            let pipe = std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?);
            return Ok(Self::Pipe { lines: Box::new(BufReader::with_capacity(1, tokio::fs::File::from_std(pipe))), echo });
        }
        let (ask, asked) = mpsc::channel(1);
        let editor = LineEditor::new(history, Some(ask)).map_err(io::Error::other)?;
        Ok(Self::Person { editor: Some(Box::new(editor)), asked })
    }

    /// Lines from a text, for tests.
    #[cfg(test)]
    pub fn scripted(text: &'static str) -> Self {
        Self::Pipe { lines: Box::new(text.as_bytes()), echo: true }
    }

    /// Whether a person is there.
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Person { .. })
    }

    /// Reads a line; completions that a person asks for go to `complete`.
    pub async fn read(&mut self, prompt: &str, mut complete: impl AsyncFnMut(Completion)) -> io::Result<Line> {
        match self {
            Self::Person { editor, asked } => {
                let Some(mut own) = editor.take() else { return Err(io::ErrorKind::ResourceBusy.into()) };
                let prompt = prompt.to_owned();
                let mut reading = tokio::task::spawn_blocking(move || {
                    let line = own.read(&prompt);
                    (own, line)
                });
                loop {
                    tokio::select! {
                        biased;
                        read = &mut reading => {
                            let (own, line) = read.map_err(io::Error::other)?;
                            *editor = Some(own);
                            return line.map_err(io::Error::other);
                        }
                        Some(completion) = asked.recv() => complete(completion).await,
                    }
                }
            }
            Self::Pipe { lines, echo } => {
                let mut line = String::new();
                let read = lines.read_line(&mut line).await?;
                let text = line.trim_end_matches(['\r', '\n']);
                if *echo && read > 0 {
                    let mut out = io::stdout().lock();
                    let _ = writeln!(out, "{prompt}{text}").and_then(|()| out.flush());
                }
                Ok(if read == 0 { Line::End } else { Line::Text(text.to_owned()) })
            }
        }
    }

    /// Adds a command to a person's history.
    pub fn remember(&mut self, command: &str) {
        if let Self::Person { editor: Some(editor), .. } = self {
            editor.remember(command);
        }
    }
}
