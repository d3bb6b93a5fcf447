//! YAML as kubectl writes it: go-yaml v2's emitter over sorted keys, lists not indented, lines folded at 80 columns.

use std::cmp::Ordering;

use serde_json::Value;

/// Longest line before a scalar with spaces is folded (the emitter's `best_width`).
const WIDTH: usize = 80;

/// A document, ending in a newline.
pub fn document(value: &Value) -> String {
    let mut emitter = Emitter { out: String::new(), column: 0 };
    match value {
        Value::Object(map) if !map.is_empty() => emitter.mapping(value, 0, false),
        Value::Array(list) if !list.is_empty() => emitter.sequence(value, 0),
        scalar => emitter.scalar(scalar, 0, false),
    }
    if emitter.column > 0 {
        emitter.out.push('\n');
    }
    emitter.out
}

struct Emitter {
    out: String,
    column: usize,
}

impl Emitter {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self, indent: usize) {
        if self.column > 0 || self.out.is_empty() {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.column = 0;
        }
        self.push(&" ".repeat(indent));
    }

    /// `inline`: the first key continues a line that a `- ` began.
    fn mapping(&mut self, value: &Value, indent: usize, inline: bool) {
        let Value::Object(map) = value else { return };
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort_by(|a, b| natural(a, b));
        for (i, key) in keys.into_iter().enumerate() {
            if !(inline && i == 0) {
                self.line(indent);
            }
            self.string(key, indent, true);
            self.push(":");
            match &map[key] {
                nested @ Value::Object(m) if !m.is_empty() => self.mapping(nested, indent + 2, false),
                // A list inside a mapping starts at the mapping's own indent.
                nested @ Value::Array(l) if !l.is_empty() => self.sequence(nested, indent),
                scalar => {
                    self.push(" ");
                    self.scalar(scalar, indent + 2, false);
                }
            }
        }
    }

    fn sequence(&mut self, value: &Value, indent: usize) {
        self.items(value, indent, false);
    }

    fn items(&mut self, value: &Value, indent: usize, inline: bool) {
        for (i, item) in value.as_array().into_iter().flatten().enumerate() {
            if !(inline && i == 0) {
                self.line(indent);
            }
            self.push("- ");
            match item {
                Value::Object(m) if !m.is_empty() => self.mapping(item, indent + 2, true),
                Value::Array(l) if !l.is_empty() => self.items(item, indent + 2, true),
                scalar => self.scalar(scalar, indent + 2, false),
            }
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize, key: bool) {
        match value {
            Value::String(text) => self.string(text, indent, key),
            Value::Null => self.push("null"),
            Value::Object(_) => self.push("{}"),
            Value::Array(_) => self.push("[]"),
            Value::Number(n) => {
                let text = crate::print::json::number_text(n);
                self.push(&text);
            }
            Value::Bool(b) => self.push(if *b { "true" } else { "false" }),
        }
    }

    fn string(&mut self, text: &str, indent: usize, key: bool) {
        let traits = Traits::of(text);
        let resolves = !resolves_to_string(text);
        if text.contains('\n') && traits.block_allowed && !key {
            return self.literal(text, indent);
        }
        if text.contains('\n') && !traits.block_allowed || traits.special {
            return self.double_quoted(text, indent, !key);
        }
        if resolves || text.is_empty() || (key && text.contains('\n')) {
            return self.double_quoted(text, indent, !key);
        }
        if traits.plain_allowed { self.plain(text, indent, !key) } else { self.single_quoted(text, indent, !key) }
    }

    fn fold(&mut self, indent: usize) {
        self.out.push('\n');
        self.column = 0;
        self.push(&" ".repeat(indent));
    }

    fn plain(&mut self, text: &str, indent: usize, breaks: bool) {
        let chars: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (i, &c) in chars.iter().enumerate() {
            if c == ' ' {
                let next_is_space = chars.get(i + 1) == Some(&' ');
                if breaks && !spaces && self.column > WIDTH && !next_is_space {
                    self.fold(indent);
                } else {
                    self.push(" ");
                }
                spaces = true;
            } else {
                self.push(c.encode_utf8(&mut [0; 4]));
                spaces = false;
            }
        }
    }

    fn single_quoted(&mut self, text: &str, indent: usize, breaks: bool) {
        self.push("'");
        let chars: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (i, &c) in chars.iter().enumerate() {
            if c == ' ' {
                let inner = i > 0 && i + 1 < chars.len() && chars[i + 1] != ' ';
                if breaks && !spaces && self.column > WIDTH && inner {
                    self.fold(indent);
                } else {
                    self.push(" ");
                }
                spaces = true;
            } else {
                if c == '\'' {
                    self.push("'");
                }
                self.push(c.encode_utf8(&mut [0; 4]));
                spaces = false;
            }
        }
        self.push("'");
    }

    fn double_quoted(&mut self, text: &str, indent: usize, breaks: bool) {
        self.push("\"");
        let chars: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (i, &c) in chars.iter().enumerate() {
            let escaped = match c {
                '"' => Some("\\\"".to_owned()),
                '\\' => Some("\\\\".to_owned()),
                '\0' => Some("\\0".to_owned()),
                '\u{7}' => Some("\\a".to_owned()),
                '\u{8}' => Some("\\b".to_owned()),
                '\t' => Some("\\t".to_owned()),
                '\n' => Some("\\n".to_owned()),
                '\u{b}' => Some("\\v".to_owned()),
                '\u{c}' => Some("\\f".to_owned()),
                '\r' => Some("\\r".to_owned()),
                '\u{1b}' => Some("\\e".to_owned()),
                '\u{85}' => Some("\\N".to_owned()),
                '\u{a0}' => Some("\\_".to_owned()),
                '\u{2028}' => Some("\\L".to_owned()),
                '\u{2029}' => Some("\\P".to_owned()),
                c if !printable(c) => Some(match u32::from(c) {
                    n @ ..=0xff => format!("\\x{n:02X}"),
                    n @ ..=0xffff => format!("\\u{n:04X}"),
                    n => format!("\\U{n:08X}"),
                }),
                _ => None,
            };
            match escaped {
                Some(escaped) => {
                    self.push(&escaped);
                    spaces = false;
                }
                None if c == ' ' => {
                    if breaks && !spaces && self.column > WIDTH && i > 0 && i + 1 < chars.len() {
                        self.fold(indent);
                        if chars[i + 1] == ' ' {
                            self.push("\\");
                        }
                    } else {
                        self.push(" ");
                    }
                    spaces = true;
                }
                None => {
                    self.push(c.encode_utf8(&mut [0; 4]));
                    spaces = false;
                }
            }
        }
        self.push("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.push("|");
        if text.starts_with([' ', '\n']) {
            self.push("2");
        }
        let body = text.trim_end_matches('\n');
        match text.len() - body.len() {
            0 => self.push("-"),
            1 if !body.is_empty() => {}
            _ => self.push("+"),
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.push('\n');
            self.column = 0;
            if !line.is_empty() {
                self.push(&" ".repeat(indent));
                self.push(line);
            }
        }
        // The next key must start on a new line even when the last line of the text is empty.
        self.column = self.column.max(1);
    }
}

/// What the emitter's `analyze_scalar` finds out.
struct Traits {
    plain_allowed: bool,
    block_allowed: bool,
    /// Only double quotes can carry it.
    special: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let blank = |i: usize| chars.get(i).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'));
        let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut break_space, mut space_break, mut breaks) = (false, false, false, false);
        for (i, &c) in chars.iter().enumerate() {
            indicators |= match c {
                '#' if i == 0 => true,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' if i == 0 => true,
                '?' | '-' if i == 0 => blank(i + 1),
                ':' => blank(i + 1),
                '#' => blank(i - 1),
                _ => false,
            };
            special |= !printable(c) && !is_break(c) || c == '\r';
            breaks |= is_break(c);
            if i > 0 {
                break_space |= c == ' ' && is_break(chars[i - 1]);
                space_break |= is_break(c) && chars[i - 1] == ' ';
            }
        }
        let edge = |c: Option<&char>| c.is_some_and(|&c| c == ' ' || is_break(c));
        let trailing_space = chars.last() == Some(&' ');
        Self {
            plain_allowed: !(indicators || special || breaks || break_space || edge(chars.first()) || edge(chars.last())),
            block_allowed: !(trailing_space || space_break || special),
            special,
        }
    }
}

