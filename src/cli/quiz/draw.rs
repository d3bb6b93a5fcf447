//! What a quiz asks: the bank and the history as the draw wants them.

use std::collections::BTreeMap;

use crate::cli::error::CliError;
use crate::cli::suggest::did_you_mean;
use crate::content::{Catalog, Curriculum};
use crate::draw::{Candidate, Carry, Draw, Request, Standing, draw as pick};
use crate::render::document::{DrawDocument, DrawnDocument};
use crate::store::{Fractions, History, ItemKind};

use super::state::Drawn;

/// What to draw.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The exam.
    pub exam: &'a Curriculum,
    /// Only this domain.
    pub domain: Option<&'a str>,
    /// How many questions.
    pub count: usize,
    /// Only those whose last answer was wrong.
    pub only_wrong: bool,
    /// Seed that the user gave: history then plays no part.
    pub given_seed: Option<u64>,
    /// Seed to use otherwise.
    pub own_seed: u64,
}

/// Draws, and says what to carry to the next draw (nothing with a seed).
pub fn draw(catalog: &Catalog, history: &dyn History, wanted: &Wanted<'_>) -> Result<(Draw, Option<Fractions>), CliError> {
    let exam = wanted.exam;
    let mut domains = exam.weights();
    if let Some(only) = wanted.domain {
        domains.retain(|(id, _)| id.as_str() == only);
        if domains.is_empty() {
            let known = exam.domains.iter().map(|d| d.id.as_str());
            let all = format!("Domains: {}.", known.clone().collect::<Vec<_>>().join(", "));
            return Err(CliError::usage(format!("{} has no domain {only:?}", exam.id)).hint(did_you_mean(only, known, &all)));
        }
    }
    let seen = history.seen(ItemKind::Question)?;
    let mut bank = Vec::new();
    for question in catalog.questions().filter(|q| q.answer_type.is_graded()) {
        // A question counts for the first of its placements in this exam.
        let Some(placement) = question.placements.iter().find(|p| p.exam == exam.id) else { continue };
        let standing = seen.get(question.id.as_str()).map(|s| Standing { asked: s.times, wrong: !s.last_full }).unwrap_or_default();
        bank.push(Candidate { id: question.id.clone(), domain: placement.domain.clone(), standing });
    }
    let with_history = wanted.given_seed.is_none();
    let carried = if with_history { history.carried(exam.id.as_str())? } else { None };
    // What an older version left is no reason to stop: rounding starts anew.
    let carry = carried.and_then(|value| serde_json::from_value::<Carry>(value).ok()).unwrap_or_default();
    let drawn = pick(&Request {
        domains: &domains,
        bank: &bank,
        count: wanted.count,
        carry: &carry,
        only_wrong: wanted.only_wrong,
        seed: wanted.given_seed.unwrap_or(wanted.own_seed),
        with_history,
    });
    if drawn.questions.is_empty() {
        return Err(if wanted.only_wrong {
            let here = wanted.domain.map(|domain| format!(" in {domain}")).unwrap_or_default();
            CliError::environment(format!("nothing to ask: none of your last answers{here} was wrong"))
                .hint(format!("ckaprep quiz --exam {}", exam.id))
        } else {
            CliError::content(format!("there are no questions for {}", exam.id)).hint("`ckaprep curriculum` shows what there is")
        });
    }
    // A draw from one domain or of old mistakes is not the exam's proportion, so it owes nothing.
    let keep = with_history && wanted.domain.is_none() && !wanted.only_wrong;
    let carry = if keep { serde_json::to_value(&drawn.carry).ok() } else { None };
    Ok((drawn, carry))
}

/// The questions with a key each: one that comes again is a question of its own.
pub fn keyed(drawn: &Draw) -> Vec<Drawn> {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    drawn
        .questions
        .iter()
        .map(|question| {
            let id = question.id.as_str();
            let time = times.entry(id).or_default();
            *time += 1;
            let key = if *time == 1 { id.to_owned() } else { format!("{id}~{time}") };
            Drawn { key, id: id.to_owned(), domain: question.domain.to_string() }
        })
        .collect()
}

/// The draw as a document.
pub fn document(catalog: &Catalog, exam: &Curriculum, seed: Option<u64>, drawn: &Draw) -> DrawDocument {
    let kind = |id: &str| catalog.question(id).map_or("unknown", |q| q.answer_type.as_str()).to_owned();
    let questions =
        drawn.questions.iter().map(|q| DrawnDocument { id: q.id.to_string(), domain: q.domain.to_string(), kind: kind(q.id.as_str()) });
    DrawDocument { exam: exam.id.to_string(), seed, questions: questions.collect() }
}
