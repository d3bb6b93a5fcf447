//! The part of TOML that containerd's configuration files use: tables, strings, numbers, booleans, arrays.

use serde_json::{Map, Value};

/// Text that is not TOML; `Display` is that of go-toml v1: `(line, column): words`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("({line}, {column}): {reason}")]
pub struct TomlError {
    line: usize,
    column: usize,
    reason: String,
}

/// Reads a document.
pub fn parse(text: &str) -> Result<Value, TomlError> {
    let mut root = Map::new();
    let mut table: Vec<String> = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, raw) in text.lines().enumerate() {
        let (number, line) = match pending.take() {
            Some((first, before)) => (first, format!("{before} {}", without_comment(raw))),
            None => (index + 1, without_comment(raw).to_owned()),
        };
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        let column = line.len() - line.trim_start().len() + 1;
        let fail = |column: usize, reason: &str| TomlError { line: number, column, reason: reason.to_owned() };
        if let Some(inner) = trimmed.strip_prefix('[') {
            let inner = inner.strip_prefix('[').unwrap_or(inner);
            let Some(name) = inner.strip_suffix(']') else {
                return Err(fail(column + trimmed.len(), "unclosed table key"));
            };
            table = keys(name.trim_end_matches(']')).ok_or_else(|| fail(column + 1, "invalid table key"))?;
            descend(&mut root, &table).ok_or_else(|| fail(column + 1, "duplicated tables"))?;
            continue;
        }
        let Some((key, value)) = split_pair(trimmed) else {
            return Err(fail(column, "parsing error: keys cannot contain new lines"));
        };
        let path = keys(key).ok_or_else(|| fail(column, &format!("parsing error: keys cannot contain {} character", first_bad(key))))?;
        let value = value.trim();
        if value.is_empty() {
            return Err(fail(line.len() + 1, "expected a value"));
        }
        // An array may go on over further lines.
        if value.starts_with('[') && value.matches('[').count() > value.matches(']').count() {
            pending = Some((number, line));
            continue;
        }
        let value_column = line.find('=').map_or(column, |at| at + 1 + line[at + 1..].len() - line[at + 1..].trim_start().len() + 1);
        let value = self::value(value).map_err(|reason| fail(value_column, &reason))?;
        let (last, above) = path.split_last().ok_or_else(|| fail(column, "empty key"))?;
        let full: Vec<String> = table.iter().chain(above).cloned().collect();
        let target = descend(&mut root, &full).ok_or_else(|| fail(column, "key is not a table"))?;
        if target.insert(last.clone(), value).is_some() {
            let shown = full.iter().chain([last]).cloned().collect::<Vec<_>>().join(".");
            return Err(fail(column, &format!("The following key was defined twice: {shown}")));
        }
    }
    if let Some((line, _)) = pending {
        return Err(TomlError { line, column: 1, reason: "unclosed array".to_owned() });
    }
    Ok(Value::Object(root))
}

fn first_bad(key: &str) -> char {
    key.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'))).unwrap_or(' ')
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('#', None) => return &line[..at],
            _ => {}
        }
    }
    line
}

fn split_pair(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '=' if !quoted => return Some((line[..at].trim(), &line[at + 1..])),
            _ => {}
        }
    }
    None
}

/// `a."b.c".d` in parts.
fn keys(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut quote = None;
    for c in text.trim().chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('.', None) => parts.push(std::mem::take(&mut current)),
            (c, None) if c.is_whitespace() => return None,
            (c, Some(_)) => current.push(c),
            (c, None) if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => current.push(c),
            _ => return None,
        }
    }
    parts.push(current);
    (quote.is_none() && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

fn descend<'a>(root: &'a mut Map<String, Value>, path: &[String]) -> Option<&'a mut Map<String, Value>> {
    let mut at = root;
    for part in path {
        at = at.entry(part.clone()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
    }
    Some(at)
}

fn value(text: &str) -> Result<Value, String> {
    match text {
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        _ => {}
    }
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return match rest.strip_suffix(quote) {
                Some(inner) if !inner.contains(quote) => Ok(Value::String(inner.to_owned())),
                _ => Err("unclosed string".to_owned()),
            };
        }
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.split(',').map(str::trim).filter(|item| !item.is_empty()).map(value).collect::<Result<_, _>>().map(Value::Array);
    }
    if let Ok(number) = text.replace('_', "").parse::<i64>() {
        return Ok(number.into());
    }
    if let Some(number) = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
        return Ok(Value::Number(number));
    }
    Err(format!("no value can start with {}", text.chars().next().unwrap_or(' ')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn reads_what_containerd_writes() {
        let text = "version = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\"] # the kubelet's\n  sandbox_image = \"registry.k8s.io/pause:3.10.1\"\n  a = [\"x\",\n    \"y\"]\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  conf_dir = '/etc/cni/net.d'\n";
        let expected = json!({"version": 2, "plugins": {"io.containerd.grpc.v1.cri": {
            "sandbox_image": "registry.k8s.io/pause:3.10.1", "a": ["x", "y"], "cni": {"conf_dir": "/etc/cni/net.d"}}}});
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn says_where_it_is_broken() {
        for (text, expected) in [
            ("version = 2\n[plugins\n", "(2, 9): unclosed table key"),
            ("a = \"x\n", "(1, 5): unclosed string"),
            ("a = 1\na = 2\n", "(2, 1): The following key was defined twice: a"),
            ("version = two\n", "(1, 11): no value can start with t"),
            ("garbage\n", "(1, 1): parsing error: keys cannot contain new lines"),
        ] {
            assert_eq!(parse(text).map_err(|e| e.to_string()), Err(expected.to_owned()), "{text:?}");
        }
    }
}
