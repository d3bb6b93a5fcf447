//! CEL over objects, with Kubernetes' quantities.

use std::sync::Arc;

use cel::objects::{Key, Map, Opaque};
use cel::{Context, Env, ExecutionError, Program, Value as Cel, extensions};
use serde_json::Value;
use values::Quantity;

/// A compiled expression.
pub struct Expression {
    program: Program,
    env: Arc<Env>,
}

/// Longest expression, in bytes, and how deep comprehensions may stand in each other: each level multiplies the work.
const LONGEST: usize = 2_000;
const DEEPEST: usize = 3;

/// How deep comprehensions stand in each other in a text, at most. Those in string literals count as well: that errs on the safe side.
fn nested(text: &str) -> usize {
    const MACROS: [&str; 8] = ["all", "exists", "exists_one", "existsOne", "filter", "map", "transformList", "transformMap"];
    let (mut open, mut deepest, mut word) = (Vec::new(), 0, String::new());
    for c in text.chars() {
        match c {
            '(' => {
                open.push(MACROS.contains(&word.as_str()));
                deepest = deepest.max(open.iter().filter(|is_macro| **is_macro).count());
            }
            ')' => drop(open.pop()),
            _ => {}
        }
        match c {
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            // White space may stand between a name and its bracket.
            c if c.is_whitespace() => {}
            _ => word.clear(),
        }
    }
    deepest
}

/// Why an expression could not be compiled or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is not CEL.
    #[error("the expression is not valid: {0}")]
    Syntax(String),
    /// It failed on these objects.
    #[error("the expression failed: {0}")]
    Failed(String),
    /// It gave something other than true or false.
    #[error("the expression gave {0}, not true or false")]
    NotABoolean(String),
}

impl Expression {
    /// Compiles `text`, which is short and nests comprehensions a few levels deep: that of a stranger's pack must end.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > LONGEST || nested(text) > DEEPEST {
            return Err(ExpressionError::Syntax(format!("more than {LONGEST} characters, or comprehensions more than {DEEPEST} deep")));
        }
        let mut env = Env::stdlib();
        // Both are additions to a fresh environment: nothing is there yet that they could collide with.
        for extension in [extensions::strings, extensions::lists] {
            env.add_extension(extension).map_err(|e| ExpressionError::Syntax(e.to_string()))?;
        }
        let program = env.compile(text).map_err(|e| ExpressionError::Syntax(e.to_string()))?;
        Ok(Self { program, env: Arc::new(env) })
    }

    /// Names of variables that the expression uses, those of its own comprehensions included.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.program.references().variables().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Evaluates it with these variables.
    pub fn evaluate(&self, variables: &[(&str, &Value)]) -> Result<Value, ExpressionError> {
        let failed = |e: ExecutionError| ExpressionError::Failed(e.to_string());
        let mut context = Context::with_env(Arc::clone(&self.env));
        for (name, value) in variables {
            context.add_variable_from_value(*name, to_cel(value));
        }
        add_functions(&mut context).map_err(ExpressionError::Failed)?;
        let value = self.program.execute(&context).map_err(failed)?;
        Ok(from_cel(&value))
    }

    /// Evaluates it to true or false.
    pub fn holds(&self, variables: &[(&str, &Value)]) -> Result<bool, ExpressionError> {
        match self.evaluate(variables)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(ExpressionError::NotABoolean(other.to_string())),
        }
    }
}

/// `quantity("1Gi")` and what can be asked of one.
#[derive(Debug, PartialEq)]
struct Amount(Quantity);

impl Eq for Amount {}

impl Opaque for Amount {
    fn runtime_type_name(&self) -> &str {
        "kubernetes.Quantity"
    }
}

fn amount(value: &Cel) -> Result<Quantity, ExecutionError> {
    let wrong = |text: &str| ExecutionError::function_error("quantity", format!("`{text}` is not a quantity"));
    match value {
        Cel::String(text) => Quantity::parse(text).map_err(|_| wrong(text)),
        Cel::Int(n) => Quantity::parse(&n.to_string()).map_err(|_| wrong(&n.to_string())),
        Cel::Opaque(opaque) => opaque.downcast_ref::<Amount>().map(|a| a.0).ok_or_else(|| wrong(opaque.runtime_type_name())),
        other => Err(wrong(&other.type_of().to_string())),
    }
}

