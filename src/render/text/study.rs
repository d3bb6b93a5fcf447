//! Study sessions: the plan, and what became of it.

use jiff::Timestamp;

use super::clock::duration;
use crate::model::{ItemKind, Rating};
use crate::render::learning::{PlannedDocument, Reason, StudyDocument};
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// The plan of a session.
pub fn plan(document: &StudyDocument, style: Style, width: usize) -> String {
    let head = format!("{}: {} minutes", document.title, document.minutes);
    let mut out = format!("{}\n\n", style.title(&head));
    if document.plan.is_empty() {
        out.push_str(&wrap("Nothing fits into these minutes. Give more: `ckaprep study --minutes 30`.", width, "", ""));
        return out;
    }
    let mut rows = vec![["#", "TIME", "WHAT", "WHY", "DOMAIN"].map(str::to_owned).to_vec()];
    rows.extend(document.plan.iter().enumerate().map(|(n, item)| {
        // What a question asks is not given away by its id here: `question` is enough. A scenario is chosen by name.
        let what = if item.kind == ItemKind::Scenario { item.id.clone() } else { "question".to_owned() };
        vec![(n + 1).to_string(), duration(item.seconds), what, why(item), item.domain_title.clone()]
    }));
    out.push_str(&table(&rows, width));
    let mut rest = format!("About {} minutes.", document.planned_seconds.div_ceil(60));
    if document.left_due > 0 {
        rest.push_str(&format!(" {} more {} due.", document.left_due, if document.left_due == 1 { "is" } else { "are" }));
    }
    out.push('\n');
    out.push_str(&wrap(&rest, width, "", ""));
    out
}

fn why(item: &PlannedDocument) -> String {
    match (item.reason, item.recall_percent) {
        (Reason::New, _) => "new".to_owned(),
        (Reason::Due, Some(percent)) => format!("due, {percent} %"),
        (Reason::Due, None) => "due".to_owned(),
        (Reason::Ahead, _) => "ahead".to_owned(),
    }
}

/// When something comes again.
pub fn again_in(due: Timestamp, now: Timestamp) -> String {
    match due.duration_since(now).as_secs() {
        i64::MIN..3_600 => "again within the hour".to_owned(),
        seconds @ 3_600..86_400 => format!("again in {} hours", seconds / 3_600),
        86_400..172_800 => "again tomorrow".to_owned(),
        seconds => format!("again in {} days", seconds / 86_400),
    }
}

/// The end of a session.
pub fn studied(document: &StudyDocument, now: Timestamp, style: Style, width: usize) -> String {
    if document.done.is_empty() {
        return "Nothing practised this time.\n".to_owned();
    }
    let mut rows = vec![["RATING", "SCORE", "COMES", "WHAT"].map(str::to_owned).to_vec()];
    rows.extend(document.done.iter().map(|item| {
        let rating = match item.rating {
            Rating::Again => style.bad("again"),
            Rating::Hard => style.unsure("hard"),
            Rating::Good => style.good("good"),
            Rating::Easy => style.good("easy"),
        };
        let score = item.score.map_or_else(|| "-".to_owned(), |s| format!("{}/{}", s.earned.0, s.maximum.0));
        vec![rating, score, again_in(item.due, now), format!("{} {}", item.kind.as_str(), item.id)]
    }));
    let mut out = format!("{}\n\n{}", style.title("Practised"), table(&rows, width));
    let left = document.plan.len().saturating_sub(document.done.len());
    if left > 0 {
        out.push_str(&format!("\n{left} of the plan {} left for next time.\n", if left == 1 { "is" } else { "are" }));
    }
    out.push_str(&format!("\nHow ready you are: {}\n", style.code(&format!("ckaprep stats --exam {}", document.exam))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let after = |seconds: i64| again_in(Timestamp::from_second(1_000_000 + seconds).unwrap(), now);
        assert_eq!(
            [-5, 60, 18_000, 100_000, 200_000].map(after),
            ["again within the hour", "again within the hour", "again in 5 hours", "again tomorrow", "again in 2 days"]
        );
    }
}
