//! A unified diff of two objects, which upstream appends when an immutable spec was changed
//! (apimachinery's `util/diff.Diff`: pretty-printed JSON of Go's structs).

use serde_json::Value;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The diff, or an empty text for equal values. Go's field names begin with capitals there, so do ours.
pub fn unified(old: &Value, new: &Value) -> String {
    let (a, b) = (lines(old), lines(new));
    let script = script(&a, &b);
    let changed: Vec<usize> = script.iter().enumerate().filter(|(_, l)| l.0 != ' ').map(|(i, _)| i).collect();
    let mut out = String::new();
    let mut at = 0;
    while at < changed.len() {
        let start = changed[at].saturating_sub(CONTEXT);
        let mut end = changed[at];
        while at < changed.len() && changed[at] <= end + 2 * CONTEXT {
            end = changed[at];
            at += 1;
        }
        let end = (end + CONTEXT + 1).min(script.len());
        let count = |marks: [char; 2], range: &[(char, &str)]| range.iter().filter(|l| marks.contains(&l.0)).count();
        let before = (count([' ', '-'], &script[..start]), count([' ', '+'], &script[..start]));
        let within = (count([' ', '-'], &script[start..end]), count([' ', '+'], &script[start..end]));
        out.push_str(&format!("@@ -{},{} +{},{} @@\n", before.0 + 1, within.0, before.1 + 1, within.1));
        for (mark, line) in &script[start..end] {
            out.push_str(&format!("{mark}{line}\n"));
        }
    }
    out
}

/// A value as upstream prints its internal types, which have no JSON names: every field in Go's order, absent ones null
/// (or empty, for those in `texts`).
pub fn internal(value: &Value, fields: &[&str], texts: &[&str]) -> Value {
    let field = |name: &&str| {
        let absent = || if texts.contains(name) { Value::from("") } else { Value::Null };
        (capital(name), value.get(*name).map_or_else(absent, capitals))
    };
    Value::Object(fields.iter().map(field).collect())
}

fn capitals(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(key, item)| (capital(key), capitals(item))).collect()),
        Value::Array(items) => items.iter().map(capitals).collect(),
        other => other.clone(),
    }
}

fn lines(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    print(value, 0, String::new(), "", &mut out);
    out
}

fn print(value: &Value, depth: usize, head: String, tail: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push(format!("{pad}{head}{{"));
            // Sorted: two writers of the same object need not agree on an order.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (i, (key, item)) in entries.into_iter().enumerate() {
                let comma = if i + 1 < map.len() { "," } else { "" };
                print(item, depth + 1, format!("{:?}: ", capital(key)), comma, out);
            }
            out.push(format!("{pad}}}{tail}"));
        }
        Value::Array(items) if !items.is_empty() => {
            out.push(format!("{pad}{head}["));
            for (i, item) in items.iter().enumerate() {
                print(item, depth + 1, String::new(), if i + 1 < items.len() { "," } else { "" }, out);
            }
            out.push(format!("{pad}]{tail}"));
        }
        scalar => out.push(format!("{pad}{head}{scalar}{tail}")),
    }
}

/// Go's name of a field: a capital first, and some words in capitals as a whole.
fn capital(key: &str) -> String {
    for (ours, theirs) in [("dns", "DNS"), ("seLinux", "SELinux"), ("hostIPC", "HostIPC"), ("hostPID", "HostPID")] {
        if let Some(rest) = key.strip_prefix(ours) {
            return format!("{theirs}{rest}");
        }
    }
    let mut characters = key.chars();
    characters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

/// Lines marked as kept, removed or added, by longest common subsequence.
fn script<'a>(a: &'a [String], b: &'a [String]) -> Vec<(char, &'a str)> {
    let mut table = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] = if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            out.push((' ', a[i].as_str()));
            i += 1;
            j += 1;
        } else if j >= b.len() || (i < a.len() && table[i + 1][j] >= table[i][j + 1]) {
            out.push(('-', a[i].as_str()));
            i += 1;
        } else {
            out.push(('+', b[j].as_str()));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_shown_with_their_surroundings() {
        let old = json!({"dnsPolicy": "ClusterFirst", "nodeName": ""});
        let new = json!({"dnsPolicy": "Default", "nodeName": ""});
        assert_eq!(
            unified(&old, &new),
            "@@ -1,4 +1,4 @@\n {\n- \"DNSPolicy\": \"ClusterFirst\",\n+ \"DNSPolicy\": \"Default\",\n  \"NodeName\": \"\"\n }\n"
        );
        assert_eq!(unified(&old, &old), "");
    }
}
