//! Randomness as data: a generator that is part of the World's state, so that equal seeds give equal clusters.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A seeded generator with the shapes that Kubernetes needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator(ChaCha8Rng);

/// The alphabet of generated names: no vowels and no look-alikes (apimachinery, `util/rand`).
const NAME_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Generator {
    /// A generator for one part of a World; equal seeds and parts give equal streams.
    pub fn for_part(seed: u64, part: &str) -> Self {
        // FNV-1a keeps parts apart without depending on the standard library's unspecified hasher.
        let hash = part.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(ChaCha8Rng::seed_from_u64(seed ^ hash))
    }

    /// A random version 4 UUID in its usual text form.
    pub fn uuid(&mut self) -> String {
        let mut b = [0u8; 16];
        self.0.fill_bytes(&mut b);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let hex = hex(&b);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// `len` characters as in generated object names.
    pub fn name_suffix(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(NAME_ALPHABET[self.below(NAME_ALPHABET.len() as u64) as usize])).collect()
    }

    /// `bytes` random bytes in lower-case hexadecimal (container ids are 32 bytes).
    pub fn hex(&mut self, bytes: usize) -> String {
        hex(&self.bytes(bytes))
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut b = vec![0u8; len];
        self.0.fill_bytes(&mut b);
        b
    }

    /// A number in `0..bound`; zero when `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64 }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests {
    use super::Generator;

    #[test]
    fn equal_seeds_give_equal_streams_and_survive_a_round_trip() {
        let mut a = Generator::for_part(7, "store");
        let mut b = Generator::for_part(7, "store");
        assert_eq!(a.uuid(), b.uuid());
        let saved = serde_json::to_string(&a).expect("a generator serialises");
        let mut c: Generator = serde_json::from_str(&saved).expect("and comes back");
        assert_eq!(a.name_suffix(5), c.name_suffix(5));
        assert_ne!(Generator::for_part(7, "node").uuid(), Generator::for_part(7, "store").uuid());
    }

    #[test]
    fn uuids_are_version_four() {
        let id = Generator::for_part(1, "x").uuid();
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
    }
}
