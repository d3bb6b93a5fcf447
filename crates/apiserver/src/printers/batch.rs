//! Jobs and cron jobs.

use jiff::Timestamp;
use serde_json::Value;
use values::duration;

use super::cell::{age, condition, containers, name, selector, since, text_or};
use super::table::Printer;
use crate::json::Json;

pub const JOB: Printer = Printer { columns: "Name,Status,Completions,Duration,Age,Containers+,Images+,Selector+", cells: job };
pub const CRON_JOB: Printer =
    Printer { columns: "Name,Schedule,Timezone,Suspend?,Active#,Last Schedule,Age,Containers+,Images+,Selector+", cells: cron_job };

fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let succeeded = object.int("status.succeeded").unwrap_or(0);
    let completions = match (object.int("spec.completions"), object.int("spec.parallelism").unwrap_or(0)) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let start = object.text("status.startTime").parse::<Timestamp>();
    let end = object.text("status.completionTime").parse::<Timestamp>().unwrap_or(now);
    let taken = start.map(|start| duration::human(end.duration_since(start).as_secs())).unwrap_or_default();
    let (names, images) = containers(object.at("spec.template.spec"));
    vec![
        name(object),
        job_status(object).into(),
        completions.into(),
        taken.into(),
        age(object, now),
        names,
        images,
        selector(object, "spec.selector").into(),
    ]
}

fn job_status(object: &Value) -> &'static str {
    let is = |kind| condition(object, kind) == "True";
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if object.has("metadata.deletionTimestamp") {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let last = object.text("status.lastScheduleTime");
    let suspend = match object.flag("spec.suspend") {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let template = object.at("spec.jobTemplate.spec");
    let (names, images) = containers(template.at("template.spec"));
    vec![
        name(object),
        object.text("spec.schedule").into(),
        text_or(object, "spec.timeZone", "<none>").into(),
        suspend.into(),
        object.list("status.active").len().into(),
        if last.is_empty() { "<none>".into() } else { since(last, now).into() },
        age(object, now),
        names,
        images,
        selector(template, "selector").into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn jobs_show_status_completions_and_duration() {
        let now = "2026-01-01T00:01:40Z".parse().expect("a time");
        let cases = [
            (json!({"completions": 2}), json!({"succeeded": 1, "startTime": "2026-01-01T00:00:00Z"}), ["Running", "1/2", "100s"]),
            (
                json!({"completions": 1}),
                json!({"succeeded": 1, "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:07Z",
                    "conditions": [{"type": "Complete", "status": "True"}]}),
                ["Complete", "1/1", "7s"],
            ),
            (json!({"parallelism": 3}), json!({"conditions": [{"type": "Failed", "status": "True"}]}), ["Failed", "0/1 of 3", ""]),
        ];
        for (spec, status, want) in cases {
            let object = json!({"metadata": {"name": "j"}, "spec": spec, "status": status});
            assert_eq!(job(&object, now)[1..4], want.map(Value::from));
        }
    }
}
