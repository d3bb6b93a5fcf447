//! kubectl's JSONPath templates (client-go's `util/jsonpath`): text, `{.path}`, `{range}…{end}`, filters, unions, slices, recursion.

use std::cmp::Ordering;

use serde_json::Value;

use crate::print::json;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Vec<Step>),
    Range(Vec<Step>, Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Root,
    Field(String),
    Wildcard,
    Recursive,
    Slice { start: Option<i64>, end: Option<i64>, step: Option<i64>, single: bool },
    Union(Vec<Vec<Step>>),
    Filter(Vec<Step>, Option<(Compare, Vec<Step>)>),
    Literal(Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Template {
    /// Parses a template.
    pub fn parse(text: &str) -> Result<Self, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        let parts = parts(&chars, &mut at, false)?;
        Ok(Self(parts))
    }

    /// Parses one path as `--sort-by` and custom columns write it: braces and the leading dot may be left out.
    pub fn relaxed(text: &str) -> Result<Self, String> {
        let inner = text.trim();
        let inner = inner.strip_prefix('{').map_or(Some(inner), |t| t.strip_suffix('}'));
        let Some(inner) = inner else {
            return Err(
                "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'".to_owned()
            );
        };
        let dot = if inner.starts_with(['.', '[', '$', '@']) { "" } else { "." };
        Self::parse(&format!("{{{dot}{inner}}}"))
    }

    /// Renders the template over a value.
    pub fn render(&self, data: &Value, allow_missing: bool) -> Result<String, String> {
        let mut out = String::new();
        render(&self.0, data, data, allow_missing, &mut out)?;
        Ok(out)
    }

    /// All values that the template's paths find.
    pub fn find<'a>(&'a self, data: &'a Value, allow_missing: bool) -> Result<Vec<&'a Value>, String> {
        let mut found = Vec::new();
        for part in &self.0 {
            if let Part::Path(steps) = part {
                found.extend(walk(steps, vec![data], data, allow_missing)?);
            }
        }
        Ok(found)
    }
}

fn render(parts: &[Part], current: &Value, root: &Value, allow_missing: bool, out: &mut String) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(steps) => {
                let found = walk(steps, vec![current], root, allow_missing)?;
                out.push_str(&found.into_iter().map(text_of).collect::<Vec<_>>().join(" "));
            }
            Part::Range(steps, body) => {
                for item in walk(steps, vec![current], root, allow_missing)? {
                    render(body, item, root, allow_missing, out)?;
                }
            }
        }
    }
    Ok(())
}

/// A value as a template prints it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => json::compact(other),
    }
}

fn walk<'a>(steps: &'a [Step], start: Vec<&'a Value>, root: &'a Value, allow_missing: bool) -> Result<Vec<&'a Value>, String> {
    let mut current = start;
    for step in steps {
        current = advance(step, current, root, allow_missing)?;
        if current.is_empty() {
            break;
        }
    }
    Ok(current)
}

fn advance<'a>(step: &'a Step, current: Vec<&'a Value>, root: &'a Value, allow_missing: bool) -> Result<Vec<&'a Value>, String> {
    let mut out = Vec::new();
    match step {
        Step::Root => out.push(root),
        Step::Literal(value) => out.push(value),
        Step::Field(name) => {
            for value in &current {
                out.extend(value.as_object().and_then(|m| m.get(name)));
            }
            if out.is_empty() && !allow_missing {
                return Err(format!("{name} is not found"));
            }
        }
        Step::Wildcard => {
            for value in &current {
                match value {
                    Value::Array(list) => out.extend(list),
                    Value::Object(map) => out.extend(sorted(map)),
                    _ => {}
                }
            }
        }
        Step::Recursive => {
            for value in &current {
                descend(value, &mut out);
            }
        }
        Step::Slice { start, end, step, single } => {
            for value in current {
                let Value::Array(list) = value else {
                    if allow_missing && value.is_null() {
                        continue;
                    }
                    return Err(format!("{} is not array or slice", go_kind(value)));
                };
                let len = i64::try_from(list.len()).unwrap_or(i64::MAX);
                if *single {
                    let index = start.unwrap_or(0);
                    let real = if index < 0 { index + len } else { index };
                    match usize::try_from(real).ok().and_then(|i| list.get(i)) {
                        Some(item) => out.push(item),
                        None => return Err(format!("array index out of bounds: index {real}, length {len}")),
                    }
                    continue;
                }
                let clamp = |v: Option<i64>, default: i64| v.map_or(default, |v| if v < 0 { v + len } else { v }).clamp(0, len);
                let (from, to, by) = (clamp(*start, 0), clamp(*end, len), step.unwrap_or(1));
                if by <= 0 {
                    return Err("step must be > 0".to_owned());
                }
                let by = usize::try_from(by).unwrap_or(1);
                let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
                out.extend(list.get(range).into_iter().flatten().step_by(by));
            }
        }
        Step::Union(paths) => {
            for path in paths {
                out.extend(walk(path, current.clone(), root, allow_missing)?);
            }
        }
        Step::Filter(left, right) => {
            for value in current {
                let Value::Array(list) = value else {
                    if value.is_null() {
                        continue;
                    }
                    return Err(format!("{} is not array or slice and cannot be filtered", json::compact(value)));
                };
                for item in list {
                    // A missing field only means that the element does not match.
                    let found = walk(left, vec![item], root, true)?;
                    let keep = match right {
                        None => !found.is_empty(),
                        Some((compare, right)) => match (found.first(), walk(right, vec![item], root, true)?.first()) {
                            (Some(a), Some(b)) => holds(*compare, a, b),
                            _ => false,
                        },
                    };
                    if keep {
                        out.push(item);
                    }
                }
            }
        }
    }
    Ok(out)
}

