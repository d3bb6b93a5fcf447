//! Breaking lines at words.

use super::style::columns;

/// Wraps a paragraph to `width` columns. The first line starts with `first`, the others with `rest`; a word that is
/// longer than a line stands alone and is not broken, so that it can be copied. A number keeps its percent sign.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut out = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in words(text) {
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

/// The words of a text; `66 %` is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if rest[..end].ends_with(|c: char| c.is_ascii_digit()) && rest[end..].starts_with(" %") {
            end = rest[end + 1..].find(char::is_whitespace).map_or(rest.len(), |more| end + 1 + more);
        }
        let (word, more) = rest.split_at(end);
        rest = more.trim_start();
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_fit_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 9, "- ", "  "), "- one two\n  three\n");
        assert_eq!(wrap("a https://kubernetes.io/docs b", 10, "", ""), "a\nhttps://kubernetes.io/docs\nb\n");
        assert_eq!(wrap("", 10, "", ""), "\n");
        assert_eq!(wrap("it asks for 66 %.", 14, "", ""), "it asks for\n66 %.\n");
        assert_eq!(wrap(" 5 % of  it, a % b", 6, "", ""), "5 % of\nit, a\n% b\n");
    }
}
