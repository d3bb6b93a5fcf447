//! `maxUnavailable: 25%` and the like (apimachinery, `util/intstr`).

use serde_json::Value;

/// A number or a percentage of some total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOrPercent {
    /// A plain number.
    Int(i64),
    /// Percent of a total.
    Percent(i64),
}

impl IntOrPercent {
    /// Reads the JSON form: a number, or a text such as `25%`.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(n) => n.as_i64().map(Self::Int),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Reads `3` or `25%`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Self::Percent),
            None => text.parse().ok().map(Self::Int),
        }
    }

    /// The number that this means of `total`.
    pub fn of(self, total: i64, round_up: bool) -> i64 {
        match self {
            Self::Int(n) => n,
            Self::Percent(p) => {
                let product = p * total;
                product.div_euclid(100) + i64::from(round_up && product.rem_euclid(100) != 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IntOrPercent;
    use serde_json::json;

    #[test]
    fn percentages_round_as_asked() {
        for (value, total, up, expected) in [
            (json!(3), 10, true, 3),
            (json!("25%"), 6, true, 2),
            (json!("25%"), 6, false, 1),
            (json!("100%"), 7, true, 7),
            (json!("0%"), 7, true, 0),
        ] {
            assert_eq!(IntOrPercent::from_json(&value).map(|v| v.of(total, up)), Some(expected), "{value} of {total}");
        }
        assert_eq!(IntOrPercent::from_json(&json!("many")), None);
    }
}
