//! Jobs and cron jobs (`pkg/apis/batch/validation`).

use serde_json::Value;
use values::Selector;

use super::cron;
use super::meta::label_selector;
use super::path::{Errors, Path};
use super::pod::template;
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

/// Most pods at a time of an indexed job.
const MAX_INDEXED_PARALLELISM: i64 = 100_000;

/// Judges a Job.
pub fn job(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (object, path) = (input.object, Path::new("spec"));
    let spec = object.at("spec");
    if input.old.is_none() {
        generated_selector(object, &mut errors);
    }
    job_spec(spec, &path, &mut errors);
    let labels = spec.at("template.metadata.labels");
    match Selector::from_json(spec.at("selector")) {
        _ if spec.at("selector").is_null() => errors.required(&path.child("selector"), ""),
        Ok(selector) if !selector.matches_json(labels) => {
            let path = path.child("template").child("metadata").child("labels");
            errors.invalid(&path, labels.clone(), "`selector` does not match template `labels`");
        }
        _ => label_selector(spec.at("selector"), &path.child("selector"), &mut errors),
    }
    if let Some(old) = input.old {
        job_update(object, old, &path, &mut errors);
    }
    errors.0
}

fn generated_selector(object: &Value, errors: &mut Errors) {
    if object.flag("spec.manualSelector") == Some(true) {
        return;
    }
    let uid = object.text("metadata.uid");
    let label = |key: &str| object.object("spec.template.metadata.labels").and_then(|l| l.get(key)).and_then(Value::as_str);
    let path = Path::new("spec").child("template").child("metadata").child("labels");
    for (key, want) in [("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", object.text("metadata.name"))] {
        match label(key) {
            Some(value) if value == want => {}
            Some(_) => {
                let labels = object.at("spec.template.metadata.labels").clone();
                errors.invalid(&path.key(key), labels, format!("must be '{want}'"));
            }
            None => errors.required(&path.key(key), &format!("must be '{want}'")),
        }
    }
    let selector = Selector::from_json(object.at("spec.selector"));
    if !selector.is_ok_and(|s| s.matches_json(object.at("spec.template.metadata.labels"))) {
        errors.invalid(&Path::new("spec").child("selector"), object.at("spec.selector").clone(), "`selector` not auto-generated");
    }
}

