//! Which questions a domain gives: those never asked first, then those last answered wrong, then the rest, the least asked first.

use std::collections::{BTreeMap, HashSet};

use super::quota::{Carry, quotas, quotas_within};
use super::{shuffle_front, stream};
use crate::model::{DomainId, QuestionId, Weight};

/// A question that may be asked, in the domain it counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The question.
    pub id: QuestionId,
    /// Its domain in the exam that is drawn for.
    pub domain: DomainId,
    /// What the history knows of it.
    pub standing: Standing,
}

/// What the history knows of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How often it was asked.
    pub asked: u32,
    /// Whether the last answer was wrong.
    pub wrong: bool,
}

/// What to draw.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Domains of the exam with their weights, in published order; only those that shall take part.
    pub domains: &'a [(DomainId, Weight)],
    /// The bank.
    pub bank: &'a [Candidate],
    /// How many.
    pub count: usize,
    /// What earlier draws owe.
    pub carry: &'a Carry,
    /// Only questions whose last answer was wrong, each once: at most as many as there are.
    pub only_wrong: bool,
    /// Chooses among equals.
    pub seed: u64,
    /// Whether the history plays a part. With a seed that the user gave it does not: neither standings nor what is owed.
    pub with_history: bool,
}

/// A drawn question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The question.
    pub id: QuestionId,
    /// The domain it counts for.
    pub domain: DomainId,
}

/// Something that whoever asked should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// A domain has nothing to ask; its share went to the others.
    #[error("no questions for the domain `{0}`: its share goes to the others")]
    NothingIn(DomainId),
    /// A domain has too few questions: some come more than once.
    #[error("the domain `{domain}` has {has} questions, {wanted} were wanted: some come again")]
    Repeated {
        /// The domain.
        domain: DomainId,
        /// Its questions.
        has: usize,
        /// Its share.
        wanted: usize,
    },
}

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// Questions in the order in which to ask them.
    pub questions: Vec<Drawn>,
    /// What to carry to the next draw.
    pub carry: Carry,
    /// What should be said.
    pub notes: Vec<Note>,
}

/// Draws. Equal requests give equal draws.
pub fn draw(request: &Request<'_>) -> Draw {
    let standing = |c: &Candidate| if request.with_history { c.standing } else { Standing::default() };
    let mut by_domain: BTreeMap<&DomainId, Vec<&Candidate>> = BTreeMap::new();
    let mut ids = HashSet::with_capacity(request.bank.len());
    for candidate in request.bank.iter().filter(|c| !request.only_wrong || c.standing.wrong) {
        // A question counts once, however often it stands in the bank.
        if ids.insert(&candidate.id) {
            by_domain.entry(&candidate.domain).or_default().push(candidate);
        }
    }
    let (domains, empty): (Vec<_>, Vec<_>) = request.domains.iter().cloned().partition(|(id, _)| by_domain.contains_key(id));
    // That nothing was wrong in a domain is no reason to complain.
    let mut notes: Vec<Note> = if request.only_wrong { Vec::new() } else { empty.into_iter().map(|(id, _)| Note::NothingIn(id)).collect() };
    if domains.is_empty() {
        return Draw { questions: Vec::new(), carry: request.carry.clone(), notes };
    }
    let (quotas, carry) = if request.only_wrong {
        let available: Vec<usize> = domains.iter().map(|(id, _)| by_domain.get(id).map_or(0, Vec::len)).collect();
        (quotas_within(&domains, &available, request.count), request.carry.clone())
    } else {
        let nothing = Carry::default();
        quotas(&domains, request.count, if request.with_history { request.carry } else { &nothing })
    };

    let mut questions = Vec::with_capacity(request.count);
    for ((domain, _), quota) in domains.iter().zip(quotas) {
        let bank = by_domain.remove(domain).unwrap_or_default();
        if quota > bank.len() {
            notes.push(Note::Repeated { domain: domain.clone(), has: bank.len(), wanted: quota });
        }
        let mut random = stream(request.seed, domain.as_str());
        let mut missing = quota;
        while missing > 0 {
            let round = missing.min(bank.len());
            let chosen = pick(&bank, round, &standing, &mut random);
            questions.extend(chosen.into_iter().map(|c| Drawn { id: c.id.clone(), domain: domain.clone() }));
            missing -= round;
        }
    }
    let count = questions.len();
    shuffle_front(&mut questions, count, &mut stream(request.seed, "order of questions"));
    Draw { questions, carry, notes }
}

