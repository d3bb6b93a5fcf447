//! This machine and this learner: doctor and history.

use super::clock::duration;
use crate::render::document::{DoctorDocument, Health, HistoryDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// `ckaprep doctor`.
pub fn doctor(document: &DoctorDocument, style: Style, width: usize) -> String {
    let mut out = format!("ckaprep {}\n\n", document.version);
    for finding in &document.findings {
        let word = match finding.health {
            Health::Good => style.good(" ok "),
            Health::Remark => style.unsure("note"),
            Health::Bad => style.bad("BAD "),
        };
        out.push_str(&wrap(&format!("{}: {}", finding.subject, finding.found), width, &format!("{word}  "), "      "));
        if let Some(next) = &finding.next {
            out.push_str(&wrap(next, width, "      next: ", "            "));
        }
    }
    out
}

/// `ckaprep history`.
pub fn history(document: &HistoryDocument, _style: Style, width: usize) -> String {
    if document.attempts.is_empty() {
        return "Nothing yet. `ckaprep scenario unhealthy-node` or `ckaprep quiz --exam cka` begins.\n".to_owned();
    }
    let mut rows = vec![["WHEN", "SCORE", "FIRST", "TIME", "HELP", "WHAT"].map(str::to_owned).to_vec()];
    rows.extend(document.attempts.iter().map(|attempt| {
        let help = match (attempt.assisted, attempt.hints) {
            (true, _) => "solution".to_owned(),
            (false, 0) => "-".to_owned(),
            (false, hints) => format!("{hints} hints"),
        };
        vec![
            attempt.started.strftime("%Y-%m-%d %H:%M").to_string(),
            format!("{}/{}", attempt.last.earned.0, attempt.last.maximum.0),
            format!("{}/{}", attempt.first.earned.0, attempt.first.maximum.0),
            duration(attempt.seconds),
            help,
            format!("{} {}", attempt.kind.as_str(), attempt.item),
        ]
    }));
    table(&rows, width)
}
