//! Command lines of tasks.

use std::collections::BTreeMap;

/// Options and words of a task's command line.
#[derive(Debug, Default)]
pub struct Arguments {
    /// `--name value`, without the dashes.
    pub options: BTreeMap<String, String>,
    /// The rest.
    pub words: Vec<String>,
}

impl Arguments {
    /// Reads `--name value`, `--name=value` and words.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let Some(option) = argument.strip_prefix("--") else {
                read.words.push(argument);
                continue;
            };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (option.to_owned(), arguments.next().ok_or_else(|| format!("--{option} wants a value"))?),
            };
            read.options.insert(name, value);
        }
        Ok(read)
    }
}
