//! Words of a POSIX shell.

/// Quotes a text so that a shell takes it as one word, whatever is in it.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quoting_survives_quotes_and_spaces() {
        assert_eq!(quote("/a b/it's"), r"'/a b/it'\''s'");
    }
}
