//! A study session: what is due, then what is new where most of the exam's points are open, fitted into the minutes at hand.

use std::collections::BTreeMap;

use super::material::{Form, Standing};
use super::progress::Readiness;
use crate::model::{DomainId, Weight};

/// Of a hundred minutes, how many reviews may take while there is new material: who only repeats never gets through the exam.
const REVIEW_SHARE: u64 = 60;
/// Of a hundred minutes, how many scenarios may take: one long task would push everything else out.
const SCENARIO_SHARE: u64 = 60;
/// What lies between two items: reading the explanation.
const PAUSE: u64 = 20;

/// Why something is in the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// It is due; with the chance in percent that it is still known.
    Due(u32),
    /// It is new.
    New,
    /// It is not due yet; the least certain comes first.
    Ahead(u32),
}

/// Something in the plan.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// What.
    pub standing: Standing<'a>,
    /// Why.
    pub why: Why,
}

/// A session's plan.
#[derive(Clone, Debug, Default)]
pub struct Plan<'a> {
    /// In the order in which to practise it.
    pub items: Vec<Planned<'a>>,
    /// How long it should take.
    pub seconds: u64,
    /// How much is due and did not fit.
    pub left_due: usize,
}

/// Plans. Equal arguments give equal plans.
pub fn plan<'a>(
    standings: &[Standing<'a>],
    domains: &[(DomainId, Weight)],
    readiness: &BTreeMap<DomainId, Readiness>,
    now: i64,
    minutes: u32,
    seed: u64,
) -> Plan<'a> {
    let room = u64::from(minutes) * 60;
    let need = |domain: &DomainId| {
        let weight = domains.iter().find(|(id, _)| id == domain).map_or(0, |(_, w)| w.0);
        // Where nothing is known, all of its points are open.
        f64::from(weight) * (1.0 - readiness.get(domain).map_or(0.0, |r| r.estimate))
    };
    let recall = |s: &Standing<'_>| s.memory.map_or(0.0, |m| m.recall(now));
    let percent = |s: &Standing<'_>| (recall(s) * 100.0).round() as u32;
    let known = standings.iter().filter(|s| s.memory.is_some());
    let (mut due, mut ahead): (Vec<Standing<'a>>, Vec<_>) = known.partition(|s| s.memory.is_some_and(|m| m.is_due(now)));
    for list in [&mut due, &mut ahead] {
        // What is nearly forgotten first; equals by what they are worth in the exam.
        list.sort_by(|a, b| {
            let worth = need(&b.material.domain).total_cmp(&need(&a.material.domain));
            recall(a).total_cmp(&recall(b)).then(worth).then_with(|| mixed(a, seed).cmp(&mixed(b, seed)))
        });
    }
    let mut new: Vec<Standing<'a>> = standings.iter().filter(|s| s.memory.is_none()).copied().collect();
    new.sort_by_key(|s| mixed(s, seed));

    let mut filling = Filling { room, used: 0, scenarios: 0, items: Vec::new() };
    let for_reviews = if new.is_empty() { room } else { room * REVIEW_SHARE / 100 };
    let mut left: Vec<Standing<'a>> = Vec::new();
    for standing in due {
        if !filling.take(standing, Why::Due(percent(&standing)), for_reviews) {
            left.push(standing);
        }
    }
    filling.new_material(new, &need);
    // Room that new material did not need.
    left.retain(|standing| !filling.take(*standing, Why::Due(percent(standing)), room));
    let left_due = left.len();
    for standing in ahead {
        filling.take(standing, Why::Ahead(percent(&standing)), room);
    }
    Plan { seconds: filling.used, items: in_order(filling.items), left_due }
}

/// A session being filled.
struct Filling<'a> {
    room: u64,
    used: u64,
    scenarios: u64,
    items: Vec<Planned<'a>>,
}

