//! `date`

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::options::{Options, flag, value};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    // `date +%s` and `date -d … +%F`: the format is no option.
    let options = match Options::of(
        &context,
        &[flag('u', "utc"), flag('R', "rfc-email"), value('d', "date"), value('I', "iso-8601"), value('s', "set"), value('r', "reference")],
        1,
    )
    .await
    {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.get("s").is_some() {
        let _ = context.stderr.line("date: cannot set date: the clock is the simulation's").await;
        return ExitStatus::FAILURE;
    }
    let now = context.machine.clock().now();
    let moment = match (options.get("d"), options.get("r")) {
        (Some(text), _) => parse(text, now),
        (_, Some(file)) => context.files.stat(&context.path(file)).ok().map(|stat| stat.mtime),
        _ => Some(now),
    };
    let Some(moment) = moment else {
        let text = options.get("d").or(options.get("r")).unwrap_or_default();
        let _ = context.stderr.line(format!("date: invalid date ‘{text}’")).await;
        return ExitStatus::FAILURE;
    };
    let format = match options.rest.iter().find(|arg| arg.starts_with('+')) {
        Some(format) => format[1..].to_owned(),
        None if options.has("R") => "%a, %d %b %Y %H:%M:%S +0000".to_owned(),
        None if options.has("I") => match options.get("I") {
            Some("seconds" | "s") => "%Y-%m-%dT%H:%M:%S+00:00".to_owned(),
            _ => "%Y-%m-%d".to_owned(),
        },
        None => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
    };
    let zoned = moment.to_zoned(TimeZone::UTC);
    // GNU's nanoseconds and era of seconds; the rest is strftime's.
    let format =
        format.replace("%N", &format!("{:09}", moment.subsec_nanosecond())).replace("%3N", &format!("{:03}", moment.subsec_millisecond()));
    match jiff::fmt::strtime::format(&format, &zoned) {
        Ok(text) => {
            let _ = context.stdout.line(text).await;
            ExitStatus::SUCCESS
        }
        Err(error) => {
            let _ = context.stderr.line(format!("date: {error}")).await;
            ExitStatus::FAILURE
        }
    }
}

fn parse(text: &str, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
    if let Some(seconds) = text.strip_prefix('@') {
        return jiff::Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%b %d %H:%M:%S %Y UTC", "%b %d %H:%M:%S %Y GMT"] {
        if let Ok(time) = DateTime::strptime(format, text) {
            return time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        }
    }
    if let Ok(date) = jiff::civil::Date::strptime("%Y-%m-%d", text) {
        return date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let day = std::time::Duration::from_secs(86_400);
    match text {
        "now" | "" => Some(now),
        "yesterday" => Some(now - day),
        "tomorrow" => Some(now + day),
        _ => {
            let words: Vec<&str> = text.trim_start_matches('+').split_whitespace().collect();
            let (count, unit, past) = match words[..] {
                [count, unit] => (count, unit, count.starts_with('-')),
                [count, unit, "ago"] => (count, unit, true),
                _ => return None,
            };
            let count: u64 = count.trim_start_matches('-').parse().ok()?;
            let seconds = match unit.trim_end_matches('s') {
                "second" | "sec" => 1,
                "minute" | "min" => 60,
                "hour" => 3600,
                "day" => 86_400,
                "week" => 604_800,
                "month" => 2_592_000,
                "year" => 31_536_000,
                _ => return None,
            };
            let span = std::time::Duration::from_secs(count * seconds);
            Some(if past { now - span } else { now + span })
        }
    }
}
