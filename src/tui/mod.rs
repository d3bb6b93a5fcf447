//! Everything that owns the terminal: the line editor of node shells, the user's editor and pager, questions to the
//! user, progress, the quiz's screen.

pub mod ask;
pub mod console;
pub mod editor;
mod foreground;
pub mod line;
pub mod link;
pub mod node_shell;
pub mod pager;
pub mod progress;
pub mod stdin;
pub mod steps;
pub mod terminal;

pub use terminal::Terminal;