/// The emitter's `is_printable`: tabs are not.
fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && c != '\u{feff}'
}

/// Whether YAML 1.1 would read the bare word as a string.
fn resolves_to_string(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO", "false", "False", "FALSE",
        "off", "Off", "OFF", "", "~", "null", "Null", "NULL", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
        "-.inf", "-.Inf", "-.INF",
    ];
    if WORDS.contains(&text) {
        return false;
    }
    let Some(first) = text.chars().next() else { return false };
    if first == '.' {
        return text.parse::<f64>().is_err();
    }
    if !(first.is_ascii_digit() || first == '+' || first == '-') {
        return true;
    }
    !(is_timestamp(text) || is_integer(&text.replace('_', "")) || is_float(&text.replace('_', "")) || is_base_60(text))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = digits.to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| lower.strip_prefix(prefix).is_some_and(|d| u64::from_str_radix(d, radix).is_ok());
    if radix("0x", 16) || radix("0b", 2) || radix("0o", 8) {
        return true;
    }
    match lower.strip_prefix('0') {
        // A leading zero means octal, so 08 is no integer (but a float).
        Some(rest) if !rest.is_empty() => u64::from_str_radix(rest, 8).is_ok(),
        _ => !lower.is_empty() && lower.bytes().all(|b| b.is_ascii_digit()) && lower.parse::<u64>().is_ok(),
    }
}

fn is_float(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
        && body.parse::<f64>().is_ok()
}

