//! Variables of a scenario or command question, and the values a seed binds them to.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::{self, Context, TemplateError};
use crate::model::{Inventory, Role};

/// Values of variables by name; stored by value in the history.
pub type Bindings = BTreeMap<String, Value>;

/// One variable. Exactly one of `node`, `oneOf`, `number` and `value` says where its value comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    /// The learner must find it out: no text may show it, and it makes variants.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// A node of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeVariable>,
    /// One of these values: scalars, or maps whose fields texts name as `{{ variable.field }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// A whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberVariable>,
    /// Computed from the variables above it: a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A node drawn by role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeVariable {
    /// Its role.
    pub role: Role,
    /// Names of node variables from which it must differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
}

/// A number drawn from a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberVariable {
    /// Least value.
    pub from: i64,
    /// Greatest value.
    pub to: i64,
}

/// Why variables could not be bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The cluster has too few nodes of a role.
    #[error("variable `{variable}` needs a {role} node that no other variable has taken; this cluster has too few")]
    NoNode {
        /// The variable.
        variable: String,
        /// The role.
        role: &'static str,
    },
    /// None of the four sources of a value is given, or the list is empty.
    #[error("variable `{0}` says nothing about its value")]
    NoValue(String),
    /// A computed value is wrong.
    #[error("variable `{variable}`: {source}")]
    Template {
        /// The variable.
        variable: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// Variables wait for each other.
    #[error("variables {0} refer to each other in a circle")]
    Circle(String),
}

/// All combinations of the hidden variables that are drawn from lists: the variants. One, without anything, when there are none.
pub fn variants(variables: &BTreeMap<String, Variable>) -> Vec<Bindings> {
    let mut all = vec![Bindings::new()];
    for (name, variable) in variables.iter().filter(|(_, v)| v.hidden) {
        let Some(values) = &variable.one_of else { continue };
        all = all
            .into_iter()
            .flat_map(|bindings| {
                values.iter().map(move |value| {
                    let mut bindings = bindings.clone();
                    bindings.insert(name.clone(), value.clone());
                    bindings
                })
            })
            .collect();
    }
    all
}

/// Binds all variables: those of `given` (a variant, or a whole earlier attempt) as they are, the rest by `seed`. Equal arguments give
/// equal bindings; a variable's value does not depend on which others are given.
pub fn bind(variables: &BTreeMap<String, Variable>, given: &Bindings, inventory: &Inventory, seed: u64) -> Result<Bindings, BindError> {
    let mut bound: Bindings = given.iter().filter(|(name, _)| variables.contains_key(*name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    for (name, variable) in variables {
        if bound.contains_key(name) || variable.value.is_some() {
            continue;
        }
        let mut random = stream(seed, name);
        let value = if let Some(node) = &variable.node {
            bind_node(name, node, variables, &bound, inventory, &mut random)?
        } else if let Some(values) = variable.one_of.as_ref().filter(|v| !v.is_empty()) {
            values[below(&mut random, values.len())].clone()
        } else if let Some(range) = &variable.number {
            let width = u64::try_from(range.to.saturating_sub(range.from)).unwrap_or(0).saturating_add(1);
            Value::from(range.from.saturating_add(i64::try_from(random.next_u64() % width).unwrap_or(0)))
        } else {
            return Err(BindError::NoValue(name.clone()));
        };
        bound.insert(name.clone(), value);
    }
    compute(variables, &mut bound, inventory)?;
    Ok(bound)
}

fn bind_node(
    name: &str,
    node: &NodeVariable,
    variables: &BTreeMap<String, Variable>,
    bound: &Bindings,
    inventory: &Inventory,
    random: &mut ChaCha8Rng,
) -> Result<Value, BindError> {
    // Being different goes both ways, whichever of the two is bound first.
    let names_me = |other: &Variable| other.node.as_ref().is_some_and(|n| n.not.iter().any(|n| n == name));
    let others = variables.iter().filter(|(other, variable)| node.not.contains(other) || names_me(variable));
    let taken: Vec<&str> = others.filter_map(|(other, _)| bound.get(other)?.as_str()).collect();
    let free: Vec<&str> = inventory.names(node.role).into_iter().filter(|n| !taken.contains(n)).collect();
    if free.is_empty() {
        let role = match node.role {
            Role::ControlPlane => "control-plane",
            Role::Worker => "worker",
        };
        return Err(BindError::NoNode { variable: name.to_owned(), role });
    }
    Ok(Value::from(free[below(random, free.len())]))
}

/// Computed values, each after those it refers to.
fn compute(variables: &BTreeMap<String, Variable>, bound: &mut Bindings, inventory: &Inventory) -> Result<(), BindError> {
    let mut waiting: Vec<(&String, &String)> =
        variables.iter().filter(|(name, _)| !bound.contains_key(*name)).filter_map(|(n, v)| Some((n, v.value.as_ref()?))).collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let pending: Vec<String> = waiting.iter().map(|(n, _)| (*n).clone()).collect();
        let mut still = Vec::new();
        for (name, text) in waiting {
            let wrong = |source| BindError::Template { variable: name.clone(), source };
            let needs = template::names(text).map_err(wrong)?;
            if needs.iter().any(|n| pending.contains(&n.split('.').next().unwrap_or_default().to_owned())) {
                still.push((name, text));
                continue;
            }
            let value = template::render(text, &Context::new(bound, inventory)).map_err(wrong)?;
            bound.insert(name.clone(), Value::from(value));
        }
        if still.len() == before {
            return Err(BindError::Circle(pending.join(", ")));
        }
        waiting = still;
    }
    Ok(())
}

/// A stream of its own for each variable: adding one to a scenario does not change what a seed gives the others.
fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    ChaCha8Rng::seed_from_u64(seed ^ hash)
}

fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64() % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables(json: Value) -> BTreeMap<String, Variable> {
        serde_json::from_value(json).expect("variables")
    }

    #[test]
    fn variants_are_the_combinations_of_what_is_hidden() {
        let variables =
            variables(json!({"a": {"hidden": true, "oneOf": [1, 2]}, "b": {"hidden": true, "oneOf": ["x", "y"]}, "c": {"oneOf": [7, 8]}}));
        let all = variants(&variables);
        assert_eq!(all.len(), 4);
        assert!(all.contains(&[("a".to_owned(), json!(2)), ("b".to_owned(), json!("x"))].into()));
        assert_eq!(variants(&BTreeMap::new()), [Bindings::new()]);
    }

    #[test]
    fn seeds_bind_everything_and_equal_seeds_equally() {
        let variables = variables(json!({
            "node": {"node": {"role": "worker"}},
            "other": {"node": {"role": "worker", "not": ["node"]}},
            "copies": {"number": {"from": 3, "to": 5}},
            "fault": {"hidden": true, "oneOf": ["a", "b"]},
            "label": {"value": "{{ twice }}-{{ node }}"},
            "twice": {"value": "{{ copies * 2 }}"},
        }));
        let inventory = Inventory::example(3);
        for seed in 0..50 {
            let bound = bind(&variables, &Bindings::new(), &inventory, seed).expect("bound");
            assert_ne!(bound["node"], bound["other"]);
            let copies = bound["copies"].as_i64().expect("a number");
            assert!((3..=5).contains(&copies));
            assert_eq!(bound["label"], json!(format!("{}-{}", copies * 2, bound["node"].as_str().expect("a name"))));
            assert_eq!(bind(&variables, &Bindings::new(), &inventory, seed), Ok(bound.clone()));
            let given: Bindings = [("fault".to_owned(), json!("b"))].into();
            let with = bind(&variables, &given, &inventory, seed).expect("bound");
            assert_eq!((&with["fault"], &with["node"]), (&json!("b"), &bound["node"]), "what is given does not move the rest");
        }
    }

    #[test]
    fn what_cannot_be_bound_says_why() {
        let two = variables(json!({"a": {"node": {"role": "worker"}}, "b": {"node": {"role": "worker", "not": ["a"]}}}));
        assert!(
            matches!(bind(&two, &Bindings::new(), &Inventory::example(1), 1), Err(BindError::NoNode { variable, .. }) if variable == "b")
        );
        let circle = variables(json!({"a": {"value": "{{ b }}"}, "b": {"value": "{{ a }}"}}));
        assert_eq!(bind(&circle, &Bindings::new(), &Inventory::example(1), 1), Err(BindError::Circle("a, b".to_owned())));
        let nothing = variables(json!({"a": {}}));
        assert_eq!(bind(&nothing, &Bindings::new(), &Inventory::example(1), 1), Err(BindError::NoValue("a".to_owned())));
    }
}
