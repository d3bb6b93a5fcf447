//! How many questions each domain gives: largest remainder, with what was rounded away carried to the next draw, so that the sum of many
//! draws has the published shares exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{DomainId, Weight};

/// What rounding owes each domain, in questions times the sum of weights: exact, no fractions. It sums to zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Carry {
    /// Sum of the weights it was reckoned with.
    pub total: u32,
    /// Owed (above zero) or given too much (below).
    pub owed: BTreeMap<DomainId, i64>,
}

/// Questions per domain, in the order given, and what is owed afterwards. What was owed counts only if the same domains take part.
pub fn quotas(domains: &[(DomainId, Weight)], count: usize, carry: &Carry) -> (Vec<usize>, Carry) {
    let total: u32 = domains.iter().map(|(_, w)| w.0).sum();
    if total == 0 {
        return (vec![0; domains.len()], carry.clone());
    }
    let same = carry.total == total && domains.iter().all(|(id, _)| carry.owed.contains_key(id)) && carry.owed.len() == domains.len();
    let owed = |id: &DomainId| if same { carry.owed.get(id).copied().unwrap_or(0) } else { 0 };
    let count_ = i64::try_from(count).unwrap_or(i64::MAX / 1000);
    let mut wants: Vec<i64> = domains.iter().map(|(id, w)| count_ * i64::from(w.0) + owed(id)).collect();
    let mut quotas = vec![0; domains.len()];
    // Whole questions first, then the largest remainders: always whoever still wants most. The first in published order wins a tie.
    for _ in 0..count {
        let most = wants.iter().enumerate().rev().max_by_key(|(_, want)| **want).map_or(0, |(i, _)| i);
        quotas[most] += 1;
        wants[most] -= i64::from(total);
    }
    let owed = domains.iter().zip(wants).map(|((id, _), want)| (id.clone(), want)).collect();
    (quotas, Carry { total, owed })
}

/// Questions per domain when there are only `available` of each, and never more of them: what a domain cannot give goes to the others.
/// Old mistakes are drawn like this. They are not the exam's proportion, so nothing is owed afterwards.
pub fn quotas_within(domains: &[(DomainId, Weight)], available: &[usize], count: usize) -> Vec<usize> {
    let total: u32 = domains.iter().map(|(_, w)| w.0).sum();
    let count = count.min(available.iter().sum());
    let mut wants: Vec<i64> = domains.iter().map(|(_, w)| i64::try_from(count).unwrap_or(i64::MAX / 1000) * i64::from(w.0)).collect();
    let mut quotas = vec![0; domains.len()];
    for _ in 0..count {
        let open = wants.iter().enumerate().filter(|(i, _)| available.get(*i).is_some_and(|has| quotas[*i] < *has));
        let Some(most) = open.rev().max_by_key(|(_, want)| **want).map(|(i, _)| i) else { break };
        quotas[most] += 1;
        wants[most] -= i64::from(total);
    }
    quotas
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domains(weights: &[u32]) -> Vec<(DomainId, Weight)> {
        weights.iter().enumerate().map(|(i, w)| (DomainId::unchecked(format!("d{i}")), Weight(*w))).collect()
    }

    #[test]
    fn twenty_questions_of_the_current_exams_are_whole() {
        let of = |weights: &[u32], count| quotas(&domains(weights), count, &Carry::default()).0;
        assert_eq!(of(&[25, 15, 20, 10, 30], 20), [5, 3, 4, 2, 6]);
        assert_eq!(of(&[20, 20, 15, 25, 20], 20), [4, 4, 3, 5, 4]);
        assert_eq!(of(&[8, 12, 19, 11, 5, 12, 11, 5, 7, 10], 20), [2, 3, 4, 2, 1, 2, 2, 1, 1, 2]);
    }

    #[test]
    fn what_is_rounded_away_comes_back() {
        let domains = domains(&[8, 12, 19, 11, 5, 12, 11, 5, 7, 10]);
        let (mut carry, mut sums) = (Carry::default(), vec![0; domains.len()]);
        for _ in 0..100 {
            let (quotas, next) = quotas(&domains, 7, &carry);
            assert_eq!(quotas.iter().sum::<usize>(), 7);
            sums.iter_mut().zip(quotas).for_each(|(sum, q)| *sum += q);
            carry = next;
        }
        assert_eq!(sums, [56, 84, 133, 77, 35, 84, 77, 35, 49, 70]);
        assert!(carry.owed.values().all(|o| *o == 0));
    }

    #[test]
    fn remainders_of_other_domains_do_not_count() {
        let (_, carry) = quotas(&domains(&[50, 50]), 1, &Carry::default());
        assert_eq!(quotas(&domains(&[50, 50]), 1, &carry).0, [0, 1]);
        assert_eq!(quotas(&domains(&[50, 30, 20]), 1, &carry).0, [1, 0, 0]);
    }

    proptest! {
        /// After any series of draws no domain is further than one question from its exact share.
        #[test]
        fn shares_are_exact_over_repeated_draws(weights in proptest::collection::vec(1u32..60, 1..12), counts in proptest::collection::vec(0usize..40, 1..30)) {
            let domains = domains(&weights);
            let total = i64::from(weights.iter().sum::<u32>());
            let (mut carry, mut sums, mut asked) = (Carry::default(), vec![0i64; domains.len()], 0i64);
            for count in counts {
                let (quotas, next) = quotas(&domains, count, &carry);
                prop_assert_eq!(quotas.iter().sum::<usize>(), count);
                asked += i64::try_from(count).expect("small");
                sums.iter_mut().zip(quotas).for_each(|(sum, q)| *sum += i64::try_from(q).expect("small"));
                carry = next;
                prop_assert_eq!(carry.owed.values().sum::<i64>(), 0);
                for (sum, weight) in sums.iter().zip(&weights) {
                    prop_assert!((sum * total - asked * i64::from(*weight)).abs() < total * i64::try_from(weights.len()).expect("small"));
                }
            }
        }

        /// One draw from nothing is plain largest remainder: never more than one away from the exact share.
        #[test]
        fn one_draw_stays_within_a_question(weights in proptest::collection::vec(1u32..60, 1..12), count in 0usize..200) {
            let total = weights.iter().sum::<u32>() as usize;
            for (quota, weight) in quotas(&domains(&weights), count, &Carry::default()).0.iter().zip(&weights) {
                let exact = count * *weight as usize;
                prop_assert!(quota * total < exact + total && exact < quota * total + total);
            }
        }
    }

    #[test]
    fn a_domain_gives_what_it_has_and_the_rest_comes_from_the_others() {
        for (weights, available, count, want) in [
            (vec![50, 30, 20], vec![1, 0, 9], 20, vec![1, 0, 9]),
            (vec![50, 30, 20], vec![1, 9, 9], 4, vec![1, 2, 1]),
            (vec![50, 50], vec![9, 9], 4, vec![2, 2]),
            (vec![50, 50], vec![0, 0], 4, vec![0, 0]),
        ] {
            assert_eq!(quotas_within(&domains(&weights), &available, count), want, "{weights:?} {available:?} {count}");
        }
    }
}
