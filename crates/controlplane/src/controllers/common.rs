//! What several controllers need and that belongs to none.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use values::IntOrPercent;

/// A number, or a percentage of a total.
pub fn scaled(value: &IntOrString, total: i32, round_up: bool) -> i32 {
    let parsed = match value {
        IntOrString::Int(n) => IntOrPercent::parse(&n.to_string()),
        IntOrString::String(s) => IntOrPercent::parse(s),
    };
    parsed.map_or(0, |p| i32::try_from(p.of(i64::from(total), round_up)).unwrap_or(i32::MAX))
}
