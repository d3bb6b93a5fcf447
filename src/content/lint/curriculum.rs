//! Rules for curricula.

use std::collections::BTreeSet;

use super::report::At;
use crate::content::curriculum::Curriculum;

pub fn lint(curriculum: &Curriculum, at: &mut At<'_>) {
    if !curriculum.id.is_valid() {
        at.error("id/format", &["id"], format!("`{}` is not an id", curriculum.id));
    }
    let file = at.path.rsplit('/').next().unwrap_or_default();
    if file.trim_end_matches(".yaml") != curriculum.id.as_str() {
        at.error("id/file", &["id"], format!("the file of curriculum `{0}` is `curricula/{0}.yaml`", curriculum.id));
    }
    let sum: u32 = curriculum.domains.iter().map(|d| d.weight.0).sum();
    if sum != 100 {
        at.error("curriculum/weights", &["domains"], format!("the weights add up to {sum}, not to 100"));
    }
    let (mut domains, mut competencies) = (BTreeSet::new(), BTreeSet::new());
    for (d, domain) in curriculum.domains.iter().enumerate() {
        let d = d.to_string();
        if !domains.insert(&domain.id) {
            at.error("id/duplicate", &["domains", &d, "id"], format!("the domain `{}` stands here twice", domain.id));
        }
        for (c, competency) in domain.competencies.iter().enumerate() {
            if !competencies.insert(&competency.id) {
                let message = format!("the competency `{}` stands in this exam twice", competency.id);
                at.error("id/duplicate", &["domains", &d, "competencies", &c.to_string(), "id"], message);
            }
        }
    }
}
