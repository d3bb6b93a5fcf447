//! Lines of tab-separated cells at levels of indent.

use crate::print::tabwriter;

/// What is being written.
#[derive(Default)]
pub struct Document {
    text: String,
}

impl Document {
    /// A line.
    pub fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.text.push_str(&"  ".repeat(level));
        self.text.push_str(text.as_ref());
        self.text.push('\n');
    }

    /// `Name:<tab>value`.
    pub fn field(&mut self, level: usize, name: &str, value: impl AsRef<str>) {
        self.line(level, format!("{name}:\t{}", value.as_ref()));
    }

    /// A field with several lines: the first beside the name, the others below it. Nothing: `<none>`.
    pub fn lines(&mut self, name: &str, values: &[String]) {
        match values.split_first() {
            None => self.field(0, name, "<none>"),
            Some((first, rest)) => {
                self.field(0, name, first);
                for value in rest {
                    self.line(0, format!("\t{value}"));
                }
            }
        }
    }

    /// The text with its tabs, not yet aligned.
    pub fn raw(self) -> String {
        self.text
    }

    /// The text, aligned.
    pub fn align(&self) -> String {
        tabwriter::align(&self.text, 0, 2)
    }
}
