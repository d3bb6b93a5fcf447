//! Which variant of a scenario comes next: one not seen yet, else one of those seen least.

use super::{below, stream};

/// The index of a variant; `None` when there are none. `seen` holds the variants of earlier attempts, one for each.
pub fn choose<T: PartialEq>(variants: &[T], seen: &[T], seed: u64) -> Option<usize> {
    let times: Vec<usize> = variants.iter().map(|v| seen.iter().filter(|s| *s == v).count()).collect();
    let least = times.iter().min()?;
    let open: Vec<usize> = (0..variants.len()).filter(|i| times[*i] == *least).collect();
    Some(open[below(&mut stream(seed, "variant"), open.len())])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::choose;

    #[test]
    fn every_variant_comes_once_before_any_comes_twice() {
        let variants = ["a", "b", "c", "d", "e", "f", "g"];
        for seed in 0..20 {
            let mut seen = Vec::new();
            for _ in 0..3 {
                for turn in 0..variants.len() {
                    let index = choose(&variants, &seen, seed + turn as u64).expect("there are variants");
                    seen.push(variants[index]);
                }
                assert_eq!(seen[seen.len() - variants.len()..].iter().collect::<BTreeSet<_>>().len(), variants.len());
            }
        }
        assert_eq!(choose::<u8>(&[], &[], 1), None);
    }

    #[test]
    fn seeds_reach_every_variant() {
        let reached: BTreeSet<_> = (0..200).filter_map(|seed| choose(&[1, 2, 3, 4, 5, 6, 7], &[], seed)).collect();
        assert_eq!(reached.len(), 7);
    }
}