fn sorted(map: &serde_json::Map<String, Value>) -> Vec<&Value> {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    keys.into_iter().map(|k| &map[k]).collect()
}

/// Go's name of a decoded value's kind.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Object(_) => "map[string]interface {}",
        Value::Array(_) => "[]interface {}",
        Value::Null => "<nil>",
    }
}

fn descend<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
    match value {
        Value::Array(list) => {
            out.push(value);
            list.iter().for_each(|v| descend(v, out));
        }
        Value::Object(map) => {
            out.push(value);
            sorted(map).into_iter().for_each(|v| descend(v, out));
        }
        _ => {}
    }
}

fn holds(compare: Compare, a: &Value, b: &Value) -> bool {
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    };
    match compare {
        Compare::Equal => order == Some(Ordering::Equal),
        Compare::NotEqual => order != Some(Ordering::Equal),
        Compare::Less => order == Some(Ordering::Less),
        Compare::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Compare::Greater => order == Some(Ordering::Greater),
        Compare::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Parses text and actions up to the end, or up to `{end}` inside a range.
fn parts(chars: &[char], at: &mut usize, in_range: bool) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut text = String::new();
    while *at < chars.len() {
        if chars[*at] != '{' {
            text.push(chars[*at]);
            *at += 1;
            continue;
        }
        if !text.is_empty() {
            out.push(Part::Text(std::mem::take(&mut text)));
        }
        *at += 1;
        let action = action(chars, at)?;
        let trimmed: String = action.iter().collect::<String>().trim().to_owned();
        if trimmed == "end" {
            return if in_range { Ok(out) } else { Err("not in range, nothing to end".to_owned()) };
        }
        if let Some(path) = trimmed.strip_prefix("range ") {
            let steps = steps(&path.trim().chars().collect::<Vec<_>>())?;
            out.push(Part::Range(steps, parts(chars, at, true)?));
            continue;
        }
        // Quoted text and paths may follow one another inside one pair of braces.
        for word in words(&action)? {
            match word.first() {
                Some('"' | '\'') => out.push(Part::Text(unquote(&word)?)),
                _ => out.push(Part::Path(steps(&word)?)),
            }
        }
    }
    if in_range {
        return Err("unterminated range".to_owned());
    }
    if !text.is_empty() {
        out.push(Part::Text(text));
    }
    Ok(out)
}

/// The characters up to the closing brace, quotes and brackets respected.
fn action(chars: &[char], at: &mut usize) -> Result<Vec<char>, String> {
    let (start, mut quote) = (*at, None);
    while *at < chars.len() {
        let c = chars[*at];
        match quote {
            Some(q) if c == '\\' && chars.get(*at + 1) == Some(&q) => *at += 1,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '}' => {
                *at += 1;
                return Ok(chars[start..*at - 1].to_vec());
            }
            None => {}
        }
        *at += 1;
    }
    Err("unclosed action".to_owned())
}

