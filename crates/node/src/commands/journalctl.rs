//! `journalctl`

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::options::{Options, flag, value};
use crate::journal::{Format, Priority, Query};
use crate::machine::{ExitStatus, ProcessContext};
use crate::systemd::Systemd;

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let specs = [
        value('u', "unit"),
        value('n', "lines"),
        flag('f', "follow"),
        flag('e', "pager-end"),
        flag('x', "catalog"),
        flag('\0', "no-pager"),
        value('S', "since"),
        value('U', "until"),
        flag('k', "dmesg"),
        value('o', "output"),
        value('p', "priority"),
        flag('r', "reverse"),
        value('t', "identifier"),
        flag('q', "quiet"),
        flag('a', "all"),
        flag('\0', "no-tail"),
        flag('\0', "no-hostname"),
        flag('\0', "utc"),
        value('g', "grep"),
        value('b', "boot"),
        flag('\0', "list-boots"),
        flag('\0', "disk-usage"),
        flag('m', "merge"),
        flag('l', "full"),
        flag('\0', "no-full"),
        flag('\0', "system"),
        value('\0', "vacuum-time"),
        value('\0', "vacuum-size"),
    ];
    let options = match Options::parse(&normalise(context.argv.get(1..).unwrap_or_default()), &specs) {
        Ok(options) => options,
        Err(message) => return fail(&context, &format!("journalctl: {message}")).await,
    };
    let now = context.machine.clock().now();
    let (host, booted) = context.machine.read(|state| (state.name.clone(), state.booted));
    if options.has("list-boots") {
        let _ = context
            .stdout
            .line(format!(
                "IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY\n  0 {:032x} {} {}",
                booted.as_nanosecond() as u128,
                super::report::long_time(booted),
                super::report::long_time(now)
            ))
            .await;
        return ExitStatus::SUCCESS;
    }
    if options.has("disk-usage") {
        let _ = context.stdout.line("Archived and active journals take up 16.0M in the file system.").await;
        return ExitStatus::SUCCESS;
    }
    let mut query = Query {
        units: options.all("u").map(Systemd::full_name).collect(),
        identifiers: options.all("t").map(str::to_owned).collect(),
        kernel: options.has("k"),
        grep: options.get("g").map(str::to_owned),
        ..Query::default()
    };
    if let Some(text) = options.get("p") {
        let text = text.rsplit("..").next().unwrap_or(text);
        match Priority::parse(text) {
            Some(priority) => query.priority = Some(priority),
            None => return fail(&context, &format!("Unknown log level {text}")).await,
        }
    }
    if let Some(text) = options.get("b")
        && !matches!(text, "" | "0")
    {
        return fail(&context, "Data from the specified boot is not available: No such boot ID in journal").await;
    }
    for (key, into) in [("S", &mut query.since), ("U", &mut query.until)] {
        if let Some(text) = options.get(key) {
            match moment(text, now) {
                Some(moment) => *into = Some(moment),
                None => return fail(&context, &format!("Failed to parse timestamp: {text}")).await,
            }
        }
    }
    for word in &options.rest {
        match word.split_once('=') {
            Some(("_PID", pid)) => query.pid = pid.parse().ok(),
            Some(("_SYSTEMD_UNIT" | "UNIT", unit)) => query.units.push(unit.to_owned()),
            Some(("SYSLOG_IDENTIFIER" | "_COMM", name)) => query.identifiers.push(name.to_owned()),
            Some((field, _)) if field.starts_with('_') || field.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
                return fail(&context, &format!("journalctl: matching by {field} is not simulated")).await;
            }
            _ => return fail(&context, &format!("Failed to add match '{word}': Invalid argument")).await,
        }
    }
    let format = match options.get("o") {
        None => Format::Short,
        Some(name) => match Format::parse(name) {
            Some(format) => format,
            None => return fail(&context, &format!("Unknown output format '{name}'.")).await,
        },
    };
    let follow = options.has("f");
    let count = match options.get("n") {
        Some("all") => None,
        Some(text) => match text.trim_start_matches('+').parse::<usize>() {
            Ok(count) => Some(count),
            Err(_) => return fail(&context, &format!("Failed to parse lines '{text}'")).await,
        },
        None if follow && !options.has("no-tail") => Some(10),
        None if options.has("e") => Some(1000),
        None => None,
    };
    let (mut found, mut next) = context.machine.read(|state| {
        let (entries, next) = state.journal.since(0);
        (entries.into_iter().filter(|entry| query.matches(entry)).collect::<Vec<_>>(), next)
    });
    if let Some(count) = count {
        found.drain(..found.len().saturating_sub(count));
    }
    if options.has("r") {
        found.reverse();
    }
    let mut text = String::new();
    for entry in &found {
        text.push_str(&format.print(entry, &host));
        text.push('\n');
    }
    if found.is_empty() && !follow && !options.has("q") && !matches!(format, Format::Json | Format::JsonPretty) {
        text.push_str("-- No entries --\n");
    }
    if !follow {
        return super::less::page(&context, text.into(), options.has("no-pager"), options.has("e")).await;
    }
    if context.stdout.write(text).await.is_err() {
        return ExitStatus::SUCCESS;
    }
    let mut changes = context.machine.changes();
    loop {
        changes.mark_unchanged();
        let (entries, after) = context.machine.read(|state| state.journal.since(next));
        next = after;
        for entry in entries.iter().filter(|entry| query.matches(entry)) {
            if context.stdout.line(format.print(entry, &host)).await.is_err() {
                return ExitStatus::SUCCESS;
            }
        }
        tokio::select! {
            biased;
            () = context.stdout.closed() => return ExitStatus::SUCCESS,
            changed = changes.changed() => if changed.is_err() { return ExitStatus::SUCCESS },
        }
    }
}

