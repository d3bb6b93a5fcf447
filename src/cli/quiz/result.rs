//! What a finished run comes to.

use super::state::State;
use crate::content::Curriculum;
use crate::model::{Points, Score};
use crate::render::document::{AnsweredDocument, DomainResult, QuizDocument};

/// A question that was not answered counts as one point missed.
const MISSED: Score = Score { earned: Points(0), maximum: Points(1) };

/// Every question counts the same in its domain, whatever its checks are worth, and domains count by their weights.
pub fn result(state: &State, exam: &Curriculum, seconds: u64) -> QuizDocument {
    let share = |score: Score| if score.maximum.0 == 0 { 0.0 } else { f64::from(score.earned.0) / f64::from(score.maximum.0) };
    let score_of = |key: &str| state.given.get(key).map_or(MISSED, |given| given.score);
    let (mut weighted, mut weights) = (0.0, 0.0);
    let mut domains = Vec::new();
    for domain in &exam.domains {
        let drawn: Vec<_> = state.drawn.iter().filter(|d| d.domain == domain.id.as_str()).collect();
        let full: f64 = drawn.iter().map(|d| share(score_of(&d.key))).sum();
        if !drawn.is_empty() {
            weighted += full / drawn.len() as f64 * f64::from(domain.weight.0);
            weights += f64::from(domain.weight.0);
        }
        // Per cent as points out of a hundred: partial credit of single questions stays visible.
        let earned = if drawn.is_empty() { 0 } else { (full / drawn.len() as f64 * 100.0 + 1e-9).floor() as u32 };
        domains.push(DomainResult {
            id: domain.id.to_string(),
            title: domain.title.clone(),
            weight: domain.weight.0,
            asked: u32::try_from(drawn.len()).unwrap_or(u32::MAX),
            score: Score { earned: Points(earned), maximum: Points(if drawn.is_empty() { 0 } else { 100 }) },
        });
    }
    let right: f64 = state.drawn.iter().map(|d| share(score_of(&d.key))).sum();
    let percent = |part: f64, whole: f64| if whole == 0.0 { 0 } else { (part / whole * 100.0 + 1e-9).floor() as u32 };
    let weighted_percent = percent(weighted, weights);
    QuizDocument {
        exam: state.exam.clone(),
        title: exam.title.clone(),
        percent: percent(right, state.drawn.len() as f64),
        weighted_percent,
        pass_percent: exam.format.pass_percent,
        passed: weighted_percent >= exam.format.pass_percent,
        seconds,
        domains,
        questions: state
            .drawn
            .iter()
            .map(|drawn| {
                let given = state.given.get(&drawn.key);
                AnsweredDocument {
                    id: drawn.id.clone(),
                    domain: drawn.domain.clone(),
                    score: given.map(|g| g.score),
                    answer: given.map(|g| g.answer.clone()),
                    flagged: state.flagged.contains(&drawn.key),
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::Timestamp;

    use super::*;
    use crate::cli::quiz::state::{Drawn, Feedback};
    use crate::content::Catalog;
    use crate::model::PASS_PERCENT;

    #[test]
    fn domains_count_by_weight_and_what_was_not_answered_is_missed() {
        let catalog = Catalog::built_in().unwrap();
        let exam = catalog.curriculum("cka").unwrap();
        let (a, b) = (&exam.domains[0], &exam.domains[1]);
        let drawn = |id: &str, domain: &str| Drawn { key: id.into(), id: id.into(), domain: domain.into() };
        let mut state = State {
            exam: "cka".into(),
            seed: None,
            feedback: Feedback::End,
            minutes: None,
            spent_seconds: 0,
            drawn: vec![drawn("1", a.id.as_str()), drawn("2", a.id.as_str()), drawn("3", b.id.as_str())],
            given: BTreeMap::new(),
            flagged: BTreeSet::new(),
            skipped: Vec::new(),
            own_seed: 0,
            begun: None,
        };
        let score = |earned| Score { earned: Points(earned), maximum: Points(4) };
        state.answer("1", "x".into(), score(4), Timestamp::UNIX_EPOCH, 1);
        state.answer("3", "x".into(), score(2), Timestamp::UNIX_EPOCH, 1);
        let result = result(&state, exam, 10);
        assert_eq!((result.domains[0].score.percent(), result.domains[1].score.percent()), (50, 50));
        assert_eq!((result.weighted_percent, result.percent), (50, 50));
        assert!(!result.passed && result.pass_percent == PASS_PERCENT);
        assert_eq!(result.domains[2].asked, 0);
        assert_eq!(result.questions[1].score, None);
    }
}
