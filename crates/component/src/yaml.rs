//! YAML as the Go components read it: `sigs.k8s.io/yaml` over go-yaml v2, which is a port of libyaml. The parser here
//! is another port of it, so that a broken file gives the same words and the same line (`yaml: line 16: could not
//! find expected ':'`), and plain scalars mean what they mean there (`yes` is true, `0644` is 420).

use std::collections::BTreeMap;

use libyaml_safer::{ErrorKind, EventData, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Text that is not YAML, or repeats a key. `Display` is go-yaml's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// Scanner and parser errors.
    #[error("yaml: {line}{problem}", line = .line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Syntax {
        /// Line as go-yaml counts it; it leaves out the first one.
        line: Option<u64>,
        /// libyaml's words.
        problem: String,
    },
    /// An alias without its anchor.
    #[error("yaml: unknown anchor '{0}' referenced")]
    UnknownAnchor(String),
    /// A key that stands twice in one mapping (strict reading only).
    #[error("yaml: unmarshal errors:\n  line {line}: key {key:?} already set in map")]
    DuplicateKey {
        /// Line of the second one, from 1.
        line: u64,
        /// The key.
        key: String,
    },
    /// Aliases that multiply into more nodes than any real file has.
    #[error("yaml: document contains excessive aliasing")]
    ExcessiveAliasing,
}

/// Nodes that one document may grow to by aliases.
const NODE_BUDGET: usize = 1_000_000;
/// Nesting that one document may have, so that a hostile file cannot exhaust the stack.
const DEPTH_BUDGET: usize = 200;

/// The first document as JSON (`null` when there is none). Later keys win over earlier equal ones.
pub fn to_json(text: &str) -> Result<Value, YamlError> {
    Ok(read(text, false, true)?.into_iter().next().unwrap_or(Value::Null))
}

/// As [`to_json`], but a key that stands twice is an error (`yaml.UnmarshalStrict`).
pub fn to_json_strict(text: &str) -> Result<Value, YamlError> {
    Ok(read(text, true, true)?.into_iter().next().unwrap_or(Value::Null))
}

/// All documents of a stream as JSON.
pub fn documents(text: &str) -> Result<Vec<Value>, YamlError> {
    read(text, false, false)
}

fn read(text: &str, strict: bool, first_only: bool) -> Result<Vec<Value>, YamlError> {
    let mut input = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut input);
    let mut reader = Reader { parser, anchors: BTreeMap::new(), strict, nodes: 0 };
    let mut documents = Vec::new();
    loop {
        match reader.next()?.0 {
            EventData::StreamEnd => return Ok(documents),
            EventData::DocumentStart { .. } => {
                reader.anchors.clear();
                let event = reader.next()?;
                documents.push(reader.node(event, 0)?);
                if first_only {
                    return Ok(documents);
                }
            }
            _ => {}
        }
    }
}

struct Reader<'r, 'b> {
    parser: Parser<&'r mut &'b [u8]>,
    anchors: BTreeMap<String, (Value, usize)>,
    strict: bool,
    nodes: usize,
}

type Spanned = (EventData, u64);

impl Reader<'_, '_> {
    fn next(&mut self) -> Result<Spanned, YamlError> {
        let event = self.parser.parse().map_err(|error| syntax(&error))?;
        Ok((event.data, event.start_mark.line + 1))
    }

    fn node(&mut self, (event, _): Spanned, depth: usize) -> Result<Value, YamlError> {
        self.spend(1)?;
        if depth > DEPTH_BUDGET {
            return Err(YamlError::Syntax { line: None, problem: "exceeded max depth of 10000".to_owned() });
        }
        let before = self.nodes;
        match event {
            EventData::Alias { anchor } => {
                let (value, size) = self.anchors.get(&anchor).cloned().ok_or_else(|| YamlError::UnknownAnchor(anchor.clone()))?;
                self.spend(size)?;
                Ok(value)
            }
            EventData::Scalar { anchor, tag, value, style, .. } => {
                let value = scalar(&value, tag.as_deref(), style);
                self.remember(anchor, &value, before);
                Ok(value)
            }
            EventData::SequenceStart { anchor, .. } => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (EventData::SequenceEnd, _) => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                let value = Value::Array(items);
                self.remember(anchor, &value, before);
                Ok(value)
            }
            EventData::MappingStart { anchor, .. } => {
                let value = Value::Object(self.mapping(depth)?);
                self.remember(anchor, &value, before);
                Ok(value)
            }
            _ => Ok(Value::Null),
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Map<String, Value>, YamlError> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let (event, line) = match self.next()? {
                (EventData::MappingEnd, _) => break,
                spanned => spanned,
            };
            let merge = matches!(&event, EventData::Scalar { value, style: ScalarStyle::Plain, .. } if value == "<<");
            let key = key_text(&self.node((event, line), depth + 1)?);
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if merge {
                merged.push(value);
                continue;
            }
            if self.strict && map.contains_key(&key) {
                return Err(YamlError::DuplicateKey { line, key });
            }
            map.insert(key, value);
        }
        // A merged mapping never overrides a key that stands in the mapping itself.
        let sources = merged.into_iter().flat_map(|value| match value {
            Value::Array(items) => items,
            value => vec![value],
        });
        for source in sources {
            if let Value::Object(source) = source {
                for (key, value) in source {
                    map.entry(key).or_insert(value);
                }
            }
        }
        Ok(map)
    }

    fn remember(&mut self, anchor: Option<String>, value: &Value, before: usize) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before));
        }
    }

    fn spend(&mut self, nodes: usize) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes > NODE_BUDGET { Err(YamlError::ExcessiveAliasing) } else { Ok(()) }
    }
}

