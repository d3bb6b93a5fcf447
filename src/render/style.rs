//! Colours by meaning. Without colour every meaning is still in the words.

use anstyle::{AnsiColor, Style as Ansi};

/// Whether to colour, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// With or without colour.
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Whether it colours.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    fn paint(self, style: Ansi, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Passed, right, ready.
    pub fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }

    /// Failed, wrong, an error.
    pub fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// Unknown, a warning.
    pub fn unsure(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// A title.
    pub fn title(self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// Something to type.
    pub fn code(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    /// Of lesser weight.
    pub fn dim(self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }
}

/// Columns that a text takes, colours left out.
pub fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // Our styles are only of the form ESC [ … m.
            for c in chars.by_ref() {
                if c == 'm' {
                    break;
                }
            }
        } else if !c.is_control() {
            columns += 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_is_added_and_with_it_the_width_stays() {
        assert_eq!(Style::new(false).bad("x"), "x");
        let painted = Style::new(true).bad("four");
        assert!(painted.len() > 4);
        assert_eq!(columns(&painted), 4);
    }
}
