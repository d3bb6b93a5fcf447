//! Filling in names: minijinja, strict on names that are not there.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::load::is_control;
use super::variable::Bindings;
use crate::model::Inventory;

/// What templates may name.
#[derive(Clone, Debug, Default)]
pub struct Context(Map<String, Value>);

impl Context {
    /// Variables and the inventory.
    pub fn new(bindings: &Bindings, inventory: &Inventory) -> Self {
        let mut names: Map<String, Value> = bindings.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        names.insert("inventory".to_owned(), inventory.to_template());
        names.insert("captured".to_owned(), json!({}));
        Self(names)
    }

    /// The same with another name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The same with what the setup remembered.
    #[must_use]
    pub fn with_captured(self, captured: &Map<String, Value>) -> Self {
        self.with("captured", Value::Object(captured.clone()))
    }

    /// A name's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// A template that is wrong, or names something that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} in `{template}`")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// The template, cut short.
    pub template: String,
    /// Line in the template, from 1.
    pub line: usize,
}

impl TemplateError {
    fn new(error: &minijinja::Error, template: &str) -> Self {
        let message = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        Self { message, template: crate::grade::text::excerpt(template), line: error.line().unwrap_or(1) }
    }
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Default delimiters always build; without them a file would only lose its last newline.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    // Templates of packs are strangers' text: they must end.
    environment.set_recursion_limit(50);
    environment.set_fuel(Some(FUEL));
    // Jinja's own function of this name would stand in for a variable that is not there; content wants the word for itself.
    environment.remove_global("namespace");
    environment
}

/// How much a template may do, in the engine's instructions, and how long what comes out may be. A hundred times what content needs.
const FUEL: u64 = 200_000;
const LONGEST: usize = 2 << 20;

/// What a template gives, up to [`LONGEST`].
#[derive(Default)]
struct Capped {
    text: Vec<u8>,
    full: bool,
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > LONGEST {
            self.full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Fills in a text.
pub fn render(text: &str, context: &Context) -> Result<String, TemplateError> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let environment = environment();
    let mut out = Capped::default();
    let template = environment.template_from_str(text).map_err(|e| TemplateError::new(&e, text))?;
    let wrong = |message: &str| TemplateError { message: message.to_owned(), template: crate::grade::text::excerpt(text), line: 1 };
    let rendered = template.render_captured_to(minijinja::Value::from(Serde(&context.0)), &mut out);
    // The engine says only that something could not be written.
    rendered.map_err(|e| if out.full { wrong("the template gives too long a text") } else { TemplateError::new(&e, text) })?;
    let filled = String::from_utf8(out.text).map_err(|_| wrong("the template gives no text"))?;
    // What a terminal obeys must not come in by a template's own escapes either.
    if filled.chars().any(is_control) { Err(wrong("the template gives a control character")) } else { Ok(filled) }
}

/// Whether an expression is true.
pub fn holds(expression: &str, context: &Context) -> Result<bool, TemplateError> {
    let environment = environment();
    let compiled = environment.compile_expression(expression).map_err(|e| TemplateError::new(&e, expression))?;
    let value = compiled.eval(minijinja::Value::from(Serde(&context.0))).map_err(|e| TemplateError::new(&e, expression))?;
    if value.is_undefined() {
        let message = "it names something that is not there".to_owned();
        return Err(TemplateError { message, template: expression.to_owned(), line: 1 });
    }
    Ok(value.is_true())
}

/// Fills in a text; where all of it is one expression, keeps the expression's type.
fn render_native(text: &str, context: &Context) -> Result<Value, TemplateError> {
    let single = text.trim().strip_prefix("{{").and_then(|t| t.strip_suffix("}}")).filter(|t| !t.contains("{{") && !t.contains("}}"));
    let Some(expression) = single else { return render(text, context).map(Value::String) };
    let value = environment()
        .compile_expression(expression)
        .and_then(|e| e.eval(minijinja::Value::from(Serde(&context.0))))
        .map_err(|e| TemplateError::new(&e, text))?;
    if value.is_undefined() {
        return render(text, context).map(Value::String);
    }
    serde_json::to_value(&value).map_err(|e| TemplateError { message: e.to_string(), template: text.to_owned(), line: 1 })
}

/// Keys below which values are free-form, so that expressions keep their type.
const FREE_FORM: [&str; 2] = ["fields", "value"];

/// Fills in every text of a decoded part of content.
pub fn render_all<T: Serialize + DeserializeOwned>(part: &T, context: &Context) -> Result<T, TemplateError> {
    fn walk(value: Value, native: bool, context: &Context) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(text) if native => render_native(&text, context)?,
            Value::String(text) => Value::String(render(&text, context)?),
            Value::Array(items) => items.into_iter().map(|i| walk(i, native, context)).collect::<Result<_, _>>()?,
            Value::Object(map) => {
                let entry = |(key, value): (String, Value)| {
                    let native = native || FREE_FORM.contains(&key.as_str());
                    Ok((render(&key, context)?, walk(value, native, context)?))
                };
                map.into_iter().map(entry).collect::<Result<Map<_, _>, TemplateError>>()?.into()
            }
            other => other,
        })
    }
    let wrong = |e: serde_json::Error| TemplateError { message: e.to_string(), template: String::new(), line: 1 };
    let value = serde_json::to_value(part).map_err(wrong)?;
    serde_json::from_value(walk(value, false, context)?).map_err(wrong)
}

