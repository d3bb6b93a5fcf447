//! What the process is attached to.

use std::io::IsTerminal;

use terminal_size::{Height, Width};

use crate::render::Style;
use crate::session::protocol::Size;

/// Columns assumed where there is no terminal.
const DEFAULT_WIDTH: usize = 80;
/// Long lines are hard to read: text never takes more columns than this.
const WIDEST: usize = 100;

/// The process's terminal, asked once at start.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    colour: bool,
}

impl Terminal {
    /// Asks the system, `NO_COLOR` and `TERM`.
    pub fn detect() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        Self {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            colour: set("NO_COLOR").is_none() && !dumb,
        }
    }

    /// A person can be asked.
    pub fn is_interactive(self) -> bool {
        self.stdin && self.stdout
    }

    /// Style for standard output.
    pub fn style(self) -> Style {
        Style::new(self.stdout && self.colour)
    }

    /// Whether standard error takes colour.
    pub fn error_colour(self) -> bool {
        self.stderr && self.colour
    }

    /// Columns that text may take.
    pub fn width(self) -> usize {
        self.size().map_or(DEFAULT_WIDTH, |size| usize::from(size.columns)).clamp(20, WIDEST)
    }

    /// Size of the terminal, if there is one.
    pub fn size(self) -> Option<Size> {
        if !self.stdout {
            return None;
        }
        terminal_size::terminal_size().map(|(Width(columns), Height(rows))| Size { columns, rows })
    }
}
