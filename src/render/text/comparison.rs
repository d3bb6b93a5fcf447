//! One scenario on two backends.

use crate::model::Score;
use crate::render::document::{ComparisonDocument, ComparisonsDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// What is wrong with one variant; a line when nothing is.
pub fn comparison(document: &ComparisonDocument, style: Style, width: usize) -> String {
    let head = head(document);
    if let Some(why) = &document.left_out {
        return wrap(&format!("{head}: {why}"), width, "left out  ", "          ");
    }
    let seconds: f64 = document.runs.iter().map(|run| run.kind_seconds).sum();
    if document.holds() {
        return format!("{}     {head}: {} runs, verdicts equal, {seconds:.0} s\n", style.good("equal"), document.runs.len());
    }
    let mut out = format!("{}    {head}, {seconds:.0} s\n", style.bad("FAILED"));
    let mut say = |label: &str, text: &str| out.push_str(&wrap(text, width, &format!("  {label}: "), "        "));
    if let Some(problem) = &document.problem {
        say("kind", problem);
    }
    for run in &document.runs {
        for problem in &run.problems {
            say(&format!("{} on kind", run.run), problem);
        }
        for difference in &run.differences {
            say(&run.run, difference);
        }
    }
    out
}

/// All of it as a table, with the count.
pub fn comparisons(document: &ComparisonsDocument, style: Style, width: usize) -> String {
    let mut rows = vec![["SCENARIO", "RUN", "EMBEDDED", "KIND", "VERDICTS", "SECONDS"].map(str::to_owned).to_vec()];
    for comparison in &document.comparisons {
        let mut name = head(comparison);
        for run in &comparison.runs {
            let verdicts = match (run.problems.is_empty(), run.differences.is_empty()) {
                (true, true) => "equal",
                (false, _) => "WRONG",
                (true, false) => "DIFFER",
            };
            let seconds = format!("{:.1}", run.kind_seconds);
            rows.push(vec![std::mem::take(&mut name), run.run.clone(), score(run.embedded), score(run.kind), verdicts.to_owned(), seconds]);
        }
        if comparison.runs.is_empty() {
            let word = if comparison.left_out.is_some() { "left out" } else { "WRONG" };
            rows.push(vec![name, String::new(), String::new(), String::new(), word.to_owned(), String::new()]);
        }
    }
    let left_out = document.comparisons.iter().filter(|c| c.left_out.is_some()).count();
    let wrong = document.comparisons.iter().filter(|c| !c.holds()).count();
    let equal = document.comparisons.len() - left_out - wrong;
    let word = if wrong == 0 { style.good("equal") } else { style.bad("NOT EQUAL") };
    format!("{}{word}: {equal} variants equal on both backends, {wrong} not, {left_out} left out\n", table(&rows, width))
}

fn head(document: &ComparisonDocument) -> String {
    let variant: Vec<String> = document.variant.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut head = document.id.clone();
    if !variant.is_empty() {
        head.push_str(&format!(" ({})", variant.join(", ")));
    }
    head
}

fn score(score: Option<Score>) -> String {
    score.map_or_else(|| "-".to_owned(), |s| format!("{}/{}", s.earned.0, s.maximum.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Points;
    use crate::render::document::ComparedRunDocument;

    #[test]
    fn what_differs_is_said_and_counted() {
        let run = |run: &str, differences: &[&str]| ComparedRunDocument {
            run: run.into(),
            embedded: Some(Score { earned: Points(8), maximum: Points(8) }),
            kind: None,
            embedded_seconds: 1.0,
            kind_seconds: 30.25,
            problems: Vec::new(),
            differences: differences.iter().map(|d| (*d).to_owned()).collect(),
        };
        let comparison_of = |runs| ComparisonDocument {
            id: "x".into(),
            seed: 1,
            variant: [("fault".to_owned(), "f".to_owned())].into(),
            left_out: None,
            problem: None,
            runs,
        };
        let left_out =
            ComparisonDocument { left_out: Some("kind clusters have no metrics".into()), runs: Vec::new(), ..comparison_of(Vec::new()) };
        let document = ComparisonsDocument {
            comparisons: vec![
                comparison_of(vec![run("fresh", &[])]),
                comparison_of(vec![run("solution", &["ready: pass here, fail there"])]),
                left_out,
            ],
        };
        let text = comparisons(&document, Style::new(false), 100);
        assert!(text.ends_with("NOT EQUAL: 1 variants equal on both backends, 1 not, 1 left out\n"), "{text}");
        assert!(text.contains("x (fault=f)  solution  8/8       -     DIFFER    30.2"), "{text}");
        assert!(comparison(&document.comparisons[1], Style::new(false), 100).contains("solution: ready: pass here"));
        assert!(comparison(&document.comparisons[2], Style::new(false), 100).starts_with("left out"));
    }
}