fn add_functions(context: &mut Context<'_, '_>) -> Result<(), String> {
    use cel::extractors::This;
    let compare = |this: &Cel, other: &Cel| Ok::<_, ExecutionError>(amount(this)?.cmp(&amount(other)?));
    let text = |e: cel::DeclarationError| e.to_string();
    context
        .add_function("quantity", |value: Cel| -> Result<Arc<dyn Opaque>, ExecutionError> { Ok(Arc::new(Amount(amount(&value)?))) })
        .map_err(text)?;
    context.add_function("isQuantity", |value: Cel| -> bool { amount(&value).is_ok() }).map_err(text)?;
    context
        .add_function("isGreaterThan", move |This(this): This<Cel>, other: Cel| -> Result<bool, ExecutionError> {
            compare(&this, &other).map(|o| o.is_gt())
        })
        .map_err(text)?;
    context
        .add_function("isLessThan", move |This(this): This<Cel>, other: Cel| -> Result<bool, ExecutionError> {
            compare(&this, &other).map(|o| o.is_lt())
        })
        .map_err(text)?;
    context
        .add_function("compareTo", move |This(this): This<Cel>, other: Cel| -> Result<i64, ExecutionError> {
            compare(&this, &other).map(|o| o as i64)
        })
        .map_err(text)
}

/// JSON as CEL sees Kubernetes objects: whole numbers are `int`. (The engine's own conversion makes them `uint`, which does not mix with
/// literals.)
fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(b) => Cel::Bool(*b),
        Value::Number(n) => n.as_i64().map_or_else(|| Cel::Float(n.as_f64().unwrap_or(f64::NAN)), Cel::Int),
        Value::String(s) => Cel::String(Arc::new(s.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(map) => {
            Cel::Map(Map { map: Arc::new(map.iter().map(|(k, v)| (Key::String(Arc::new(k.clone())), to_cel(v))).collect()) })
        }
    }
}

fn from_cel(value: &Cel) -> Value {
    match value {
        Cel::Int(n) => Value::from(*n),
        Cel::Opaque(opaque) => match opaque.downcast_ref::<Amount>() {
            Some(amount) => Value::from(amount.0.to_string()),
            None => Value::from(opaque.runtime_type_name()),
        },
        other => other.json().unwrap_or_else(|_| Value::from(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod limits {
    use super::*;

    #[test]
    fn expressions_of_strangers_end() {
        assert_eq!(nested("objects.all(o, o.a.exists(c, c.b == 1)) && objects.map(o, o) == []"), 2);
        let bomb = "[1,2].map (a,[1,2].map(b,[1,2].map(c,[1,2].map(d,d))))";
        assert_eq!(nested(bomb), 4);
        assert!(Expression::compile(bomb).is_err());
        assert!(Expression::compile(&format!("1 == {}1", "1 + ".repeat(1_000))).is_err());
        assert!(Expression::compile("objects.all(o, o.a.exists(c, c.b.exists(d, d == 1)))").is_ok());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(text: &str, object: Value) -> Result<bool, ExpressionError> {
        Expression::compile(text)?.holds(&[("object", &object)])
    }

    #[test]
    fn objects_are_read_as_kubernetes_reads_them() {
        let object = json!({"spec": {"replicas": 3, "limits": {"memory": "1Gi"}, "tags": ["a", "b"]}, "status": {}});
        for text in [
            "object.spec.replicas == 3",
            "object.spec.replicas * 2 == 6",
            "object.spec.tags.exists(t, t == 'b')",
            "!has(object.status.phase)",
            "object.?status.?phase.orValue('none') == 'none'",
            "quantity(object.spec.limits.memory).isGreaterThan(quantity('1000M'))",
            "quantity('1') == quantity('1000m')",
            "quantity('1k').compareTo(quantity('2k')) == -1",
            "isQuantity('x') == false",
        ] {
            assert_eq!(holds(text, object.clone()), Ok(true), "{text}");
        }
        assert_eq!(holds("object.spec.replicas > 3", object.clone()), Ok(false));
        assert!(matches!(holds("object.spec.nope == 1", object.clone()), Err(ExpressionError::Failed(_))));
        assert!(matches!(holds("object.spec.replicas", object.clone()), Err(ExpressionError::NotABoolean(_))));
        assert!(matches!(holds("object.", object.clone()), Err(ExpressionError::Syntax(_))));
        assert!(matches!(holds("quantity('x') == quantity('1')", object), Err(ExpressionError::Failed(_))));
    }

    #[test]
    fn values_come_back_as_json() {
        let value = Expression::compile("object.a").and_then(|e| e.evaluate(&[("object", &json!({"a": {"b": [1, "x", null]}}))]));
        assert_eq!(value, Ok(json!({"b": [1, "x", null]})));
    }
}
