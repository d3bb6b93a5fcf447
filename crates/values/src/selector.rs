//! Label and field selectors: the string form of query parameters and the structured form of specs
//! (apimachinery, `labels/selector.go`, `fields/selector.go`).

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `key=value`
    Equals,
    /// `key!=value`
    NotEquals,
    /// `key in (a,b)`
    In,
    /// `key notin (a,b)`
    NotIn,
    /// `key`
    Exists,
    /// `!key`
    DoesNotExist,
    /// `key>1`
    GreaterThan,
    /// `key<1`
    LessThan,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// Comparison.
    pub operator: Operator,
    /// Operands, sorted for sets.
    pub values: Vec<String>,
}

/// All requirements must hold; none selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The conditions.
    pub requirements: Vec<Requirement>,
    nothing: bool,
}

/// A selector that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Malformed text.
    #[error("unable to parse requirement: {0}")]
    Requirement(String),
    /// An operator that does not exist, in the structured form.
    #[error("\"{0}\" is not a valid label selector operator")]
    Operator(String),
    /// Malformed field selector.
    #[error("invalid selector: '{0}'; can't understand '{1}'")]
    Field(String, String),
}

impl Selector {
    /// Selects everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Selects nothing (a null `LabelSelector`).
    pub fn nothing() -> Self {
        Self { nothing: true, ..Self::default() }
    }

    /// Whether every object matches.
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// Reads the string form, e.g. `app=web,tier in (a,b),!debug`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { tokens: lex(text), at: 0 };
        let mut requirements = Vec::new();
        if parser.peek() == &Token::End {
            return Ok(Self::default());
        }
        loop {
            requirements.push(parser.requirement()?);
            match parser.next() {
                Token::End => break,
                Token::Comma => match parser.peek() {
                    Token::Word(_) | Token::Not => {}
                    other => return Err(fail(format!("found '{other}', expected: identifier after ','"))),
                },
                other => return Err(fail(format!("found '{other}', expected: ',' or 'end of string'"))),
            }
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements, nothing: false })
    }

    /// From a map of exact labels (a Service's or ReplicationController's `selector`).
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let requirements = labels
            .into_iter()
            .map(|(key, value)| Requirement { key: key.clone(), operator: Operator::Equals, values: vec![value.clone()] })
            .collect();
        Self { requirements, nothing: false }
    }

    /// From the structured form; an empty one selects everything.
    pub fn from_label_selector(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let mut result = Self::from_labels(selector.match_labels.iter().flatten());
        for expression in selector.match_expressions.iter().flatten() {
            let operator = match expression.operator.as_str() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(SelectorError::Operator(other.to_owned())),
            };
            let mut values = expression.values.clone().unwrap_or_default();
            values.sort();
            result.requirements.push(Requirement { key: expression.key.clone(), operator, values });
        }
        Ok(result)
    }

    /// From the JSON of a `LabelSelector`; `null` selects nothing.
    pub fn from_json(value: &Value) -> Result<Self, SelectorError> {
        if value.is_null() {
            return Ok(Self::nothing());
        }
        let selector: LabelSelector = serde_json::from_value(value.clone()).map_err(|e| SelectorError::Requirement(e.to_string()))?;
        Self::from_label_selector(&selector)
    }

    /// Whether `labels` meet all requirements.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matches_by(|key| labels.get(key).map(String::as_str))
    }

    /// Whether the labels of a JSON object (`metadata.labels`, or null) meet all requirements.
    pub fn matches_json(&self, labels: &Value) -> bool {
        self.matches_by(|key| labels.get(key).and_then(Value::as_str))
    }

    fn matches_by<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.matches(label(&r.key)))
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let listed = |label: &str| self.values.iter().any(|v| v == label);
        let number = |op: fn(i64, i64) -> bool| {
            let (Some(label), Some(bound)) = (label, self.values.first()) else { return false };
            matches!((label.parse(), bound.parse()), (Ok(a), Ok(b)) if op(a, b))
        };
        match self.operator {
            Operator::Equals | Operator::In => label.is_some_and(listed),
            // As upstream: a missing label is not equal to anything.
            Operator::NotEquals | Operator::NotIn => !label.is_some_and(listed),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => number(|a, b| a > b),
            Operator::LessThan => number(|a, b| a < b),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

fn fail(message: String) -> SelectorError {
    SelectorError::Requirement(message)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Not,
    Comma,
    Open,
    Close,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word(word) => word,
            Self::Not => "!",
            Self::Comma => ",",
            Self::Open => "(",
            Self::Close => ")",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::End => "",
        })
    }
}

fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            c if c.is_whitespace() => continue,
            ',' => Token::Comma,
            '(' => Token::Open,
            ')' => Token::Close,
            '>' => Token::Greater,
            '<' => Token::Less,
            '=' if chars.next_if_eq(&'=').is_some() => Token::DoubleEquals,
            '=' => Token::Equals,
            '!' if chars.next_if_eq(&'=').is_some() => Token::NotEquals,
            '!' => Token::Not,
            first => {
                let mut word = String::from(first);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !",()><=!".contains(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
        });
    }
    tokens.push(Token::End);
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.peek() == &Token::Not {
            self.next();
            return match self.next() {
                Token::Word(key) => Ok(Requirement { key, operator: Operator::DoesNotExist, values: vec![] }),
                other => Err(fail(format!("found '{other}', expected: identifier"))),
            };
        }
        let key = match self.next() {
            Token::Word(key) => key,
            other => return Err(fail(format!("found '{other}', expected: !, identifier, or ','"))),
        };
        let operator = match self.peek() {
            Token::End | Token::Comma => return Ok(Requirement { key, operator: Operator::Exists, values: vec![] }),
            Token::Equals | Token::DoubleEquals => Operator::Equals,
            Token::NotEquals => Operator::NotEquals,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            Token::Word(word) if word == "in" => Operator::In,
            Token::Word(word) if word == "notin" => Operator::NotIn,
            other => return Err(fail(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"))),
        };
        self.next();
        let values = match operator {
            Operator::In | Operator::NotIn => self.set()?,
            _ => vec![match self.peek() {
                Token::Word(word) => {
                    let word = word.clone();
                    self.next();
                    word
                }
                _ => String::new(),
            }],
        };
        Ok(Requirement { key, operator, values })
    }

    fn set(&mut self) -> Result<Vec<String>, SelectorError> {
        match self.next() {
            Token::Open => {}
            other => return Err(fail(format!("found '{other}' expected: '('"))),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(word) => values.push(word),
                Token::Comma => {}
                Token::Close => break,
                other => return Err(fail(format!("found '{other}', expected: ',', or identifier"))),
            }
        }
        values.sort();
        values.dedup();
        Ok(values)
    }
}

/// A field selector: exact comparisons of a few fields of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// Field path, whether it must be equal, value.
    pub terms: Vec<(String, bool, String)>,
}

impl FieldSelector {
    /// Reads `spec.nodeName=a,status.phase!=Running`; commas and equals signs in values are escaped by a backslash.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut terms = Vec::new();
        for term in split_unescaped(text).into_iter().filter(|t| !t.is_empty()) {
            let (field, equal, value) = if let Some((field, value)) = term.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (field, true, value)
            } else {
                return Err(SelectorError::Field(text.to_owned(), term.clone()));
            };
            let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
            terms.push((field.to_owned(), equal, value));
        }
        Ok(Self { terms })
    }

    /// Whether all terms hold, given a way to look a field up (absent fields are empty).
    pub fn matches(&self, field: impl Fn(&str) -> Option<String>) -> bool {
        self.terms.iter().all(|(path, equal, value)| (field(path).unwrap_or_default() == *value) == *equal)
    }
}

fn split_unescaped(text: &str) -> Vec<String> {
    let (mut parts, mut current, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == ',' && !escaped {
            parts.push(std::mem::take(&mut current));
        } else {
            current.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(current);
    parts
}

#[cfg(test)]
mod tests {
    use super::{FieldSelector, Selector};
    use serde_json::json;

    #[test]
    fn label_selectors_select() {
        let labels = json!({"app": "web", "tier": "front", "n": "5"});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (web, api)", true),
            ("app notin (web)", false),
            ("missing notin (a)", true),
            ("missing!=a", true),
            ("tier", true),
            ("!tier", false),
            ("n>4", true),
            ("n<4", false),
            ("app=", false),
        ] {
            let selector = Selector::parse(text).expect(text);
            assert_eq!(selector.matches_json(&labels), expected, "{text}");
        }
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for text in ["=a", "a in b", "a b", "a,", "a in (b", "!,a"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn structured_selectors_distinguish_null_and_empty() {
        assert!(Selector::from_json(&json!({})).expect("empty").matches_json(&json!({"a": "b"})));
        assert!(!Selector::from_json(&json!(null)).expect("null").matches_json(&json!({"a": "b"})));
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
        assert!(Selector::from_json(&selector).is_err());
    }

    #[test]
    fn field_selectors_compare_exactly() {
        let selector = FieldSelector::parse("spec.nodeName=w1,status.phase!=Failed").expect("valid");
        let pod = |node: &'static str| move |path: &str| (path == "spec.nodeName").then(|| node.to_owned());
        assert!(selector.matches(pod("w1")));
        assert!(!selector.matches(pod("w2")));
        assert!(FieldSelector::parse("spec.nodeName").is_err());
    }
}