impl<'a> Filling<'a> {
    /// Takes something if it fits into `room`.
    fn take(&mut self, standing: Standing<'a>, why: Why, room: u64) -> bool {
        let seconds = standing.material.seconds + PAUSE;
        let scenario = standing.material.form == Form::Scenario;
        let twice = self.items.iter().any(|i| scenario && i.standing.material.id == standing.material.id);
        if self.used + seconds > room || twice || (scenario && (self.scenarios + seconds) * 100 > self.room * SCENARIO_SHARE) {
            return false;
        }
        self.used += seconds;
        self.scenarios += if scenario { seconds } else { 0 };
        self.items.push(Planned { standing, why });
        true
    }

    /// New material: each time from the domain that is furthest behind what it needs, and there what the session has least of.
    fn new_material(&mut self, mut new: Vec<Standing<'a>>, need: &dyn Fn(&DomainId) -> f64) {
        let mut given: BTreeMap<DomainId, u64> = BTreeMap::new();
        for item in &self.items {
            *given.entry(item.standing.material.domain.clone()).or_default() += item.standing.material.seconds;
        }
        while !new.is_empty() {
            let behind = |domain: &DomainId| need(domain) / (given.get(domain).copied().unwrap_or(0) + 60) as f64;
            let best = new.iter().map(|s| behind(&s.material.domain)).fold(0.0, f64::max);
            let of_form = |form: Form| {
                self.items.iter().filter(|i| i.standing.material.form == form).map(|i| i.standing.material.seconds).sum::<u64>()
            };
            // The first of equals: `new` was mixed before.
            let Some((at, _)) =
                new.iter().enumerate().filter(|(_, s)| behind(&s.material.domain) >= best).min_by_key(|(_, s)| of_form(s.material.form))
            else {
                break;
            };
            let standing = new.remove(at);
            if self.take(standing, Why::New, self.room) {
                *given.entry(standing.material.domain.clone()).or_default() += standing.material.seconds;
            }
        }
    }
}

/// Questions to warm up, the long tasks in the middle, the rest after them; neighbours are of different domains where that is possible.
fn in_order(items: Vec<Planned<'_>>) -> Vec<Planned<'_>> {
    let (scenarios, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|i| i.standing.material.form == Form::Scenario);
    let mut waiting = others;
    let mut spread: Vec<Planned<'_>> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let last = spread.last().map(|i| &i.standing.material.domain);
        let at = waiting.iter().position(|i| Some(&i.standing.material.domain) != last).unwrap_or(0);
        spread.push(waiting.remove(at));
    }
    let after = spread.split_off(spread.len().div_ceil(2));
    spread.into_iter().chain(scenarios).chain(after).collect()
}