/// `-n` and `-b` may stand without their value; `-n20`, `-n 20` and `-xeu unit` are usual.
fn normalise(args: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        let is_value = |text: Option<&&String>| text.is_some_and(|text| text.parse::<i64>().is_ok() || *text == "all");
        match arg.as_str() {
            "-n" | "--lines" if !is_value(args.peek()) => out.push("-n10".to_owned()),
            "-b" | "--boot" if is_value(args.peek()) => out.push(format!("-b{}", args.next().map_or("0", String::as_str))),
            "-b" | "--boot" => out.push("-b0".to_owned()),
            "--lines=" => out.push("-n10".to_owned()),
            arg if arg.starts_with("--") => out.push(arg.to_owned()),
            arg if arg.starts_with('-')
                && arg.len() > 2
                && arg.ends_with('b')
                && !arg.contains(['u', 'n', 'o', 'p', 't', 'S', 'U', 'g']) =>
            {
                out.push(arg.trim_end_matches('b').to_owned());
                out.push("-b0".to_owned());
            }
            arg if arg.starts_with('-')
                && arg.len() > 2
                && arg.ends_with('n')
                && !arg[1..arg.len() - 1].contains(['u', 'o', 'p', 't', 'S', 'U', 'g', 'n'])
                && !is_value(args.peek()) =>
            {
                out.push(format!("{arg}10"));
            }
            arg => out.push(arg.to_owned()),
        }
    }
    out
}

/// Moments as systemd.time(7) writes them.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let today = now.to_zoned(TimeZone::UTC).start_of_day().ok()?.timestamp();
    match text {
        "now" => return Some(now),
        "today" => return Some(today),
        "yesterday" => return Some(today - Duration::from_secs(86_400)),
        _ => {}
    }
    let relative = text.strip_suffix(" ago").or_else(|| text.strip_prefix('-'));
    if let Some(span) = relative {
        return Some(now - span_of(span)?);
    }
    if let Some(seconds) = text.strip_prefix('@') {
        return Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    let text = text.trim_end_matches(" UTC");
    for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"] {
        if let Ok(time) = DateTime::strptime(format, text) {
            return time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        }
    }
    if let Ok(date) = jiff::civil::Date::strptime("%Y-%m-%d", text) {
        return date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    for format in ["%H:%M:%S", "%H:%M"] {
        if let Ok(time) = jiff::civil::Time::strptime(format, text) {
            return now.to_zoned(TimeZone::UTC).date().to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        }
    }
    None
}

fn span_of(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let spaced: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut rest = spaced.as_str();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += Duration::from_secs(number)
            * match &rest[..unit] {
                "" | "s" | "sec" | "second" | "seconds" => 1,
                "m" | "min" | "minute" | "minutes" => 60,
                "h" | "hr" | "hour" | "hours" => 3600,
                "d" | "day" | "days" => 86_400,
                "w" | "week" | "weeks" => 604_800,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(total)
}

async fn fail(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stderr.line(text).await;
    ExitStatus::FAILURE
}

#[cfg(test)]
mod tests {
    use super::{moment, normalise};

    #[test]
    fn moments() {
        let now: jiff::Timestamp = "2026-11-24T06:37:38Z".parse().expect("a time");
        for (text, want) in [
            ("10 min ago", Some("2026-11-24T06:27:38Z")),
            ("-1h", Some("2026-11-24T05:37:38Z")),
            ("today", Some("2026-11-24T00:00:00Z")),
            ("06:30", Some("2026-11-24T06:30:00Z")),
            ("2026-11-23 10:00:00", Some("2026-11-23T10:00:00Z")),
            ("5 minutes ago", Some("2026-11-24T06:32:38Z")),
            ("whenever", None),
        ] {
            assert_eq!(moment(text, now).map(|moment| moment.to_string()).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn values_that_may_be_missing() {
        let split = |line: &str| normalise(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).join(" ");
        assert_eq!(split("-u kubelet -n"), "-u kubelet -n10");
        assert_eq!(split("-xeu kubelet -b"), "-xeu kubelet -b0");
        assert_eq!(split("-fn 5"), "-fn 5");
    }
}
