//! What several commands print in the same way.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment as `ls -l` shows it: with the time, or with the year if it is half a year off.
pub(super) fn listing_time(moment: Timestamp, now: Timestamp) -> String {
    let zoned = moment.to_zoned(TimeZone::UTC);
    let age = now.duration_since(moment).as_secs();
    // ls takes half a Gregorian year, 31556952 / 2 seconds.
    if (0..15_778_476).contains(&age) { zoned.strftime("%b %e %H:%M").to_string() } else { zoned.strftime("%b %e  %Y").to_string() }
}

/// Sizes as `-h` shows them: powers of 1024, rounded up, one decimal below ten.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: &[char] = &['K', 'M', 'G', 'T', 'P'];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let tenth = (value * 10.0).ceil() / 10.0;
    if tenth < 10.0 { format!("{tenth:.1}{}", UNITS[unit]) } else { format!("{:.0}{}", value.ceil(), UNITS[unit]) }
}

/// Memory as systemd shows it: one decimal, `27.8M`.
pub(super) fn memory_size(kib: u64) -> String {
    match kib {
        0..1024 => format!("{kib}.0K"),
        1024..1_048_576 => format!("{:.1}M", kib as f64 / 1024.0),
        _ => format!("{:.1}G", kib as f64 / 1_048_576.0),
    }
}

/// A time span as systemd shows it: two units, `1min 8s`, `665ms` (format_timespan with an accuracy).
pub(super) fn timespan(span: Duration) -> String {
    let units: [(&str, u128); 8] = [
        ("y", 31_557_600_000),
        ("month", 2_629_800_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("min", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut rest = span.as_millis();
    if rest == 0 {
        return "0".to_owned();
    }
    let mut parts = Vec::new();
    for (index, (name, size)) in units.iter().enumerate() {
        let count = rest / size;
        if count == 0 {
            continue;
        }
        rest %= size;
        // Below a minute with seconds, systemd writes a fraction: 8min 51.621s.
        if *name == "s" && rest > 0 {
            parts.push(format!("{count}.{rest:03}s"));
            break;
        }
        let plural = if *name == "month" && count > 1 { "s" } else { "" };
        parts.push(format!("{count}{name}{plural}"));
        let _ = index;
    }
    parts.join(" ")
}

/// How long ago, as systemd shows it: `1min 36s ago`, `3 days ago` (format_timestamp_relative).
pub(super) fn ago(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    match seconds {
        0 => format!("{}ms ago", span.as_millis()),
        1..60 => format!("{seconds}s ago"),
        60..600 => format!("{minutes}min {}s ago", seconds % 60),
        600..3600 => format!("{minutes}min ago"),
        3600..172_800 if hours < 24 => format!("{hours}h {}min ago", minutes % 60),
        3600..172_800 => format!("{days} day{} {}h ago", plural(days), hours % 24),
        172_800..2_592_000 => format!("{days} days ago"),
        _ => format!("{} month{} {} days ago", days / 30, plural(days / 30), days % 30),
    }
}

/// `Tue 2026-11-24 06:31:57 UTC`.
pub(super) fn long_time(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Columns as wide as their longest value, two blanks apart, the last without trailing blanks.
pub(super) fn columns(rows: &[Vec<String>], gap: usize) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if column + 1 < row.len() {
                line.push_str(&" ".repeat(widths[column] - cell.chars().count() + gap));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, human, timespan};

    #[test]
    fn spans_and_sizes_as_recorded() {
        for (ms, want) in [
            (665, "665ms ago"),
            (3_000, "3s ago"),
            (68_000, "1min 8s ago"),
            (180_000, "3min 0s ago"),
            (660_000, "11min ago"),
            (5_400_000, "1h 30min ago"),
        ] {
            assert_eq!(ago(Duration::from_millis(ms)), want);
        }
        assert_eq!(timespan(Duration::from_millis(531_621)), "8min 51.621s");
        for (bytes, want) in [(0, "0"), (1023, "1023"), (1024, "1.0K"), (1500, "1.5K"), (10_240, "10K"), (4_294_967_296, "4.0G")] {
            assert_eq!(human(bytes), want);
        }
    }
}