/// `1:30`: read as a number by YAML 1.1, so quoted.
fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (body, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    head.starts_with(|c: char| c.is_ascii_digit())
        && digits(head)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(|p| {
            matches!(p.as_bytes(), [b] if b.is_ascii_digit())
                || matches!(p.as_bytes(), [a @ b'0'..=b'5', b] if b.is_ascii_digit() && a.is_ascii_digit())
        })
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let number = |t: &str, max: u32| (1..=2).contains(&t.len()) && t.parse::<u32>().is_ok_and(|n| n <= max);
    let mut parts = date.split('-').skip(1);
    let date_ok = parts.next().is_some_and(|m| number(m, 12)) && parts.next().is_some_and(|d| number(d, 31)) && parts.next().is_none();
    let clock = |t: &str| {
        let (whole, fraction) = t.split_once('.').unwrap_or((t, "0"));
        let fields: Vec<&str> = whole.split(':').collect();
        fraction.bytes().all(|b| b.is_ascii_digit())
            && fields.len() == 3
            && number(fields[0], 23)
            && number(fields[1], 59)
            && number(fields[2], 59)
    };
    date_ok
        && match time {
            None => true,
            Some(time) if text.contains(' ') => clock(time),
            Some(time) => match time.strip_suffix('Z') {
                Some(time) => clock(time),
                None => time.rfind(['+', '-']).is_some_and(|at| clock(&time[..at]) && time[at + 1..].len() == 5),
            },
        }
}

/// go-yaml's order of keys: numbers inside names by value.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    for i in 0..a.len().min(b.len()) {
        if a[i] == b[i] {
            continue;
        }
        let (al, bl) = (a[i].is_alphabetic(), b[i].is_alphabetic());
        if al && bl {
            return a[i].cmp(&b[i]);
        }
        if al || bl {
            return if bl { Ordering::Less } else { Ordering::Greater };
        }
        let leading = (a[i] == '0' || b[i] == '0') && a[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|&c| c != '0');
        let number = |chars: &[char]| {
            let digits: Vec<u32> = chars[i..].iter().map_while(|c| c.to_digit(10)).collect();
            (digits.iter().fold(u64::from(leading), |n, d| n.saturating_mul(10).saturating_add(u64::from(*d))), digits.len())
        };
        let ((an, ai), (bn, bi)) = (number(&a), number(&b));
        return an.cmp(&bn).then(ai.cmp(&bi)).then(a[i].cmp(&b[i]));
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What kubectl 1.35.4 prints for each value under a key at indent two.
    #[test]
    fn strings_are_quoted_as_go_yaml_does() {
        let long = "word ".repeat(60);
        for (text, want) in [
            ("true", "\"true\""),
            ("a,b", "a,b"),
            ("[x", "'[x'"),
            ("1e3", "\"1e3\""),
            ("=", "="),
            ("@x", "'@x'"),
            ("a:", "'a:'"),
            ("  lead\nnext", "|2-\n      lead\n    next"),
            ("0o7", "\"0o7\""),
            ("1:30", "\"1:30\""),
            (".inf", "\".inf\""),
            ("a\r\nb", "\"a\\r\\nb\""),
            ("a\\b", "a\\b"),
            ("trail \nx", "\"trail \\nx\""),
            ("x: y", "'x: y'"),
            ("-x", "-x"),
            ("-", "'-'"),
            ("? x", "'? x'"),
            ("line1\nline2", "|-\n    line1\n    line2"),
            ("---x", "'---x'"),
            ("x'y", "x'y"),
            ("07", "\"07\""),
            ("+5", "\"+5\""),
            (".", "."),
            ("<<", "<<"),
            ("l1\nl2\n", "|\n    l1\n    l2"),
            ("2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00Z\""),
            ("12e", "12e"),
            ("0b11", "\"0b11\""),
            ("", "\"\""),
            ("# c", "'# c'"),
            ("a # b", "'a # b'"),
            ("~", "\"~\""),
            ("'q'", "'''q'''"),
            ("tab\there", "\"tab\\there\""),
            (" lead", "' lead'"),
            ("é", "é"),
            ("x\n\ny\n\n", "|+\n    x\n\n    y\n"),
            ("1_000", "\"1_000\""),
            ("\n", "|2+\n"),
            ("\nx", "|2-\n\n    x"),
            (
                &long,
                "'word word word word word word word word word word word word word word word word\n    word word word word word word word word word word word word word word word word\n    word word word word word word word word word word word word word word word word\n    word word word word word word word word word word word word '",
            ),
        ] {
            assert_eq!(document(&json!({"m": {"f": text}})), format!("m:\n  f: {want}\n"), "{text:?}");
        }
    }

    #[test]
    fn structure_and_key_order() {
        let value = json!({"n": 1, "c10": [], "c9": {}, "list": [{"b": [1, 2], "a": null}, [3, [4]], "x"], "c": 1.5});
        assert_eq!(document(&value), "c: 1.5\nc9: {}\nc10: []\nlist:\n- a: null\n  b:\n  - 1\n  - 2\n- - 3\n  - - 4\n- x\n\"n\": 1\n");
    }
}
