//! JSON as Go's encoder writes it: keys sorted, `<`, `>` and `&` escaped.

use serde_json::Value;

/// Indented by four spaces, as `-o json` prints.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, Some("    "), 0);
    out
}

/// On one line without spaces.
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, None, 0);
    out
}

/// Indented by any text.
pub fn indented(value: &Value, indent: &str) -> String {
    let mut out = String::new();
    write(&mut out, value, Some(indent), 0);
    out
}

fn write(out: &mut String, value: &Value, indent: Option<&str>, depth: usize) {
    let newline = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    };
    match value {
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(out, depth + 1);
                quote(out, key);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(out, &map[key], indent, depth + 1);
            }
            newline(out, depth);
            out.push('}');
        }
        Value::Array(list) if list.is_empty() => out.push_str("[]"),
        Value::Array(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(out, depth + 1);
                write(out, item, indent, depth + 1);
            }
            newline(out, depth);
            out.push(']');
        }
        Value::String(text) => quote(out, text),
        Value::Number(number) => out.push_str(&number_text(number)),
        other => out.push_str(&other.to_string()),
    }
}

/// A number as Go writes it: whole floating point numbers without a fraction.
pub fn number_text(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A value as Go's `%#v` prints decoded JSON, for the debugging text of failed templates.
pub fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let body: Vec<String> = keys.into_iter().map(|k| format!("{k:?}:{}", go_syntax(&map[k]))).collect();
            format!("map[string]interface {{}}{{{}}}", body.join(", "))
        }
        Value::Array(list) => format!("[]interface {{}}{{{}}}", list.iter().map(go_syntax).collect::<Vec<_>>().join(", ")),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn as_go_prints() {
        let value = json!({"b": [1, "<x>"], "a": {}, "c": []});
        assert_eq!(pretty(&value), "{\n    \"a\": {},\n    \"b\": [\n        1,\n        \"\\u003cx\\u003e\"\n    ],\n    \"c\": []\n}");
        assert_eq!(compact(&value), r#"{"a":{},"b":[1,"\u003cx\u003e"],"c":[]}"#);
    }
}
