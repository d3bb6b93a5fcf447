//! Base64 as Go's `encoding/base64` judges it.

/// Position of the first byte that Go's `StdEncoding` refuses, or `None` when all is well. Line breaks are skipped, as there.
pub(super) fn first_error(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut group, mut padding) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' | b'\n' => {}
            b'=' if group >= 2 && group + padding < 4 => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => group = if group == 4 { 1 } else { group + 1 },
            _ => return Some(at),
        }
    }
    // An incomplete last group is reported at its start.
    if group == 0 || group + padding == 4 { None } else { Some(bytes.len() - group - padding) }
}

#[cfg(test)]
mod tests {
    use super::first_error;

    #[test]
    fn errors_are_found_where_go_finds_them() {
        let cases = [
            ("", None),
            ("YQ==", None),
            ("YWJj", None),
            ("YWJjZA==", None),
            ("%%%", Some(0)),
            ("YQ=", Some(0)),
            ("YW!j", Some(2)),
            ("YQ==YQ==", Some(4)),
        ];
        for (text, expected) in cases {
            assert_eq!(first_error(text), expected, "{text}");
        }
    }
}