/// Splits an action at blanks outside quotes and brackets.
fn words(action: &[char]) -> Result<Vec<Vec<char>>, String> {
    let (mut out, mut word, mut depth, mut quote) = (Vec::new(), Vec::new(), 0, None);
    for &c in action {
        match (quote, c) {
            (Some(q), c) if c == q && word.last() != Some(&'\\') => {
                quote = None;
                word.push(c);
                if depth == 0 {
                    out.push(std::mem::take(&mut word));
                }
                continue;
            }
            (Some(_), _) => {}
            (None, '"' | '\'') => {
                if depth == 0 && !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                quote = Some(c);
            }
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth -= 1,
            (None, ' ' | '\t' | '\n') if depth == 0 => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if quote.is_some() {
        return Err("unterminated quoted string".to_owned());
    }
    if depth != 0 {
        return Err("unterminated array".to_owned());
    }
    if !word.is_empty() {
        out.push(word);
    }
    Ok(out)
}

fn unquote(word: &[char]) -> Result<String, String> {
    let body = word.get(1..word.len().saturating_sub(1)).unwrap_or_default();
    let mut out = String::new();
    let mut chars = body.iter();
    while let Some(&c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(&other) => other,
            None => return Err("invalid syntax".to_owned()),
        });
    }
    Ok(out)
}

fn steps(path: &[char]) -> Result<Vec<Step>, String> {
    let mut out = Vec::new();
    let mut at = 0;
    let whole: String = path.iter().collect();
    if let Ok(number) = whole.parse::<i64>() {
        return Ok(vec![Step::Literal(number.into())]);
    }
    if let Ok(number) = whole.parse::<f64>() {
        return Ok(vec![Step::Literal(number.into())]);
    }
    if let Ok(boolean) = whole.parse::<bool>() {
        return Ok(vec![Step::Literal(boolean.into())]);
    }
    while at < path.len() {
        match path[at] {
            '$' => {
                out.push(Step::Root);
                at += 1;
            }
            '@' => at += 1,
            '.' if path.get(at + 1) == Some(&'.') => {
                out.push(Step::Recursive);
                at += 1;
                // `..[` and `..name`: the second dot belongs to the field that follows.
                if path.get(at + 1) == Some(&'[') {
                    at += 1;
                }
            }
            '.' => {
                at += 1;
                if path.get(at) == Some(&'[') {
                    continue;
                }
                let name = field(path, &mut at);
                match name.as_str() {
                    "" => {}
                    "*" => out.push(Step::Wildcard),
                    _ => out.push(Step::Field(name)),
                }
            }
            '[' => {
                let close = closing(path, at).ok_or("unterminated array")?;
                out.push(bracket(&path[at + 1..close])?);
                at = close + 1;
            }
            '"' | '\'' => {
                out.push(Step::Literal(Value::String(unquote(&path[at..])?)));
                at = path.len();
            }
            c => {
                let rest: String = path[at..].iter().collect();
                if c.is_alphanumeric() {
                    return Err(format!("unrecognized identifier {rest}"));
                }
                return Err(format!("unrecognized character in action: {c:?}"));
            }
        }
    }
    Ok(out)
}

fn field(path: &[char], at: &mut usize) -> String {
    let mut name = String::new();
    while let Some(&c) = path.get(*at) {
        if c == '\\' {
            name.extend(path.get(*at + 1));
            *at += 2;
            continue;
        }
        if matches!(c, '.' | '[' | ']' | ' ' | '$' | '@' | '{' | '}' | '=' | '!' | '<' | '>') {
            break;
        }
        name.push(c);
        *at += 1;
    }
    name
}

