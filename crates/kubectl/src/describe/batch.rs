//! Jobs and cron jobs.

use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{controller, head, marks, plain, selector, text, title_bool};
use crate::describe::template;
use crate::describe::time::{parse, rfc1123};

fn or_unset(value: &Value) -> String {
    if value.is_null() { "<unset>".to_owned() } else { plain(value) }
}

/// Adds a job.
pub fn job(doc: &mut Document, job: &Value) {
    let (spec, status) = (&job["spec"], &job["status"]);
    head(doc, job);
    doc.field(0, "Selector", selector(&spec["selector"]));
    marks(doc, job);
    if let Some(owner) = controller(job) {
        doc.field(0, "Controlled By", owner);
    }
    if !spec["parallelism"].is_null() {
        doc.field(0, "Parallelism", plain(&spec["parallelism"]));
    }
    doc.field(0, "Completions", or_unset(&spec["completions"]));
    for (title, key) in [
        ("Completion Mode", "completionMode"),
        ("Suspend", "suspend"),
        ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    ] {
        if !spec[key].is_null() {
            doc.field(0, title, plain(&spec[key]));
        }
    }
    for (title, key) in [("Start Time", "startTime"), ("Completed At", "completionTime")] {
        if status[key].is_string() {
            doc.field(0, title, rfc1123(&status[key]));
        }
    }
    if let (Some(start), Some(end)) = (parse(&status["startTime"]), parse(&status["completionTime"])) {
        doc.field(0, "Duration", values::duration::human(end.duration_since(start).as_secs()));
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64() {
        doc.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    let ready = status["ready"].as_i64().map(|n| format!(" ({n} Ready)")).unwrap_or_default();
    doc.field(
        0,
        "Pods Statuses",
        format!("{} Active{ready} / {} Succeeded / {} Failed", number("active"), number("succeeded"), number("failed")),
    );
    if spec["completionMode"] == "Indexed" {
        let done = text(&status["completedIndexes"]);
        doc.field(0, "Completed Indexes", if done.is_empty() { "<none>" } else { done });
    }
    template::add(doc, &spec["template"]);
}

/// Adds a cron job.
pub fn cron_job(doc: &mut Document, cron: &Value) {
    let (spec, status) = (&cron["spec"], &cron["status"]);
    head(doc, cron);
    marks(doc, cron);
    doc.field(0, "Schedule", text(&spec["schedule"]));
    doc.field(0, "Concurrency Policy", text(&spec["concurrencyPolicy"]));
    doc.field(0, "Suspend", if spec["suspend"].is_null() { "<unset>" } else { title_bool(&spec["suspend"]) });
    doc.field(0, "Successful Job History Limit", or_unset(&spec["successfulJobsHistoryLimit"]));
    doc.field(0, "Failed Job History Limit", or_unset(&spec["failedJobsHistoryLimit"]));
    let deadline = spec["startingDeadlineSeconds"].as_i64().map_or_else(|| "<unset>".to_owned(), |s| format!("{s}s"));
    doc.field(0, "Starting Deadline Seconds", deadline);
    let job = &spec["jobTemplate"]["spec"];
    doc.field(0, "Selector", if job["selector"].is_null() { "<unset>".to_owned() } else { selector(&job["selector"]) });
    doc.field(0, "Parallelism", or_unset(&job["parallelism"]));
    doc.field(0, "Completions", or_unset(&job["completions"]));
    if let Some(seconds) = job["activeDeadlineSeconds"].as_i64() {
        doc.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    template::add(doc, &job["template"]);
    let last = if status["lastScheduleTime"].is_string() { rfc1123(&status["lastScheduleTime"]) } else { "<unset>".to_owned() };
    doc.field(0, "Last Schedule Time", last);
    let active: Vec<&str> = status["active"].as_array().into_iter().flatten().map(|a| text(&a["name"])).collect();
    doc.field(0, "Active Jobs", if active.is_empty() { "<none>".to_owned() } else { active.join(", ") });
}
