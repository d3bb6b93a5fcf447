//! Breaking lines at words.

use super::style::columns;

/// Wraps a paragraph to `width` columns. The first line starts with `first`, the others with `rest`; a word that is
/// longer than a line stands alone and is not broken, so that it can be copied.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut out = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && columns(&line) + 1 + columns(word) > width {
            out.push_str(line.trim_end());
            out.push('\n');
            line = rest.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_fit_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 9, "- ", "  "), "- one two\n  three\n");
        assert_eq!(wrap("a https://kubernetes.io/docs b", 10, "", ""), "a\nhttps://kubernetes.io/docs\nb\n");
        assert_eq!(wrap("", 10, "", ""), "\n");
    }
}