/// A place among equals that the seed decides.
fn mixed(standing: &Standing<'_>, seed: u64) -> u64 {
    let text = standing.material.id.bytes().chain(standing.material.variant.bytes());
    let hash = text.fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    // The last bytes must reach the high bits: ids differ at their ends.
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::material::tests::{material, tried};
    use super::super::material::{Material, standings};
    use super::super::rating::tests::a_try;
    use super::*;
    use crate::model::Tried;

    const DAY: i64 = 24 * 3600;

    fn domains() -> Vec<(DomainId, Weight)> {
        [("a", 60), ("b", 30), ("c", 10)].map(|(id, w)| (DomainId::unchecked(id), Weight(w))).to_vec()
    }

    /// Thirty questions, half of them commands, and three variants of each of two scenarios.
    fn materials() -> Vec<Material> {
        let mut all: Vec<Material> = (0..30)
            .map(|n| {
                let domain = ["a", "b", "c"][n % 3];
                let form = if n % 2 == 0 { Form::Question } else { Form::Commands };
                material(&format!("q{n}"), domain, form, if n % 2 == 0 { 1 } else { 2 })
            })
            .collect();
        for (id, domain) in [("s", "a"), ("t", "b")] {
            for variant in 0..3 {
                all.push(Material { variant: format!("{variant}"), ..material(id, domain, Form::Scenario, 8) });
            }
        }
        all
    }

    fn planned(materials: &[Material], history: &[Tried], now: i64, minutes: u32) -> Vec<(String, Why)> {
        let standings = standings(materials, history);
        let plan = plan(&standings, &domains(), &BTreeMap::new(), now, minutes, 7);
        assert!(plan.seconds <= u64::from(minutes) * 60);
        plan.items.iter().map(|i| (i.standing.material.id.clone(), i.why)).collect()
    }

    #[test]
    fn a_beginner_gets_questions_commands_and_one_scenario_by_weight() {
        let all = materials();
        let standings = standings(&all, &[]);
        let plan = plan(&standings, &domains(), &BTreeMap::new(), 0, 30, 7);
        assert!(plan.seconds > 25 * 60, "the minutes are used: {}", plan.seconds);
        let forms: BTreeSet<Form> = plan.items.iter().map(|i| i.standing.material.form).collect();
        assert_eq!(forms.len(), 3);
        let in_domain = |d: &str| -> u64 {
            plan.items.iter().filter(|i| i.standing.material.domain.as_str() == d).map(|i| i.standing.material.seconds).sum()
        };
        assert!(in_domain("a") > in_domain("b") && in_domain("b") > in_domain("c"), "{:?}", ["a", "b", "c"].map(in_domain));
        assert!(plan.items.first().is_some_and(|i| i.standing.material.form != Form::Scenario), "a warm-up comes first");
        let again = super::plan(&standings, &domains(), &BTreeMap::new(), 0, 30, 7);
        assert_eq!(format!("{plan:?}"), format!("{again:?}"));
    }

    #[test]
    fn what_is_due_comes_first_and_leaves_room_for_what_is_new() {
        let all = materials();
        // Twenty questions were answered right long ago, two of them yesterday again.
        let mut history: Vec<Tried> = all[..20].iter().map(|m| tried(m, &[a_try(0, 100)])).collect();
        let now = 40 * DAY;
        for known in &mut history[..2] {
            known.tries.push(a_try(now - DAY, 100));
        }
        let plan = planned(&all, &history, now, 20);
        let due: Vec<&String> = plan.iter().filter(|(_, why)| matches!(why, Why::Due(_))).map(|(id, _)| id).collect();
        assert!(!due.is_empty() && !due.contains(&&"q0".to_owned()), "{plan:?}");
        assert!(plan.iter().any(|(_, why)| *why == Why::New), "{plan:?}");
    }

    #[test]
    fn when_all_is_known_the_least_certain_is_practised_ahead() {
        let all = materials()[..4].to_vec();
        let history: Vec<Tried> =
            all.iter().enumerate().map(|(n, m)| tried(m, &[a_try(0, 100), a_try(DAY * (2 + n as i64), 100)])).collect();
        let plan = planned(&all, &history, 6 * DAY, 30);
        assert_eq!(plan.len(), 4);
        assert!(plan.iter().all(|(_, why)| matches!(why, Why::Ahead(_))), "{plan:?}");
    }

    #[test]
    fn a_scenario_comes_in_one_variant_and_never_fills_the_session() {
        let all: Vec<Material> = materials().into_iter().filter(|m| m.form == Form::Scenario).collect();
        assert_eq!(planned(&all, &[], 0, 30).len(), 2, "one variant of each, 17 of 30 minutes");
        assert_eq!(planned(&all, &[], 0, 10).len(), 0, "no eight minutes of ten");
        assert!(planned(&[], &[], 0, 30).is_empty());
    }

    #[test]
    fn domains_that_are_mastered_give_way() {
        let all = materials();
        let standings = standings(&all, &[]);
        let ready = Readiness { estimate: 1.0, low: 0.8, high: 1.0, rests_on: 20 };
        let readiness = BTreeMap::from([(DomainId::unchecked("a"), ready), (DomainId::unchecked("b"), ready)]);
        let plan = plan(&standings, &domains(), &readiness, 0, 10, 7);
        let c = plan.items.iter().filter(|i| i.standing.material.domain.as_str() == "c").count();
        assert!(c >= 4, "{c} of {}", plan.items.len());
    }
}