fn job_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    const NUMBERS: [&str; 7] = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for field in NUMBERS {
        errors.non_negative(&path.child(field), spec.int(field).unwrap_or(0));
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        errors.required(&path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    match spec.text("completionMode") {
        "" | "NonIndexed" => {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"].iter().filter(|f| spec.has(f)) {
                errors.invalid(&path.child(field), spec.at(field).clone(), "requires indexed completion mode");
            }
        }
        "Indexed" => {
            if !spec.has("completions") {
                errors.required(&path.child("completions"), "when completion mode is Indexed");
            }
            let parallelism = spec.int("parallelism").unwrap_or(1);
            if parallelism > MAX_INDEXED_PARALLELISM {
                let why = format!("must be less than or equal to {MAX_INDEXED_PARALLELISM} when completion mode is Indexed");
                errors.invalid(&path.child("parallelism"), parallelism, why);
            }
        }
        other => errors.not_supported(&path.child("completionMode"), other, &["NonIndexed", "Indexed"]),
    }
    failure_policy(spec, &path.child("podFailurePolicy"), errors);
    let replacement = spec.text("podReplacementPolicy");
    if !replacement.is_empty() {
        let allowed: &[&str] = if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        if !allowed.contains(&replacement) {
            errors.not_supported(&path.child("podReplacementPolicy"), replacement, allowed);
        }
    }
    let template_path = path.child("template");
    template(spec.at("template"), &template_path, errors);
    let restart_path = template_path.child("spec").child("restartPolicy");
    match spec.text("template.spec.restartPolicy") {
        "Never" => {}
        "OnFailure" if spec.has("podFailurePolicy") => {
            errors.invalid(&restart_path, "OnFailure", "only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" => {}
        "" | "Always" => errors.required(&restart_path, "valid values: \"OnFailure\", \"Never\""),
        other => errors.not_supported(&restart_path, other, &["OnFailure", "Never"]),
    }
}

fn failure_policy(spec: &Value, path: &Path, errors: &mut Errors) {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    for (i, rule) in spec.list("podFailurePolicy.rules").iter().enumerate() {
        let path = path.child("rules").index(i);
        match rule.text("action") {
            "" => errors.required(&path.child("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"),
            "FailIndex" if !spec.has("backoffLimitPerIndex") => {
                errors.invalid(&path.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
            }
            action if !ACTIONS.contains(&action) => errors.not_supported(&path.child("action"), action, &ACTIONS),
            _ => {}
        }
        let codes = rule.at("onExitCodes");
        if !codes.is_null() {
            let path = path.child("onExitCodes");
            match codes.text("operator") {
                "" => errors.required(&path.child("operator"), "valid values: [\"In\" \"NotIn\"]"),
                "In" | "NotIn" => {}
                other => errors.not_supported(&path.child("operator"), other, &["In", "NotIn"]),
            }
            if codes.list("values").is_empty() {
                errors.invalid(&path.child("values"), codes.at("values").clone(), "at least one value is required");
            }
        }
    }
}

fn job_update(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let (new, old) = (new.at("spec"), old.at("spec"));
    // Completions of an indexed job may follow its parallelism (elastic indexed jobs).
    if new.at("completions") != old.at("completions") {
        let elastic = new.text("completionMode") == "Indexed" && new.has("completions") && new.at("completions") == new.at("parallelism");
        if !elastic && new.text("completionMode") == "Indexed" && new.has("completions") {
            errors.invalid(
                &path.child("completions"),
                new.at("completions").clone(),
                format!("can only be modified in tandem with {}", path.child("parallelism").as_str()),
            );
        } else if !elastic {
            errors.immutable(&path.child("completions"), new.at("completions"), old.at("completions"));
        }
    }
    errors.immutable(&path.child("selector"), new.at("selector"), old.at("selector"));
    template_update(new, old, &path.child("template"), errors);
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        errors.immutable(&path.child(field), new.at(field), old.at(field));
    }
}

/// The template of a job that is suspended and has not started may still get scheduling directives.
fn template_update(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let mut template = new.at("template").clone();
    if old.flag("suspend") == Some(true) {
        for field in [
            "spec.nodeSelector",
            "spec.tolerations",
            "spec.affinity.nodeAffinity",
            "spec.schedulingGates",
            "metadata.annotations",
            "metadata.labels",
        ] {
            match old.at("template").at(field) {
                Value::Null => drop(template.remove(field)),
                value => template.put(field, value.clone()),
            }
        }
    }
    errors.immutable(path, &template, old.at("template"));
}

/// Judges a CronJob.
pub fn cron_job(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if input.subresource == "status" {
        return errors.0;
    }
    let (spec, path) = (input.object.at("spec"), Path::new("spec"));
    let name = input.object.text("metadata.name");
    // A job's name is this one with a dash and ten digits.
    if input.old.is_none() && name.len() > 52 {
        errors.invalid(&Path::new("metadata").child("name"), name, "must be no more than 52 characters");
    }
    let schedule = spec.text("schedule");
    if schedule.is_empty() {
        errors.required(&path.child("schedule"), "");
    } else {
        if let Err(why) = cron::parse(schedule) {
            errors.invalid(&path.child("schedule"), schedule, why);
        }
        if schedule.contains("TZ") {
            let why = if spec.has("timeZone") {
                "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            } else {
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            };
            errors.invalid(&path.child("schedule"), schedule, why);
        }
    }
    if let Some(zone) = spec.at("timeZone").as_str() {
        time_zone(zone, &path.child("timeZone"), &mut errors);
    }
    if let Some(deadline) = spec.int("startingDeadlineSeconds") {
        errors.non_negative(&path.child("startingDeadlineSeconds"), deadline);
    }
    errors.one_of(&path.child("concurrencyPolicy"), spec.text("concurrencyPolicy"), &["Allow", "Forbid", "Replace"]);
    job_template(spec.at("jobTemplate"), &path.child("jobTemplate"), &mut errors);
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        errors.non_negative(&path.child(field), spec.int(field).unwrap_or(0));
    }
    errors.0
}

fn time_zone(zone: &str, path: &Path, errors: &mut Errors) {
    if zone.is_empty() {
        errors.invalid(path, zone, "timeZone must be nil or non-empty string");
    } else if zone.eq_ignore_ascii_case("local") {
        errors.invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    } else if jiff::tz::TimeZone::get(zone).is_err() {
        errors.invalid(path, zone, format!("unknown time zone {zone}"));
    }
}

fn job_template(job: &Value, path: &Path, errors: &mut Errors) {
    let path = path.child("spec");
    let spec = job.at("spec");
    job_spec(spec, &path, errors);
    if spec.flag("manualSelector") == Some(true) {
        errors.not_supported(&path.child("manualSelector"), true, &["nil", "false"]);
    }
    if spec.has("selector") {
        errors.invalid(&path.child("selector"), spec.at("selector").clone(), "`selector` will be auto-generated");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    fn pod_template() -> Value {
        json!({"spec": {"containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"}],
            "restartPolicy": "OnFailure", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30}})
    }

    #[test]
    fn cron_jobs_need_a_schedule_that_can_be_read() {
        let base = json!({"metadata": {"name": "c"}, "spec": {"schedule": "*/5 * * * *", "concurrencyPolicy": "Allow",
            "jobTemplate": {"spec": {"template": pod_template()}}}});
        assert_eq!(judge(cron_job, &base, None), Vec::<String>::new());
        let cases: [(&str, Value, &str); 4] = [
            ("spec.schedule", json!(""), "spec.schedule: Required value"),
            ("spec.schedule", json!("* * * *"), "spec.schedule: Invalid value: \"* * * *\": expected exactly 5 fields, found 4: [* * * *]"),
            ("spec.timeZone", json!("Mars/Base"), "spec.timeZone: Invalid value: \"Mars/Base\": unknown time zone Mars/Base"),
            (
                "spec.concurrencyPolicy",
                json!("Maybe"),
                "spec.concurrencyPolicy: Unsupported value: \"Maybe\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
            ),
        ];
        for (path, value, want) in cases {
            let mut object = base.clone();
            object.put(path, value);
            assert_eq!(judge(cron_job, &object, None), [want]);
        }
    }

    #[test]
    fn jobs_do_not_restart_always() {
        let mut template = pod_template();
        template.put("spec.restartPolicy", "Always");
        template.put("metadata.labels", json!({"a": "b"}));
        let object = json!({"metadata": {"name": "j"}, "spec": {"manualSelector": true, "selector": {"matchLabels": {"a": "b"}}, "template": template}});
        assert_eq!(judge(job, &object, None), ["spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""]);
    }
}
