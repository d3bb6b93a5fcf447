//! How ready a learner is.

use super::clock::duration;
use crate::render::learning::{ReadinessDocument, StatsDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// `ckaprep stats`.
pub fn stats(document: &StatsDocument, style: Style, width: usize) -> String {
    let mut out = format!("{}\n\n", style.title(&format!("Readiness: {}", document.title)));
    out.push_str(&wrap(&verdict(document), width, "", ""));
    let mut rows = vec![["WEIGHT", "READY", "95 % SURE", "TRIES", "SEEN", "DUE", "DOMAIN"].map(str::to_owned).to_vec()];
    rows.extend(document.domains.iter().map(|domain| {
        let (ready, sure, tries) = shown(domain.readiness.as_ref());
        vec![
            format!("{:>3} %", domain.weight),
            ready,
            sure,
            tries,
            format!("{}/{}", domain.tried, domain.cards),
            domain.due.to_string(),
            domain.title.clone(),
        ]
    }));
    out.push_str(&format!("\n{}\n", table(&rows, width)));
    out.push_str(&wrap(
        "Only first tries at questions and variants that you had not seen count, and only what you did without help.",
        width,
        "",
        "",
    ));
    let due = &document.due;
    out.push_str(&format!("\ndue     {} now, {} by tomorrow, {} within a week\n", due.now, due.tomorrow, due.week));
    if let Some(pace) = &document.pace {
        let text = format!("{} % of the budget, {} % of {} tries within it", pace.percent, pace.in_budget_percent, pace.rests_on);
        out.push_str(&wrap(&text, width, "pace    ", "        "));
    }
    if !document.slowest.is_empty() {
        out.push_str(&format!("\n{}\n\n", style.title("Slowest")));
        let rows: Vec<Vec<String>> = document
            .slowest
            .iter()
            .map(|s| vec![format!("  {} of {}", duration(s.seconds), duration(s.budget_seconds)), format!("{} {}", s.kind.as_str(), s.id)])
            .collect();
        out.push_str(&table(&rows, width));
    }
    if !document.weakest.is_empty() {
        out.push_str(&format!("\n{}\n\n", style.title("Weakest")));
        for weak in &document.weakest {
            out.push_str(&wrap(&weak.summary, width, &format!("  {:>3} %  ", weak.percent), "         "));
            out.push_str(&format!("         {}\n", style.code(&weak.next)));
        }
    }
    if !document.untried.is_empty() {
        let count = document.untried.len();
        let text = if count == 1 {
            "1 competency has not been tried yet.".to_owned()
        } else {
            format!("{count} competencies have not been tried yet.")
        };
        out.push_str(&format!("\n{text} {}\n", style.code(&format!("ckaprep study --exam {}", document.exam))));
    }
    out
}

fn shown(readiness: Option<&ReadinessDocument>) -> (String, String, String) {
    match readiness {
        None => ("-".to_owned(), "0-100 %".to_owned(), "0".to_owned()),
        Some(r) => (format!("{:>3.0} %", r.percent), format!("{:.0}-{:.0} %", r.low, r.high), r.rests_on.to_string()),
    }
}

/// What can honestly be said.
fn verdict(document: &StatsDocument) -> String {
    let pass = f64::from(document.pass_percent);
    let Some(readiness) = &document.readiness else {
        return "Nothing is known yet: a quiz or a study session begins.".to_owned();
    };
    let range = format!("between {:.0} and {:.0} %", readiness.low, readiness.high);
    let tries = if readiness.rests_on == 1 { "1 first try".to_owned() } else { format!("{} first tries", readiness.rests_on) };
    let mut text = format!("From {tries}: about {:.0} %, and {range} with 95 % certainty.", readiness.percent);
    text.push_str(&if readiness.low >= pass {
        format!(" That is above the {pass} % that the exam asks for.")
    } else if readiness.high < pass {
        format!(" That is below the {pass} % that the exam asks for.")
    } else {
        format!(" Whether that is enough for {pass} % cannot be told yet.")
    });
    if document.unknown_weight > 0 {
        text.push_str(&format!(" Domains worth {} % of the exam have not been tried.", document.unknown_weight));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::learning::{DomainStats, DueDocument};

    fn document(readiness: Option<ReadinessDocument>, unknown_weight: u32) -> StatsDocument {
        let title = "Services & Networking".to_owned();
        StatsDocument {
            exam: "cka".into(),
            title: "CKA".into(),
            pass_percent: 66,
            domains: vec![DomainStats { id: "d".into(), title, weight: 20, readiness: readiness.clone(), cards: 9, tried: 3, due: 1 }],
            readiness,
            unknown_weight,
            due: DueDocument { now: 1, tomorrow: 2, week: 3 },
            pace: None,
            slowest: Vec::new(),
            weakest: Vec::new(),
            untried: Vec::new(),
        }
    }

    #[test]
    fn it_says_no_more_than_it_knows() {
        let of = |percent, low, high| Some(ReadinessDocument { percent, low, high, rests_on: 12 });
        for (readiness, unknown, part) in [
            (None, 100, "Nothing is known"),
            (of(90.0, 70.0, 97.0), 0, "above the 66 %"),
            (of(20.0, 5.0, 50.0), 0, "below the 66 %"),
            (of(80.0, 50.0, 95.0), 30, "cannot be told yet. Domains worth 30 %"),
        ] {
            let text = stats(&document(readiness, unknown), Style::new(false), 200);
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_narrow_terminal_holds_it() {
        let text = stats(&document(None, 100), Style::new(false), 60);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
