//! `--sort-by`.

use std::cmp::Ordering;

use serde_json::Value;
use values::Quantity;

use crate::print::jsonpath::Template;

/// Sorts rows by what `path` finds in their objects (kubectl's `cmd/get/sorter.go`).
pub fn sort_by<T>(rows: &mut [T], path: &str, object: impl Fn(&T) -> &Value) -> Result<(), String> {
    let template = Template::relaxed(path)?;
    let mut found_any = rows.is_empty();
    for row in rows.iter() {
        found_any |= !template.find(object(row), true)?.is_empty();
    }
    if !found_any {
        return Err(format!("couldn't find any field with path {:?} in the list of objects", braces(path)));
    }
    // Keys are looked up anew for each comparison: lists are short, and a key may borrow from its row.
    let key = |row: &T| template.find(object(row), true).ok().and_then(|found| found.first().map(|v| (*v).clone()));
    rows.sort_by(|a, b| match (key(a), key(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(&a, &b),
    });
    Ok(())
}

fn braces(path: &str) -> String {
    let inner = path.trim_start_matches('{').trim_end_matches('}');
    format!("{{{}{inner}}}", if inner.starts_with('.') { "" } else { "." })
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => match (Quantity::parse(a), Quantity::parse(b)) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => natural(a, b),
        },
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// Order in which numbers inside texts count as numbers.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].is_ascii_digit() && b[j].is_ascii_digit() {
            let end = |t: &[u8], from: usize| from + t[from..].iter().take_while(|c| c.is_ascii_digit()).count();
            let (ie, je) = (end(a, i), end(b, j));
            let trim = |t: &[u8]| t.iter().position(|&c| c != b'0').map_or_else(Vec::new, |p| t[p..].to_vec());
            let (x, y) = (trim(&a[i..ie]), trim(&b[j..je]));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y)).then_with(|| (ie - i).cmp(&(je - j)));
            if order != Ordering::Equal {
                return order;
            }
            (i, j) = (ie, je);
        } else {
            if a[i] != b[j] {
                return a[i].cmp(&b[j]);
            }
            i += 1;
            j += 1;
        }
    }
    (a.len() - i).cmp(&(b.len() - j))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sorts_numbers_names_and_quantities() {
        let mut rows = vec![json!({"n": "web-10", "q": "1Gi"}), json!({"n": "web-9", "q": "500Mi"}), json!({"q": "2Gi"})];
        sort_by(&mut rows, ".n", |v| v).unwrap();
        assert_eq!(rows.iter().map(|r| r["n"].as_str()).collect::<Vec<_>>(), [None, Some("web-9"), Some("web-10")]);
        sort_by(&mut rows, "{.q}", |v| v).unwrap();
        assert_eq!(rows.iter().map(|r| r["q"].as_str().unwrap()).collect::<Vec<_>>(), ["500Mi", "1Gi", "2Gi"]);
        assert!(sort_by(&mut rows, ".zzz", |v| v).is_err());
    }
}
