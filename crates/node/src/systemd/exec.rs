//! Command lines of units: words and variables (systemd.service(5), "Command lines").

use std::collections::BTreeMap;

/// Splits a line at blanks; quotes hold words together, a backslash keeps the next character.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let next = chars.next().unwrap_or('\\');
                word.get_or_insert_default().push(match next {
                    'n' => '\n',
                    't' => '\t',
                    's' => ' ',
                    other => other,
                });
            }
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Replaces variables: `$NAME` as a word of its own is split at blanks (to nothing if empty), `${NAME}` anywhere is put in as it
/// is, `$$` is a dollar sign.
pub fn expand(words: &[String], env: &BTreeMap<String, String>) -> Vec<String> {
    let mut out = Vec::new();
    for word in words {
        if let Some(name) = word.strip_prefix('$')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            out.extend(env.get(name).map(|value| split(value)).unwrap_or_default());
            continue;
        }
        let mut text = String::new();
        let mut rest = word.as_str();
        while let Some(at) = rest.find('$') {
            text.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                text.push('$');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                text.push_str(env.get(name).map_or("", String::as_str));
                rest = after;
            } else {
                text.push('$');
            }
        }
        text.push_str(rest);
        out.push(text);
    }
    out
}

/// Reads a file of assignments (`EnvironmentFile=`).
pub(super) fn environment_file(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            let value = value.trim();
            let unquoted = ['"', '\'']
                .iter()
                .find_map(|quote| value.strip_prefix(*quote).and_then(|inner| inner.strip_suffix(*quote)))
                .unwrap_or(value);
            (name.trim().to_owned(), unquoted.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{environment_file, expand, split};

    #[test]
    fn words_and_variables() {
        let env: BTreeMap<String, String> = [("ARGS", "--a=1 --b='x y'"), ("ONE", "v w")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        for (line, want) in [
            ("/usr/bin/kubelet $ARGS $NONE", vec!["/usr/bin/kubelet", "--a=1", "--b=x y"]),
            ("/bin/sh -c \"echo ${ONE} $$HOME\"", vec!["/bin/sh", "-c", "echo v w $HOME"]),
            ("/bin/x ${ONE}", vec!["/bin/x", "v w"]),
            ("/bin/x 'a b' c\\ d", vec!["/bin/x", "a b", "c d"]),
        ] {
            assert_eq!(expand(&split(line), &env), want, "{line}");
        }
    }

    #[test]
    fn environment_files_lose_quotes_and_comments() {
        let got = environment_file("# c\nKUBELET_KUBEADM_ARGS=\"--x=1 --y\"\n\nB = plain\n");
        assert_eq!(got, [("KUBELET_KUBEADM_ARGS".to_owned(), "--x=1 --y".to_owned()), ("B".to_owned(), "plain".to_owned())]);
    }
}