fn closing(path: &[char], open: usize) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (i, &c) in path.iter().enumerate().skip(open) {
        match (quote, c) {
            (Some(q), c) if c == q && path[i - 1] != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

fn bracket(inner: &[char]) -> Result<Step, String> {
    let text: String = inner.iter().collect();
    let text = text.trim();
    if text == "*" {
        return Ok(Step::Wildcard);
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|t| t.strip_suffix(')')) {
        return parse_filter(filter);
    }
    let members = split_outside_quotes(text, ',');
    if members.len() > 1 {
        let paths = members.iter().map(|m| Ok(vec![bracket(&m.trim().chars().collect::<Vec<_>>())?]));
        return Ok(Step::Union(paths.collect::<Result<_, String>>()?));
    }
    for quote in ['\'', '"'] {
        if let Some(name) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            let dotted: Vec<char> = format!(".{name}").chars().collect();
            return Ok(Step::Union(vec![steps(&dotted)?]));
        }
    }
    let fields: Vec<&str> = text.split(':').collect();
    let number = |t: &str| -> Result<Option<i64>, String> {
        if t.is_empty() { Ok(None) } else { t.trim().parse().map(Some).map_err(|_| format!("invalid array index {text}")) }
    };
    if fields.len() > 3 {
        return Err(format!("invalid array index {text}"));
    }
    Ok(Step::Slice {
        start: number(fields[0])?,
        end: number(fields.get(1).copied().unwrap_or_default())?,
        step: number(fields.get(2).copied().unwrap_or_default())?,
        single: fields.len() == 1,
    })
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<String> {
    let (mut out, mut part, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == separator => {
                out.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    out.push(part);
    out
}

fn parse_filter(text: &str) -> Result<Step, String> {
    const OPERATORS: [(&str, Compare); 6] = [
        ("==", Compare::Equal),
        ("!=", Compare::NotEqual),
        ("<=", Compare::LessOrEqual),
        (">=", Compare::GreaterOrEqual),
        ("<", Compare::Less),
        (">", Compare::Greater),
    ];
    let path = |t: &str| steps(&t.trim().chars().collect::<Vec<_>>());
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => continue,
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {
                if let Some((sign, compare)) = OPERATORS.iter().find(|(sign, _)| text[i..].starts_with(sign)) {
                    return Ok(Step::Filter(path(&text[..i])?, Some((*compare, path(&text[i + sign.len()..])?))));
                }
                if text[i..].starts_with("&&") || text[i..].starts_with("||") {
                    return Err(format!("unrecognized character in action: {c:?}"));
                }
            }
        }
    }
    Ok(Step::Filter(path(text)?, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Value {
        json!({"items": [
            {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}}, "spec": {"n": 3}, "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Disk", "status": "False"}]}},
            {"metadata": {"name": "b"}, "spec": {"n": 10}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}},
        ], "kind": "List"})
    }

    #[test]
    fn templates() {
        for (template, want) in [
            ("{.kind}", "List"),
            ("{.items[*].metadata.name}", "a b"),
            ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"),
            ("{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", "x"),
            ("{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.n}{\"\\n\"}{end}", "a\t3\nb\t10\n"),
            ("{.items[?(@.spec.n>5)].metadata.name}", "b"),
            ("{.items[?(@.status.conditions[0].status==\"True\")].metadata.name}", "a"),
            ("{.items[0].status.conditions[?(@.type==\"Ready\")].status}", "True"),
            ("{.items[-1:].metadata.name}", "b"),
            ("{.items[-1].metadata.name}", "b"),
            ("{..name}", "a b"),
            ("{.items[*]['metadata.name','spec.n']}", "a b 3 10"),
            ("{.items[?(@.metadata.labels)].metadata.name}", "a"),
            ("{.items[0].spec}", "{\"n\":3}"),
            ("{$.kind}{'\\n'}", "List\n"),
            ("x={.kind};", "x=List;"),
            ("{range .items[?(@.spec.n==3)]}{@.metadata.name} {.kind}{end}", "a "),
            ("{.nope.deeper}", ""),
            ("{.items[0:2].spec.n}", "3 10"),
            ("{.items[0].status.conditions[*].type}", "Ready Disk"),
        ] {
            assert_eq!(Template::parse(template).unwrap().render(&data(), true).as_deref(), Ok(want), "{template}");
        }
    }

    #[test]
    fn errors() {
        for (template, want) in [
            ("{.items[7]}", "array index out of bounds: index 7, length 2"),
            ("{.kind", "unclosed action"),
            ("{range .items[*]}", "unterminated range"),
            ("{end}", "not in range, nothing to end"),
            ("{.kind.x.y[}", "unterminated array"),
        ] {
            let result = Template::parse(template).and_then(|t| t.render(&data(), true));
            assert_eq!(result.unwrap_err(), want, "{template}");
        }
        assert_eq!(Template::parse("{.nope}").unwrap().render(&data(), false).unwrap_err(), "nope is not found");
    }

    #[test]
    fn relaxed() {
        for path in ["metadata.name", ".metadata.name", "{.metadata.name}", "{metadata.name}"] {
            let template = Template::relaxed(path).unwrap();
            assert_eq!(template.find(&data()["items"][0], true).unwrap(), [&json!("a")], "{path}");
        }
    }
}
