//! Cron schedules as robfig/cron reads them (`ParseStandard`): five fields, `@hourly` and its like, names of months and days.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Minutes at which all fields match.
    Fields {
        /// Allowed values of minute, hour, day of month, month, day of week, as bits.
        bits: [u64; 5],
        /// Whether the day of month, and the day of week, is `*`: if neither is, one match is enough.
        any_day: (bool, bool),
    },
    /// `@every 1h`.
    Every(SignedDuration),
}

const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads a schedule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(word) = text.strip_prefix('@') {
            let fields = match word {
                "yearly" | "annually" => "0 0 1 1 *",
                "monthly" => "0 0 1 * *",
                "weekly" => "0 0 * * 0",
                "daily" | "midnight" => "0 0 * * *",
                "hourly" => "0 * * * *",
                _ => {
                    let every = word.strip_prefix("every ").ok_or_else(|| format!("unrecognized descriptor: @{word}"))?;
                    let span = values::duration::parse_go(every).map_err(|e| format!("failed to parse duration @{word}: {e}"))?;
                    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX).max(1);
                    return Ok(Self::Every(SignedDuration::from_secs(seconds)));
                }
            };
            return Self::parse(fields);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let count = fields.len();
        let fields: [&str; 5] = fields.try_into().map_err(|_| {
            format!("expected exactly 5 fields, found {count}: [{}]", text.split_whitespace().collect::<Vec<_>>().join(" "))
        })?;
        let mut bits = [0; 5];
        for (i, field) in fields.iter().enumerate() {
            bits[i] = parse_field(field, i)?;
        }
        let star = |f: &str| f.starts_with('*') || f.starts_with('?');
        Ok(Self::Fields { bits, any_day: (star(fields[2]), star(fields[4])) })
    }

    /// The first time after `moment`.
    pub fn after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(span) => Timestamp::from_second(moment.as_second()).ok()?.checked_add(*span).ok(),
            Self::Fields { bits, any_day } => {
                let has = |i: usize, value: i8| bits[i] >> value & 1 == 1;
                let mut at: Zoned = moment.to_zoned(zone.clone());
                at = at.with().second(0).subsec_nanosecond(0).build().ok()?.checked_add(1.minute()).ok()?;
                // Five years are enough for every date that exists (29 February among them, save in odd centuries).
                let limit = at.checked_add(5.years()).ok()?;
                while at < limit {
                    if !has(3, at.month()) {
                        at = at.first_of_month().ok()?.start_of_day().ok()?.checked_add(1.month()).ok()?;
                        continue;
                    }
                    let (by_date, by_weekday) = (has(2, at.day()), has(4, at.weekday().to_sunday_zero_offset()));
                    let day = if any_day.0 || any_day.1 { by_date && by_weekday } else { by_date || by_weekday };
                    if !day {
                        at = at.start_of_day().ok()?.checked_add(1.day()).ok()?;
                        continue;
                    }
                    if !has(1, at.hour()) {
                        at = at.with().minute(0).build().ok()?.checked_add(1.hour()).ok()?;
                        continue;
                    }
                    if has(0, at.minute()) {
                        return Some(at.timestamp());
                    }
                    at = at.checked_add(1.minute()).ok()?;
                }
                None
            }
        }
    }
}

fn parse_field(field: &str, index: usize) -> Result<u64, String> {
    field.split(',').try_fold(0, |bits, part| Ok(bits | parse_range(part, index)?))
}

fn parse_range(part: &str, index: usize) -> Result<u64, String> {
    let (min, max) = RANGES[index];
    let (span, step) = match part.split_once('/') {
        Some((span, step)) => (
            span,
            Some(
                step.parse::<u32>()
                    .map_err(|_| format!("failed to parse int from {step}: strconv.Atoi: parsing {step:?}: invalid syntax"))?,
            ),
        ),
        None => (part, None),
    };
    let (low, high) = if matches!(span, "*" | "?") {
        (min, max)
    } else {
        match span.split_once('-') {
            Some((low, high)) => (parse_value(low, index)?, parse_value(high, index)?),
            // `5/10` means from 5 on.
            None => {
                let low = parse_value(span, index)?;
                (low, if step.is_some() { max } else { low })
            }
        }
    };
    let step = step.unwrap_or(1);
    if low < min {
        return Err(format!("beginning of range ({low}) below minimum ({min}): {part}"));
    }
    if high > max {
        return Err(format!("end of range ({high}) above maximum ({max}): {part}"));
    }
    if low > high {
        return Err(format!("beginning of range ({low}) beyond end of range ({high}): {part}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {part}"));
    }
    Ok((low..=high).step_by(usize::try_from(step).unwrap_or(1)).fold(0, |bits, value| bits | 1 << value))
}

fn parse_value(text: &str, index: usize) -> Result<u32, String> {
    let name = text.to_ascii_lowercase();
    let named = match index {
        3 => MONTHS.iter().position(|m| *m == name).map(|i| i + 1),
        4 => DAYS.iter().position(|d| *d == name),
        _ => None,
    };
    match named.and_then(|i| u32::try_from(i).ok()) {
        Some(value) => Ok(value),
        None => text.parse().map_err(|_| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn next_times() {
        let cases = [
            ("* * * * *", "2026-01-01T00:01:00Z"),
            ("*/15 * * * *", "2026-01-01T00:15:00Z"),
            ("30 9 * * mon-fri", "2026-01-01T09:30:00Z"),
            ("0 0 13 * 5", "2026-01-02T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("5/20 1 * * *", "2026-01-01T01:05:00Z"),
            ("@hourly", "2026-01-01T01:00:00Z"),
            ("@every 90s", "2026-01-01T00:01:40Z"),
            ("0 12 1 JAN *", "2026-01-01T12:00:00Z"),
        ];
        let from: Timestamp = "2026-01-01T00:00:10Z".parse().unwrap();
        for (text, expected) in cases {
            let next = Schedule::parse(text).unwrap().after(from, &TimeZone::UTC).unwrap();
            assert_eq!(next.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn errors() {
        let cases = [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("@now", "unrecognized descriptor: @now"),
            ("9-5 * * * *", "beginning of range (9) beyond end of range (5): 9-5"),
        ];
        for (text, expected) in cases {
            assert_eq!(Schedule::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
