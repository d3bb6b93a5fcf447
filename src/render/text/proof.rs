//! Proofs of content.

use crate::render::document::ProofDocument;
use crate::render::style::Style;
use crate::render::wrap::wrap;

/// One line for a proof that holds; every run and problem of one that does not. `seconds` is how long it took.
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
        let score = row.score.map_or_else(|| "-".to_owned(), |s| format!("{}/{}", s.earned.0, s.maximum.0));
        let word = if row.problems.is_empty() { style.good("ok") } else { style.bad("NO") };
        out.push_str(&format!("  {word}  {}  {score}\n", row.run));
        for problem in &row.problems {
            out.push_str(&wrap(problem, width, "        ", "        "));
        }
    }
    out
}
