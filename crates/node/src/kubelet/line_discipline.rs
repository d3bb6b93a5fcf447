//! The kernel's side of a terminal: echo, editing of the line, the keys that send signals (`n_tty`).

use crate::machine::Signal;

/// What some keystrokes led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Shown on the terminal.
    pub(super) echo: Vec<u8>,
    /// Finished lines for the program.
    pub(super) line: Vec<u8>,
    /// A signal for it.
    pub(super) signal: Option<Signal>,
    /// `^D` on an empty line.
    pub(super) end_of_file: bool,
}

/// Keystrokes of an unfinished line, and lines before it.
#[derive(Clone, Debug, Default)]
pub(super) struct LineDiscipline {
    line: String,
    pending: Vec<u8>,
    history: Vec<String>,
    at: Option<usize>,
}

impl LineDiscipline {
    /// Takes what was typed.
    pub(super) fn take(&mut self, typed: &[u8]) -> Step {
        let mut step = Step::default();
        self.pending.extend_from_slice(typed);
        // A character may come in pieces.
        let valid = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.pending.len(),
        };
        let text = String::from_utf8_lossy(&self.pending[..valid]).into_owned();
        self.pending.drain(..valid);
        let mut keys = text.chars().peekable();
        while let Some(key) = keys.next() {
            match key {
                '\r' | '\n' => {
                    step.echo.extend_from_slice(b"\r\n");
                    step.line.extend_from_slice(self.line.as_bytes());
                    step.line.push(b'\n');
                    if !self.line.trim().is_empty() && self.history.last() != Some(&self.line) {
                        self.history.push(self.line.clone());
                    }
                    self.line.clear();
                    self.at = None;
                }
                '\u{7f}' | '\u{8}' => {
                    if self.line.pop().is_some() {
                        step.echo.extend_from_slice(b"\x08 \x08");
                    }
                }
                '\u{15}' => self.replace(&mut step, String::new()),
                '\u{17}' => {
                    let kept = self.line.trim_end().rfind(' ').map_or(0, |at| at + 1);
                    let kept = self.line[..kept].to_owned();
                    self.replace(&mut step, kept);
                }
                '\u{3}' => {
                    step.echo.extend_from_slice(b"^C\r\n");
                    self.line.clear();
                    self.at = None;
                    step.signal = Some(Signal::Int);
                }
                '\u{1c}' => step.signal = Some(Signal::Quit),
                '\u{4}' => {
                    if self.line.is_empty() {
                        step.end_of_file = true;
                    } else {
                        step.line.extend_from_slice(std::mem::take(&mut self.line).as_bytes());
                    }
                }
                '\u{1b}' => {
                    // Arrow keys: up and down walk through the lines before.
                    if keys.next_if_eq(&'[').is_some() || keys.next_if_eq(&'O').is_some() {
                        match keys.next() {
                            Some('A') => self.walk(&mut step, true),
                            Some('B') => self.walk(&mut step, false),
                            _ => {}
                        }
                    }
                }
                '\t' => {}
                key if key.is_control() => {}
                key => {
                    self.line.push(key);
                    let mut buffer = [0; 4];
                    step.echo.extend_from_slice(key.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
        step
    }

    fn replace(&mut self, step: &mut Step, line: String) {
        let width = self.line.chars().count();
        step.echo.extend(std::iter::repeat_n(*b"\x08 \x08", width).flatten());
        step.echo.extend_from_slice(line.as_bytes());
        self.line = line;
    }

    fn walk(&mut self, step: &mut Step, back: bool) {
        let at = match (self.at, back) {
            (None, true) => self.history.len().checked_sub(1),
            (None, false) => return,
            (Some(at), true) => at.checked_sub(1).or(Some(0)),
            (Some(at), false) => Some(at + 1),
        };
        let line = at.and_then(|at| self.history.get(at)).cloned();
        self.at = at.filter(|at| *at < self.history.len());
        self.replace(step, line.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{LineDiscipline, Step};
    use crate::machine::Signal;

    #[test]
    fn keys_edit_the_line_and_send_signals() {
        let mut tty = LineDiscipline::default();
        let step = tty.take(b"lx\x7fs\r");
        assert_eq!((step.line.as_slice(), step.echo.as_slice()), (b"ls\n".as_slice(), b"lx\x08 \x08s\r\n".as_slice()));
        assert_eq!(tty.take(b"abc\x15pwd\r").line, b"pwd\n");
        assert_eq!(tty.take(b"\x1b[A\x1b[A\r").line, b"ls\n");
        assert_eq!(tty.take(b"abc\x03").signal, Some(Signal::Int));
        assert_eq!(tty.take(b"ab").line, b"");
        assert_eq!(tty.take(b"\x04").line, b"ab");
        assert_eq!(tty.take(b"\x04"), Step { end_of_file: true, ..Step::default() });
        let e = "é".as_bytes();
        assert_eq!(tty.take(&e[..1]), Step::default());
        assert_eq!(tty.take(&e[1..]).echo, e);
    }
}
