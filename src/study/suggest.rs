//! The next thing to do, by domain weight and what has been tried.

use std::collections::BTreeMap;

use crate::model::{DomainId, ExamId, PASS_PERCENT, ScenarioId, Score, Weight};

/// What the history says, in the exam that is prepared for.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Sum of first scores per domain.
    pub domains: BTreeMap<DomainId, Score>,
    /// Best score of each scenario that was tried, in percent.
    pub scenarios: BTreeMap<ScenarioId, u32>,
    /// A session that is still open.
    pub open_session: Option<String>,
    /// A quiz that was left in the middle.
    pub open_quiz: bool,
    /// How many questions and variants are due.
    pub due: usize,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Go on with an open session.
    Attach(String),
    /// Go on with a quiz.
    ResumeQuiz,
    /// A study session.
    Study(ExamId),
    /// Try a scenario.
    Scenario(ScenarioId),
    /// A quiz, over all domains or in one.
    Quiz {
        /// The exam.
        exam: ExamId,
        /// The domain.
        domain: Option<DomainId>,
    },
}

/// A suggestion with its reason, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What to do.
    pub activity: Activity,
    /// Why.
    pub reason: String,
}

/// What to do next, best first. Unfinished work comes first, then what is new, then the domain in which most of the exam's points are
/// still open.
pub fn suggest(exam: &ExamId, domains: &[(DomainId, Weight)], scenarios: &[ScenarioId], past: &Past) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    let mut add = |activity, reason: String| suggestions.push(Suggestion { activity, reason });
    if let Some(session) = &past.open_session {
        add(Activity::Attach(session.clone()), "a session of yours is still open".to_owned());
    }
    if past.open_quiz {
        add(Activity::ResumeQuiz, "a quiz of yours is not finished".to_owned());
    }
    if past.due > 0 {
        let what = if past.due == 1 { "1 thing is".to_owned() } else { format!("{} things are", past.due) };
        add(Activity::Study(exam.clone()), format!("{what} due before you forget"));
    }
    if let Some(new) = scenarios.iter().find(|id| !past.scenarios.contains_key(*id)) {
        add(Activity::Scenario(new.clone()), "you have not tried it yet".to_owned());
    } else if let Some((id, best)) = scenarios.iter().filter_map(|id| Some((id, *past.scenarios.get(id)?))).min_by_key(|(_, best)| *best) {
        let reason =
            if best < 100 { format!("your best score there is {best} %") } else { "another variant keeps you in practice".to_owned() };
        add(Activity::Scenario(id.clone()), reason);
    }
    if past.domains.is_empty() {
        add(Activity::Quiz { exam: exam.clone(), domain: None }, "it shows in which domains you are strong".to_owned());
    } else {
        // Points of the exam that are open in a domain: its weight times what is missing there. Never asked counts as nothing known.
        let open = |(id, weight): &(DomainId, Weight)| (100 - past.domains.get(id).map_or(0, |s| s.percent())) * weight.0;
        if let Some((id, _)) = domains.iter().rev().max_by_key(|d| open(d)) {
            let percent = past.domains.get(id).map(|s| s.percent());
            let reason = match percent {
                None => "you have answered nothing there yet".to_owned(),
                Some(percent) if percent < PASS_PERCENT => format!("you are at {percent} % there, {PASS_PERCENT} % pass"),
                Some(percent) => format!("you are at {percent} % there, and it weighs most of what is left"),
            };
            add(Activity::Quiz { exam: exam.clone(), domain: Some(id.clone()) }, reason);
        }
    }
    suggestions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Points;

    fn domain(id: &str) -> DomainId {
        DomainId::unchecked(id)
    }

    fn activities(past: &Past) -> Vec<Activity> {
        let domains = [(domain("a"), Weight(70)), (domain("b"), Weight(30))];
        let scenarios = [ScenarioId::unchecked("s"), ScenarioId::unchecked("t")];
        suggest(&ExamId::unchecked("cka"), &domains, &scenarios, past).into_iter().map(|s| s.activity).collect()
    }

    #[test]
    fn beginners_start_with_a_scenario_and_a_quiz() {
        let quiz = Activity::Quiz { exam: ExamId::unchecked("cka"), domain: None };
        assert_eq!(activities(&Past::default()), [Activity::Scenario(ScenarioId::unchecked("s")), quiz]);
    }

    #[test]
    fn unfinished_work_comes_first_and_the_most_open_points_decide_the_domain() {
        let score = |earned| Score { earned: Points(earned), maximum: Points(100) };
        let mut past = Past { open_session: Some("x1".into()), open_quiz: true, ..Past::default() };
        past.domains = [(domain("a"), score(90)), (domain("b"), score(50))].into();
        past.scenarios = [(ScenarioId::unchecked("s"), 100), (ScenarioId::unchecked("t"), 60)].into();
        let quiz = |id| Activity::Quiz { exam: ExamId::unchecked("cka"), domain: Some(domain(id)) };
        assert_eq!(
            activities(&past),
            [Activity::Attach("x1".into()), Activity::ResumeQuiz, Activity::Scenario(ScenarioId::unchecked("t")), quiz("b")]
        );
        past.domains.remove(&domain("a"));
        assert_eq!(activities(&past)[3], quiz("a"), "nothing known weighs as nothing earned");
        past.due = 3;
        assert_eq!(activities(&past)[2], Activity::Study(ExamId::unchecked("cka")), "after what is unfinished, before what is new");
    }
}
