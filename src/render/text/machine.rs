//! This machine.

use crate::render::document::{DoctorDocument, Health};
use crate::render::style::Style;
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
