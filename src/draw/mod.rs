//! What to ask next: whole questions per domain by the published weights, and variants of scenarios. Pure: history, carried remainders
//! and the seed come in, the choice and the new remainders go out.

pub mod quota;
pub mod select;
pub mod variant;

pub use quota::Carry;
pub use select::{Candidate, Draw, Drawn, Note, Request, Standing, draw};
pub use variant::choose;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Randomness of a draw: a seed and what it is for.
fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    ChaCha8Rng::seed_from_u64(seed ^ hash)
}

/// An index below `bound`, which is not zero. The high half of the product is fair enough for banks of questions (bias below 2⁻⁴⁰).
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
    usize::try_from((u128::from(random.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// Fisher–Yates over the first `count` places.
fn shuffle_front<T>(items: &mut [T], count: usize, random: &mut ChaCha8Rng) {
    for i in 0..count.min(items.len()) {
        let j = i + below(random, items.len() - i);
        items.swap(i, j);
    }
}
