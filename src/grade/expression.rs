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
    /// Compiles `text`.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
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
