//! Proofs of content.

use crate::model::Verdict;
use crate::render::document::{NeverFailedDocument, ProofCheckDocument, ProofDocument, ProofRowDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// One line for a proof that holds; every problem of one that does not. `seconds` is how long it took.
pub fn proof(document: &ProofDocument, seconds: f64, style: Style, width: usize) -> String {
    let variant: Vec<String> = document.variant.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut head = format!("{} {} seed {}", document.kind, document.id, document.seed);
    if !variant.is_empty() {
        head.push_str(&format!(" ({})", variant.join(", ")));
    }
    if document.holds() {
        return format!("{}  {head}: {} runs, {seconds:.1} s\n", style.good("proven"), document.rows.len());
    }
    let mut out = format!("{}  {head}, {seconds:.1} s\n", style.bad("FAILED"));
    for row in &document.rows {
        for (number, problem) in row.problems.iter().enumerate() {
            let label = if number == 0 { format!("  {}  {}: ", style.bad("NO"), row.run) } else { "        ".to_owned() };
            out.push_str(&wrap(problem, width, &label, "        "));
        }
    }
    out
}

/// The runs of a proof against its checks and gates.
pub fn proof_table(document: &ProofDocument, width: usize) -> String {
    let Some(columns) = document.rows.iter().map(|row| &row.checks).max_by_key(|checks| checks.len()) else { return String::new() };
    let names: Vec<String> = columns.iter().map(|c| if c.gate { format!("gate {}", c.id) } else { c.id.clone() }).collect();
    let runs = document.rows.iter().map(|row| row.run.chars().count()).max().unwrap_or(0);
    let fits = runs + names.iter().map(|n| n.chars().count() + 2).sum::<usize>() + 12 <= width;
    let head = |(number, name): (usize, &String)| if fits { name.clone() } else { format!("[{}]", number + 1) };
    let mut rows = vec![
        std::iter::once("RUN".to_owned()).chain(names.iter().enumerate().map(head)).chain(["SCORE".to_owned()]).collect::<Vec<String>>(),
    ];
    rows.extend(document.rows.iter().map(|row| {
        let cells = columns.iter().map(|column| row.checks.iter().find(|c| c.id == column.id).map_or_else(String::new, cell));
        std::iter::once(row.run.clone()).chain(cells).chain([score(row)]).collect()
    }));
    if !document.mutations.is_empty() {
        let can = |column: &ProofCheckDocument| match document.mutations.iter().find(|m| m.check == column.id) {
            Some(mutation) if mutation.fails.is_some() => "can",
            Some(_) => "?",
            None => "",
        };
        let cells = columns.iter().map(|column| can(column).to_owned());
        rows.push(std::iter::once("fails when changed".to_owned()).chain(cells).chain([String::new()]).collect());
    }
    let mut out = table(&rows, width);
    if !fits {
        let legend: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("[{}] {name}", i + 1)).collect();
        out.push_str(&wrap(&legend.join(", "), width, "", "    "));
    }
    out
}

/// Points, `-` for failed, `(…)` for passed but waiting for another, `?` for unknown; for gates whether they are open.
fn cell(check: &ProofCheckDocument) -> String {
    match (check.verdict, check.gate) {
        (Verdict::Indeterminate, _) => "?".to_owned(),
        (Verdict::Pass, true) => "open".to_owned(),
        (Verdict::Fail, true) => "closed".to_owned(),
        (Verdict::Pass, false) if check.waits => "(waits)".to_owned(),
        (Verdict::Pass, false) => check.earned.to_string(),
        (Verdict::Fail, false) => "-".to_owned(),
    }
}

fn score(row: &ProofRowDocument) -> String {
    let score = row.score.map_or_else(|| "-".to_owned(), |s| format!("{}/{}", s.earned.0, s.maximum.0));
    if row.problems.is_empty() { score } else { format!("{score} NO") }
}

/// A check that nothing was seen to fail.
pub fn never_failed(document: &NeverFailedDocument, style: Style, width: usize) -> String {
    let (kind, id, check) = (&document.kind, &document.id, &document.check);
    let (label, text) = if document.gate {
        (style.unsure("note"), format!("{kind} {id}: neither a wrong fix nor a change of a solved cluster closes the gate `{check}`"))
    } else {
        let text = format!(
            "{kind} {id}: the check `{check}` failed in no run of any variant, and no change of a solved cluster makes it fail: name a wrong fix that loses it, or drop it"
        );
        (style.bad("FAILED"), text)
    };
    wrap(&text, width, &format!("{label}  "), "        ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::document::MutationDocument;

    fn check(id: &str, gate: bool, verdict: Verdict, waits: bool, earned: u32) -> ProofCheckDocument {
        ProofCheckDocument { id: id.into(), gate, verdict, waits, earned }
    }

    #[test]
    fn runs_stand_against_checks() {
        let row = |run: &str, checks, problems: &[&str]| ProofRowDocument {
            run: run.into(),
            score: None,
            problems: problems.iter().map(|p| (*p).to_owned()).collect(),
            checks,
        };
        let document = ProofDocument {
            kind: "scenario".into(),
            id: "x".into(),
            seed: 1,
            variant: [].into(),
            rows: vec![
                row(
                    "fresh",
                    vec![
                        check("up", false, Verdict::Fail, false, 0),
                        check("boot", false, Verdict::Pass, true, 0),
                        check("same", true, Verdict::Pass, false, 0),
                    ],
                    &[],
                ),
                row(
                    "wrong it",
                    vec![
                        check("up", false, Verdict::Pass, false, 2),
                        check("boot", false, Verdict::Indeterminate, false, 0),
                        check("same", true, Verdict::Fail, false, 0),
                    ],
                    &["bad"],
                ),
            ],
            mutations: vec![
                MutationDocument { check: "up".into(), fails: Some("x".into()) },
                MutationDocument { check: "boot".into(), fails: None },
            ],
        };
        let expected = "\
RUN                 up   boot     gate same  SCORE
fresh               -    (waits)  open       -
wrong it            2    ?        closed     - NO
fails when changed  can  ?
";
        assert_eq!(proof_table(&document, 100), expected);
        assert!(proof_table(&document, 30).contains("[1] up, [2] boot"));
        let said = proof(&document, 0.5, Style::new(false), 100);
        assert!(said.contains("NO  wrong it: bad"), "{said}");
    }
}
