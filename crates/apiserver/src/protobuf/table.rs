//! Which field of which message has which number: `facts/protobuf.txt`, parsed once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// Boolean.
    Bool,
    /// Integer of any width.
    Int,
    /// Floating point.
    Double,
    /// Bytes, base64 in JSON.
    Bytes,
    /// `resource.Quantity`
    Quantity,
    /// `metav1.Time`
    Time,
    /// `metav1.MicroTime`
    MicroTime,
    /// `metav1.Duration`
    Duration,
    /// `intstr.IntOrString`
    IntOrString,
    /// Embedded JSON (`RawExtension`, `FieldsV1`).
    Raw,
    /// Another message.
    Message(&'static str),
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in JSON.
    pub name: &'static str,
    /// Type, of the items where repeated or a map.
    pub kind: FieldType,
    /// A list.
    pub repeated: bool,
    /// A map from text.
    pub map: bool,
    /// Its fields stand beside its own in JSON.
    pub inline: bool,
    /// Left out of JSON when it is zero.
    pub omit_zero: bool,
}

/// Fields by number.
pub type Message = BTreeMap<u32, Field>;

static TABLE: LazyLock<BTreeMap<&'static str, Message>> = LazyLock::new(|| {
    let lines = include_str!("../../facts/protobuf.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(':')).map(|(name, fields)| (name, fields.split(',').filter_map(field).collect())).collect()
});

/// A message by its name, such as `apps/v1.Deployment`.
pub fn message(name: &str) -> Option<&'static Message> {
    TABLE.get(name)
}

fn field(text: &'static str) -> Option<(u32, Field)> {
    let mut words = text.split_whitespace();
    let (number, name, kind) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    let kind_start = kind.find(|c| !"*~?".contains(c))?;
    let (flags, kind) = kind.split_at(kind_start);
    let (map, kind) = kind.strip_prefix("map:").map_or((false, kind), |kind| (true, kind));
    let kind = match kind {
        "string" => FieldType::Text,
        "bool" => FieldType::Bool,
        "int" => FieldType::Int,
        "double" => FieldType::Double,
        "bytes" => FieldType::Bytes,
        "quantity" => FieldType::Quantity,
        "time" => FieldType::Time,
        "microtime" => FieldType::MicroTime,
        "duration" => FieldType::Duration,
        "intstr" => FieldType::IntOrString,
        "raw" => FieldType::Raw,
        message => FieldType::Message(message),
    };
    let has = |flag| flags.contains(flag);
    Some((number, Field { name, kind, repeated: has('*'), map, inline: has('~'), omit_zero: has('?') }))
}

#[cfg(test)]
mod tests {
    use super::{FieldType, TABLE, message};

    #[test]
    fn every_message_that_is_referred_to_is_there() {
        assert!(TABLE.len() > 300);
        for (name, fields) in TABLE.iter() {
            for field in fields.values() {
                if let FieldType::Message(other) = field.kind {
                    assert!(message(other).is_some(), "{name} refers to {other}");
                }
            }
        }
    }
}