/// go-yaml v2's `parser.fail`: the line of the problem if it is not the first (scanner errors count from one, others do
/// not), else that of the context.
fn syntax(error: &libyaml_safer::Error) -> YamlError {
    let scanner = u64::from(error.kind() == ErrorKind::Scanner);
    let problem = error.problem_mark().filter(|mark| mark.line != 0).map(|mark| mark.line + scanner);
    let line = problem.or_else(|| error.context_mark().filter(|mark| mark.line != 0).map(|mark| mark.line));
    YamlError::Syntax { line, problem: error.problem().to_owned() }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// go-yaml's `resolve` for one scalar.
fn scalar(text: &str, tag: Option<&str>, style: ScalarStyle) -> Value {
    let string = || Value::String(text.to_owned());
    match tag {
        Some("tag:yaml.org,2002:str" | "!" | "tag:yaml.org,2002:binary") => return string(),
        None if style != ScalarStyle::Plain => return string(),
        _ => {}
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(string, Value::Number)
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // from_str_radix would accept a second sign.
    if body.starts_with(|c: char| c.is_ascii_hexdigit())
        && let Ok(value) = u64::from_str_radix(body, radix)
    {
        return match (negative, i64::try_from(value)) {
            (false, _) => Some(value.into()),
            (true, Ok(value)) => Some((-value).into()),
            (true, Err(_)) => Number::from_f64(-(value as f64)),
        };
    }
    if is_float(&lower) {
        let value: f64 = lower.parse().ok()?;
        return Number::from_f64(if negative { -value } else { value });
    }
    None
}

/// `^[0-9]*\.?[0-9]+([eE][-+][0-9]+)?$` after the sign, or `digits.` as Go's ParseFloat accepts it.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|e| e.strip_prefix(['+', '-']).is_some_and(|d| !d.is_empty() && digits(d)));
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    exponent_ok && mantissa_ok
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{documents, to_json, to_json_strict};

    #[test]
    fn syntax_errors_have_go_yamls_words_and_lines() {
        for (text, expected) in [
            ("a: b\nc: d\nfoo\nbar: x\n", "yaml: line 4: could not find expected ':'"),
            ("a:\n  b: c\n   d: e\n", "yaml: line 3: mapping values are not allowed in this context"),
            ("a: b: c\n", "yaml: mapping values are not allowed in this context"),
            ("a: b\n\tc: d\n", "yaml: line 2: found a tab character that violates indentation"),
            ("a: *x\n", "yaml: unknown anchor 'x' referenced"),
            ("k: v\nl:\n- a\nb: [1,\n", "yaml: line 4: did not find expected node content"),
        ] {
            assert_eq!(to_json(text).expect_err(text).to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn plain_scalars_mean_what_they_mean_to_go() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("~", json!(null)),
            ("0644", json!(420)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("-3", json!(-3)),
            ("1.5", json!(1.5)),
            ("1e+3", json!(1000.0)),
            ("1e3", json!("1e3")),
            ("1.2.3", json!("1.2.3")),
            ("10Mi", json!("10Mi")),
            ("\"yes\"", json!("yes")),
            ("!!str 5", json!("5")),
            ("2026-11-24", json!("2026-11-24")),
            ("0999", json!(999.0)),
        ] {
            assert_eq!(to_json(text).expect(text), expected, "{text:?}");
        }
    }

    #[test]
    fn mappings_keep_order_merge_and_report_duplicates_when_strict() {
        let text = "base: &b {x: 1, w: 2}\nz:\n  <<: *b\n  w: 3\n1: one\n";
        let value = to_json(text).expect("valid");
        assert_eq!(value.to_string(), r#"{"base":{"x":1,"w":2},"z":{"w":3,"x":1},"1":"one"}"#);
        assert_eq!(
            to_json_strict("a: 1\nb: 2\na: 3\n").expect_err("duplicate").to_string(),
            "yaml: unmarshal errors:\n  line 3: key \"a\" already set in map"
        );
        assert_eq!(to_json("a: 1\na: 3\n").expect("lenient"), json!({"a": 3}));
    }

    #[test]
    fn a_stream_has_all_its_documents() {
        assert_eq!(documents("a: 1\n---\nb: 2\n---\n").expect("valid"), [json!({"a": 1}), json!({"b": 2}), json!(null)]);
        assert!(documents("").expect("empty").is_empty());
    }
}