/// The names that a template uses: `node`, `inventory.kubeletConfig`.
pub fn names(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    if !text.contains('{') {
        return Ok(BTreeSet::new());
    }
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|e| TemplateError::new(&e, text))?;
    let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let root = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    Ok(template.undeclared_variables(true).into_iter().filter(|n| !globals.contains(root(n).as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::Expect;

    fn context() -> Context {
        let bindings: Bindings =
            [("node".to_owned(), json!("worker-2")), ("copies".to_owned(), json!(3)), ("app".to_owned(), json!({"port": 8080}))].into();
        Context::new(&bindings, &Inventory::example(3))
    }

    #[test]
    fn expressions_choose() {
        for (expression, expected) in [("copies == 3", true), ("app.port in [80, 443]", false), ("node != 'worker-1' and copies > 2", true)]
        {
            assert_eq!(holds(expression, &context()), Ok(expected), "{expression}");
        }
        assert!(holds("missing", &context()).is_err() && holds("copies ==", &context()).is_err());
    }

    #[test]
    fn texts_are_filled_in() {
        let rendered = render("ssh {{ node }} cat {{ inventory.kubeletConfig }} on {{ inventory.address[node] }}\n", &context());
        assert_eq!(rendered.as_deref(), Ok("ssh worker-2 cat /var/lib/kubelet/config.yaml on 192.0.2.12\n"));
        assert_eq!(render("{% raw %}{{ .x }}{% endraw %}", &context()).as_deref(), Ok("{{ .x }}"));
    }

    #[test]
    fn strangers_templates_end() {
        for (text, part) in [
            ("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "fuel"),
            ("{% for i in range(20000) %}{{ 'a' * 10000 }}{% endfor %}", "too long"),
            ("{{ 'a' * 100000000000 }}", "fuel"),
            ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", ""),
            ("{{ '\\u001b[2J' }}", "control character"),
            ("{% include '/etc/passwd' %}", ""),
        ] {
            let error = render(text, &context()).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn names_that_are_not_there_are_errors() {
        for text in ["{{ nope }}", "{{ namespace }}", "{{ inventory.nope }}", "{{ app.nope }}", "{{ captured.x }}"] {
            let error = render(text, &context()).expect_err(text);
            assert!(error.message.contains("undefined"), "{error}");
        }
        assert_eq!(render("a\n{{ if }}", &context()).expect_err("a syntax error").line, 2);
    }

    #[test]
    fn free_form_fields_keep_types_and_others_stay_texts() {
        let expect: Expect =
            serde_json::from_value(json!({"resource": {"kind": "Deployment", "name": "{{ copies }}", "count": "{{ copies }}",
            "fields": {"spec": {"replicas": "{{ copies }}", "name": "n-{{ copies }}", "app": "{{ app }}"}}}}))
            .expect("a check");
        let rendered = serde_json::to_value(render_all(&expect, &context()).expect("rendered")).expect("JSON");
        assert_eq!(
            rendered,
            json!({"resource": {"kind": "Deployment", "name": "3", "count": 3,
            "fields": {"spec": {"replicas": 3, "name": "n-3", "app": {"port": 8080}}}}})
        );
    }

    #[test]
    fn templates_tell_what_they_name() {
        let found = names("{{ node }} {% for w in inventory.workers %}{{ w }} {{ app.port }}{% endfor %}").expect("a template");
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["app.port", "inventory.workers", "node"]);
    }
}