/// The first `count` by tier, at random within a tier.
fn pick<'a>(
    bank: &[&'a Candidate],
    count: usize,
    standing: &dyn Fn(&Candidate) -> Standing,
    random: &mut rand_chacha::ChaCha8Rng,
) -> Vec<&'a Candidate> {
    let mut tiers: BTreeMap<(u8, u32), Vec<&Candidate>> = BTreeMap::new();
    for candidate in bank {
        let standing = standing(candidate);
        let tier = match standing {
            Standing { asked: 0, .. } => 0,
            Standing { wrong: true, .. } => 1,
            Standing { wrong: false, .. } => 2,
        };
        tiers.entry((tier, standing.asked)).or_default().push(candidate);
    }
    let mut chosen = Vec::with_capacity(count);
    for mut tier in tiers.into_values() {
        let from_here = (count - chosen.len()).min(tier.len());
        shuffle_front(&mut tier, from_here, random);
        chosen.extend(&tier[..from_here]);
        if chosen.len() == count {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn domains(weights: &[u32]) -> Vec<(DomainId, Weight)> {
        weights.iter().enumerate().map(|(i, w)| (DomainId::unchecked(format!("d{i}")), Weight(*w))).collect()
    }

    fn bank(sizes: &[usize]) -> Vec<Candidate> {
        let of = |(d, size): (usize, &usize)| {
            (0..*size)
                .map(move |q| Candidate {
                    id: QuestionId::unchecked(format!("d{d}-q{q}")),
                    domain: DomainId::unchecked(format!("d{d}")),
                    standing: Standing::default(),
                })
                .collect::<Vec<_>>()
        };
        sizes.iter().enumerate().flat_map(of).collect()
    }

    fn request<'a>(domains: &'a [(DomainId, Weight)], bank: &'a [Candidate], count: usize, carry: &'a Carry) -> Request<'a> {
        Request { domains, bank, count, carry, only_wrong: false, seed: 7, with_history: true }
    }

    fn set(bank: &mut [Candidate], id: &str, asked: u32, wrong: bool) {
        for candidate in bank.iter_mut().filter(|c| c.id.as_str() == id) {
            candidate.standing = Standing { asked, wrong };
        }
    }

    #[test]
    fn unseen_then_wrong_then_the_least_asked() {
        let (domains, mut bank) = (domains(&[100]), bank(&[5]));
        set(&mut bank, "d0-q0", 2, false);
        set(&mut bank, "d0-q1", 1, false);
        set(&mut bank, "d0-q2", 3, true);
        set(&mut bank, "d0-q3", 1, true);
        let carry = Carry::default();
        let mut before = BTreeSet::new();
        for (count, new) in [(1, "d0-q4"), (2, "d0-q3"), (3, "d0-q2"), (4, "d0-q1"), (5, "d0-q0")] {
            let drawn: BTreeSet<String> =
                draw(&request(&domains, &bank, count, &carry)).questions.iter().map(|q| q.id.to_string()).collect();
            assert_eq!(drawn.difference(&before).collect::<Vec<_>>(), [new]);
            before = drawn;
        }
    }

    #[test]
    fn a_seed_ignores_the_history() {
        let (domains, mut bank) = (domains(&[60, 40]), bank(&[20, 20]));
        let carry = Carry::default();
        let fresh = draw(&Request { with_history: false, ..request(&domains, &bank, 10, &carry) });
        for candidate in bank.iter_mut().take(30) {
            candidate.standing = Standing { asked: 1, wrong: true };
        }
        let owed = Carry { total: 100, owed: domains.iter().zip([90, -90]).map(|((id, _), o)| (id.clone(), o)).collect() };
        assert_eq!(draw(&Request { with_history: false, ..request(&domains, &bank, 10, &owed) }), fresh);
        assert_ne!(draw(&Request { with_history: false, seed: 8, ..request(&domains, &bank, 10, &owed) }).questions, fresh.questions);
    }

    #[test]
    fn empty_domains_and_small_banks_are_told() {
        let (domains, bank) = (domains(&[50, 30, 20]), bank(&[1, 10]));
        let carry = Carry::default();
        let drawn = draw(&request(&domains, &bank, 8, &carry));
        assert_eq!(drawn.questions.len(), 8);
        assert_eq!(
            drawn.notes,
            [Note::NothingIn(DomainId::unchecked("d2")), Note::Repeated { domain: DomainId::unchecked("d0"), has: 1, wanted: 5 }]
        );
        let nothing = draw(&Request { only_wrong: true, ..request(&domains, &bank, 8, &carry) });
        assert_eq!((nothing.questions.len(), nothing.notes.len()), (0, 0));
    }

    #[test]
    fn only_wrong_asks_nothing_else() {
        let (domains, mut bank) = (domains(&[50, 30, 20]), bank(&[5, 5, 5]));
        let carry = Carry::default();
        let drawn = |bank: &[Candidate], count| {
            let drawn = draw(&Request { only_wrong: true, ..request(&domains, bank, count, &carry) });
            assert_eq!((drawn.notes, drawn.carry), (Vec::new(), Carry::default()), "nothing to warn of, nothing owed");
            let mut ids: Vec<String> = drawn.questions.iter().map(|q| q.id.to_string()).collect();
            ids.sort_unstable();
            ids
        };
        set(&mut bank, "d1-q3", 1, true);
        assert_eq!(drawn(&bank, 1), ["d1-q3"]);
        assert_eq!(drawn(&bank, 20), ["d1-q3"], "each once, however many were wanted");
        for id in ["d0-q0", "d2-q1", "d2-q2", "d2-q3"] {
            set(&mut bank, id, 2, true);
        }
        assert_eq!(drawn(&bank, 20), ["d0-q0", "d1-q3", "d2-q1", "d2-q2", "d2-q3"]);
        assert_eq!(drawn(&bank, 3).len(), 3);
    }

    #[test]
    fn no_question_comes_again_before_its_domain_is_used_up() {
        let (domains, mut bank) = (domains(&[70, 30]), bank(&[21, 9]));
        let mut carry = Carry::default();
        let mut times: BTreeMap<QuestionId, u32> = BTreeMap::new();
        for round in 0..30u64 {
            let drawn = draw(&Request { seed: round, ..request(&domains, &bank, 10, &carry) });
            carry = drawn.carry;
            for question in drawn.questions {
                *times.entry(question.id.clone()).or_default() += 1;
                set(&mut bank, question.id.as_str(), times[&question.id], false);
            }
            for (domain, _) in &domains {
                let counts: Vec<u32> =
                    bank.iter().filter(|c| c.domain == *domain).map(|c| times.get(&c.id).copied().unwrap_or(0)).collect();
                let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
                assert!(most - least <= 1, "{counts:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn equal_requests_give_equal_draws_without_repeats(
            sizes in proptest::collection::vec(1usize..40, 1..8), count in 0usize..60, seed in any::<u64>(),
        ) {
            let domains = domains(&vec![10; sizes.len()]);
            let bank = bank(&sizes);
            let carry = Carry::default();
            let request = Request { seed, ..request(&domains, &bank, count, &carry) };
            let drawn = draw(&request);
            prop_assert_eq!(&drawn, &draw(&request));
            prop_assert_eq!(drawn.questions.len(), count);
            if drawn.notes.is_empty() {
                let ids: BTreeSet<_> = drawn.questions.iter().map(|q| &q.id).collect();
                prop_assert_eq!(ids.len(), count);
            }
        }
    }
}
