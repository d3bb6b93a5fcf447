//! How ready a learner is, and what stands in the way.

use std::collections::BTreeMap;

use super::material::Standing;
use crate::model::{CompetencyId, DomainId, ItemKind, PASS_PERCENT, Rating, Try, Weight};

/// Two-sided 95 %.
const Z: f64 = 1.96;
const DAY: i64 = 24 * 3600;
/// Graded tries that the pace is reckoned from: the latest ones, since people get faster.
const RECENT: usize = 50;
/// Entries of the lists of what is slow or weak.
const LISTED: usize = 5;

/// A share that is known only from some tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Readiness {
    /// The best guess, from 0 to 1.
    pub estimate: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How many first tries it rests on.
    pub rests_on: u32,
}

impl Readiness {
    /// Wilson's interval for `sum` earned in `count` tries worth one each. Tries that earned a part vary less than those that earn all or
    /// nothing, so the interval is rather too wide than too narrow. `None` without tries.
    pub fn of(sum: f64, count: u32) -> Option<Self> {
        if count == 0 {
            return None;
        }
        let n = f64::from(count);
        let p = (sum / n).clamp(0.0, 1.0);
        let scale = 1.0 + Z * Z / n;
        let middle = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Self { estimate: p, low: (middle - half).max(0.0), high: (middle + half).min(1.0), rests_on: count })
    }
}

/// How a domain stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainProgress {
    /// The domain.
    pub id: DomainId,
    /// Percent of the exam.
    pub weight: u32,
    /// Readiness; nothing without tries.
    pub readiness: Option<Readiness>,
    /// Cards.
    pub cards: usize,
    /// Cards that were tried.
    pub tried: usize,
    /// Cards that are due.
    pub due: usize,
}

/// Something slow.
#[derive(Clone, Debug, PartialEq)]
pub struct Slow {
    /// Question or scenario.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
    /// Seconds of the latest graded try.
    pub seconds: u64,
    /// Its budget.
    pub budget: u64,
}

/// A competency that is weak, and what to practise for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Weak {
    /// The competency.
    pub competency: CompetencyId,
    /// Its domain.
    pub domain: DomainId,
    /// Mean of the latest scores there.
    pub percent: u32,
    /// How many cards it rests on.
    pub rests_on: usize,
    /// What to practise: what went worst there.
    pub kind: ItemKind,
    /// Its id.
    pub id: String,
}

/// Speed against the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Time taken in percent of the budget: the median.
    pub percent: u32,
    /// Percent of tries that stayed in their budget.
    pub in_budget: u32,
    /// How many tries it rests on.
    pub rests_on: usize,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Domains in published order.
    pub domains: Vec<DomainProgress>,
    /// Over all domains by weight. A domain without tries may be anything: it widens the interval by all of its weight.
    pub overall: Option<Readiness>,
    /// Percent of the exam's weight about which nothing is known.
    pub unknown_weight: u32,
    /// Cards due now.
    pub due: usize,
    /// Cards that become due within a day, those due now included.
    pub due_tomorrow: usize,
    /// Cards that become due within a week, those due now included.
    pub due_week: usize,
    /// Pace.
    pub pace: Option<Pace>,
    /// What took longest against its budget.
    pub slowest: Vec<Slow>,
    /// Weakest competencies.
    pub weakest: Vec<Weak>,
    /// Competencies of which nothing was tried though there is something.
    pub untried: Vec<CompetencyId>,
}

/// The first try at something unseen, as far as it was graded: with help it counts as not solved.
fn first_try(tries: &[Try]) -> Option<f64> {
    let first = tries.first().filter(|one| one.own.is_none() && one.first.maximum.0 > 0)?;
    let unaided = first.hints == 0 && !first.assisted;
    Some(if unaided { f64::from(first.first.earned.0) / f64::from(first.first.maximum.0) } else { 0.0 })
}

