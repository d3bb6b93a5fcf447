//! Maps whose keys are not strings, as arrays of pairs: JSON objects can't hold them.

use imbl::OrdMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes the map as `[[key, value], …]`.
pub fn serialize<K, V, S>(map: &OrdMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    K: Ord + Clone + Serialize,
    V: Clone + Serialize,
    S: Serializer,
{
    serializer.collect_seq(map.iter())
}

/// Reads it back.
pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<OrdMap<K, V>, D::Error>
where
    K: Ord + Clone + DeserializeOwned,
    V: Clone + DeserializeOwned,
    D: Deserializer<'de>,
{
    Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
}
