//! Hashes in names and labels.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde::Serialize;

/// The alphabet of safe names (apimachinery, `util/rand`).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// 32-bit FNV-1a.
pub fn fnv32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// `rand.SafeEncodeString` of a number: as many characters as it has decimal digits, none of which can spell a word.
pub fn safe_encode(number: u32) -> String {
    number.to_string().bytes().map(|b| char::from(ALPHABET[usize::from(b) % ALPHABET.len()])).collect()
}

/// The hash of a pod template, as `pod-template-hash` has it (`controller.ComputeHash`). Upstream hashes Go's memory dump;
/// we hash the JSON, so the form is the same and the value is not.
pub fn template_hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    safe_encode(hash_json(template, collisions))
}

/// The hash of any value and a collision count.
pub fn hash_json<T: Serialize>(value: &T, collisions: Option<i32>) -> u32 {
    // These types always serialise: their map keys are strings.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let salt = collisions.map(|c| i64::from(c).to_le_bytes()).into_iter().flatten();
    fnv32(json.into_iter().chain(salt))
}

#[cfg(test)]
mod tests {
    use super::{safe_encode, template_hash};
    use k8s_openapi::api::core::v1::PodTemplateSpec;

    #[test]
    fn hashes_are_safe_stable_and_change_with_collisions() {
        let template = PodTemplateSpec::default();
        let plain = template_hash(&template, None);
        assert_eq!(plain, template_hash(&template, None));
        assert_ne!(plain, template_hash(&template, Some(1)));
        assert!(plain.len() <= 10 && plain.bytes().all(|b| super::ALPHABET.contains(&b)), "{plain}");
        assert_eq!((safe_encode(10), safe_encode(4_294_967_295).len()), ("54".to_owned(), 10));
    }
}