/// Readiness per domain.
pub fn readiness(standings: &[Standing<'_>]) -> BTreeMap<DomainId, Readiness> {
    let mut sums: BTreeMap<&DomainId, (f64, u32)> = BTreeMap::new();
    for standing in standings {
        if let Some(share) = first_try(standing.tries) {
            let (sum, count) = sums.entry(&standing.material.domain).or_default();
            *sum += share;
            *count += 1;
        }
    }
    sums.into_iter().filter_map(|(id, (sum, count))| Some((id.clone(), Readiness::of(sum, count)?))).collect()
}

/// Looks at everything.
pub fn progress(standings: &[Standing<'_>], domains: &[(DomainId, Weight)], now: i64) -> Progress {
    let readiness = readiness(standings);
    let due_by = |moment: i64| standings.iter().filter(|s| s.memory.is_some_and(|m| m.is_due(moment))).count();
    let rows: Vec<DomainProgress> = domains
        .iter()
        .map(|(id, weight)| {
            let here = || standings.iter().filter(|s| s.material.domain == *id);
            DomainProgress {
                id: id.clone(),
                weight: weight.0,
                readiness: readiness.get(id).copied(),
                cards: here().count(),
                tried: here().filter(|s| !s.tries.is_empty()).count(),
                due: here().filter(|s| s.memory.is_some_and(|m| m.is_due(now))).count(),
            }
        })
        .collect();
    let (overall, unknown_weight) = overall(&rows);
    let (weakest, untried) = competencies(standings);
    Progress {
        overall,
        unknown_weight,
        due: due_by(now),
        due_tomorrow: due_by(now + DAY),
        due_week: due_by(now + 7 * DAY),
        pace: pace(standings),
        slowest: slowest(standings),
        weakest,
        untried,
        domains: rows,
    }
}

/// Domains are independent, so distances add up as squares; what is unknown adds up as it is.
fn overall(domains: &[DomainProgress]) -> (Option<Readiness>, u32) {
    let total: u32 = domains.iter().map(|d| d.weight).sum();
    let known: Vec<(f64, Readiness)> = domains.iter().filter_map(|d| Some((f64::from(d.weight), d.readiness?))).collect();
    let weight: f64 = known.iter().map(|(w, _)| w).sum();
    let unknown = total - known.iter().map(|(w, _)| *w as u32).sum::<u32>();
    if known.is_empty() || total == 0 {
        return (None, unknown);
    }
    let all = f64::from(total);
    let estimate = known.iter().map(|(w, r)| w * r.estimate).sum::<f64>() / weight;
    let inside = known.iter().map(|(w, r)| w * r.estimate).sum::<f64>() / all;
    let distance = |of: &dyn Fn(&Readiness) -> f64| known.iter().map(|(w, r)| (w / all * of(r)).powi(2)).sum::<f64>().sqrt();
    let low = (inside - distance(&|r| r.estimate - r.low)).max(0.0);
    let high = (inside + distance(&|r| r.high - r.estimate) + f64::from(unknown) / all).min(1.0);
    (Some(Readiness { estimate, low, high, rests_on: known.iter().map(|(_, r)| r.rests_on).sum() }), unknown)
}

/// The latest graded try, with its budget.
fn timed(tries: &[Try]) -> impl DoubleEndedIterator<Item = (&Try, u64)> {
    tries.iter().filter_map(|one| Some((one, one.budget.filter(|b| *b > 0 && one.last.maximum.0 > 0)?)))
}

fn pace(standings: &[Standing<'_>]) -> Option<Pace> {
    let mut recent: Vec<(i64, u64)> =
        standings.iter().flat_map(|s| timed(s.tries).map(|(one, budget)| (one.at, one.seconds * 100 / budget))).collect();
    if recent.len() > RECENT {
        let keep = recent.len() - RECENT;
        recent.select_nth_unstable(keep);
        recent.drain(..keep);
    }
    let mut percents: Vec<u64> = recent.into_iter().map(|(_, percent)| percent).collect();
    percents.sort_unstable();
    let within = percents.iter().filter(|percent| **percent <= 100).count();
    let median = *percents.get(percents.len() / 2)?;
    let whole = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Pace { percent: whole(median), in_budget: whole((within * 100 / percents.len()) as u64), rests_on: percents.len() })
}

/// By the latest try of each item; a scenario counts once, whatever its variants.
fn slowest(standings: &[Standing<'_>]) -> Vec<Slow> {
    let mut latest: BTreeMap<(ItemKind, &str), (i64, u64, u64)> = BTreeMap::new();
    for standing in standings {
        let Some((one, budget)) = timed(standing.tries).next_back() else { continue };
        let entry = latest.entry((standing.material.kind, &standing.material.id)).or_insert((i64::MIN, 0, budget));
        if one.at > entry.0 {
            *entry = (one.at, one.seconds, budget);
        }
    }
    let mut slow: Vec<Slow> = latest
        .into_iter()
        .filter(|(_, (_, seconds, budget))| seconds > budget)
        .map(|((kind, id), (_, seconds, budget))| Slow { kind, id: id.to_owned(), seconds, budget })
        .collect();
    // a/b > c/d without fractions.
    slow.sort_by_key(|s| std::cmp::Reverse(u128::from(s.seconds) * 1_000_000 / u128::from(s.budget)));
    slow.truncate(LISTED);
    slow
}

/// Competencies below the pass mark by the latest scores, the weakest first, and those with material of which nothing was tried.
fn competencies(standings: &[Standing<'_>]) -> (Vec<Weak>, Vec<CompetencyId>) {
    let mut by_competency: BTreeMap<&CompetencyId, Vec<&Standing<'_>>> = BTreeMap::new();
    for standing in standings {
        by_competency.entry(&standing.material.competency).or_default().push(standing);
    }
    let (mut weak, mut untried) = (Vec::new(), Vec::new());
    for (competency, cards) in by_competency {
        let scored: Vec<(u32, &Standing<'_>)> = cards.iter().filter_map(|s| Some((latest_percent(s.tries)?, *s))).collect();
        let Some((_, worst)) = scored.iter().min_by_key(|(percent, s)| (*percent, std::cmp::Reverse(s.material.form))) else {
            untried.push(competency.clone());
            continue;
        };
        let percent = scored.iter().map(|(percent, _)| percent).sum::<u32>() / u32::try_from(scored.len()).unwrap_or(1);
        if percent < PASS_PERCENT {
            weak.push(Weak {
                competency: competency.clone(),
                domain: worst.material.domain.clone(),
                percent,
                rests_on: scored.len(),
                kind: worst.material.kind,
                id: worst.material.id.clone(),
            });
        }
    }
    weak.sort_by(|a, b| a.percent.cmp(&b.percent).then(b.rests_on.cmp(&a.rests_on)));
    weak.truncate(LISTED);
    (weak, untried)
}

/// What the latest try that says something came to. Assisted ones came to nothing of the learner's own.
fn latest_percent(tries: &[Try]) -> Option<u32> {
    let last = tries.iter().rev().find(|one| one.own.is_some() || one.last.maximum.0 > 0)?;
    Some(match last.own {
        Some(Rating::Again) => 0,
        Some(Rating::Hard) => PASS_PERCENT,
        Some(_) => 100,
        None if last.assisted => 0,
        None => last.last.percent(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::{material, tried};
    use super::super::material::{Form, Material, standings};
    use super::super::rating::tests::a_try;
    use super::*;
    use crate::model::{Score, Tried};

    #[test]
    fn wilsons_interval_is_as_published() {
        // 8 of 10: Wilson's 95 % interval is 0.490 to 0.943.
        let share = Readiness::of(8.0, 10).unwrap();
        assert!((share.low - 0.490).abs() < 0.001 && (share.high - 0.943).abs() < 0.001, "{share:?}");
        // None of one says little: up to 0.793.
        let none = Readiness::of(0.0, 1).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.793).abs() < 0.001, "{none:?}");
        assert_eq!(Readiness::of(0.0, 0), None);
    }

    fn domains() -> Vec<(DomainId, Weight)> {
        [("a", 75), ("b", 25)].map(|(id, w)| (DomainId::unchecked(id), Weight(w))).to_vec()
    }

    fn look(all: &[Material], history: &[Tried]) -> Progress {
        progress(&standings(all, history), &domains(), 1000)
    }

    #[test]
    fn only_unaided_first_tries_of_what_was_unseen_count() {
        let all = [material("q1", "a", Form::Question, 1), material("q2", "a", Form::Question, 1), material("q3", "a", Form::Question, 1)];
        let open = Try { own: Some(Rating::Easy), first: Score::default(), last: Score::default(), ..a_try(1, 0) };
        let history = [
            // Wrong, then right: the second try knew the question.
            tried(&all[0], &[a_try(1, 0), a_try(2, 100)]),
            // Right, with a hint.
            tried(&all[1], &[Try { hints: 1, ..a_try(1, 100) }]),
            // Rated by the learner.
            tried(&all[2], &[open]),
        ];
        let seen = look(&all, &history);
        let readiness = seen.domains[0].readiness.unwrap();
        assert_eq!((readiness.estimate, readiness.rests_on), (0.0, 2));
        assert_eq!((seen.domains[0].cards, seen.domains[0].tried), (3, 3));
    }

    #[test]
    fn what_is_unknown_widens_the_whole() {
        let all: Vec<Material> = (0..40).map(|n| material(&format!("q{n}"), if n < 20 { "a" } else { "b" }, Form::Question, 1)).collect();
        let half: Vec<Tried> = all[..20].iter().map(|m| tried(m, &[a_try(1, 100)])).collect();
        let both: Vec<Tried> = all.iter().map(|m| tried(m, &[a_try(1, 100)])).collect();
        let (some, whole) = (look(&all, &half), look(&all, &both));
        assert_eq!((some.unknown_weight, whole.unknown_weight), (25, 0));
        let (some, whole) = (some.overall.unwrap(), whole.overall.unwrap());
        assert_eq!((some.estimate, whole.estimate), (1.0, 1.0));
        assert!(some.low < 0.75 && whole.low > 0.85, "{some:?} {whole:?}");
        assert_eq!(look(&all, &[]).overall, None);
        assert_eq!(look(&[], &[]).unknown_weight, 100);
    }

    #[test]
    fn slow_and_weak_things_are_named_with_what_to_practise() {
        let all = [
            material("s", "a", Form::Scenario, 8),
            material("q", "a", Form::Question, 1),
            material("qq", "b", Form::Commands, 2),
            material("qqq", "b", Form::Commands, 2),
        ];
        let slow = |at, seconds, percent| Try { seconds, budget: Some(100), ..a_try(at, percent) };
        let history = [
            tried(&all[0], &[slow(1, 900, 50), slow(2, 150, 50)]),
            tried(&all[1], &[slow(1, 90, 0)]),
            tried(&all[2], &[slow(1, 300, 100)]),
        ];
        let seen = look(&all, &history);
        let names: Vec<&str> = seen.slowest.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(names, ["qq", "s"], "by the latest try, and only what is over its budget");
        assert_eq!(seen.weakest.len(), 1);
        // `s` and `q` share a competency here: mean of 50 and 0.
        assert_eq!((seen.weakest[0].percent, seen.weakest[0].rests_on, seen.weakest[0].id.as_str()), (25, 2, "q"));
        assert_eq!(seen.untried, [all[3].competency.clone()]);
        let pace = seen.pace.unwrap();
        assert_eq!((pace.percent, pace.in_budget, pace.rests_on), (300, 25, 4));
        assert!(seen.due <= seen.due_tomorrow && (1..=seen.due_week).contains(&seen.due_tomorrow), "{seen:?}");
    }
}
