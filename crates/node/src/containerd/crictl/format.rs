//! Tables, ages and sizes as crictl prints them.

use jiff::Timestamp;

/// Go's `tabwriter` with a minimal width of 20 and three blanks between columns; the last column is not padded.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count() + 3).max().unwrap_or(0).max(20))
        .collect();
    rows.iter()
        .map(|row| {
            let last = row.len().saturating_sub(1);
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                line.push_str(cell);
                if column < last {
                    line.extend(std::iter::repeat_n(' ', widths[column] - cell.chars().count()));
                }
            }
            line + "\n"
        })
        .collect()
}

/// `units.HumanDuration` with `ago`.
pub(super) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    let (minutes, hours) = (seconds / 60, (seconds as f64 / 3600.0).round() as i64);
    let text = match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (2..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, 2..60, _) => format!("{minutes} minutes"),
        (_, _, 1) => "About an hour".to_owned(),
        (_, _, 2..48) => format!("{hours} hours"),
        (_, _, 48..336) => format!("{} days", hours / 24),
        (_, _, 336..1440) => format!("{} weeks", hours / 24 / 7),
        (_, _, 1440..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    };
    text + " ago"
}

/// `units.HumanSizeWithPrecision(size, 3)`.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    let units = ["B", "kB", "MB", "GB", "TB"];
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{text}{}", units[unit])
}

/// The first 13 digits of an id.
pub(super) fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(13).collect()
}

#[cfg(test)]
mod tests {
    use super::{ago, size, table};

    #[test]
    fn ages_and_sizes_are_for_people() {
        let at = |seconds| jiff::Timestamp::from_second(seconds).expect("in range");
        for (seconds, text) in [
            (0, "Less than a second ago"),
            (27, "27 seconds ago"),
            (65, "About a minute ago"),
            (240, "4 minutes ago"),
            (3600, "About an hour ago"),
            (7200, "2 hours ago"),
        ] {
            assert_eq!(ago(at(seconds), at(0)), text);
        }
        for (bytes, text) in [(766_329, "766kB"), (4_068_608, "4.07MB"), (566_481_757, "566MB"), (72_400_000, "72.4MB")] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn columns_are_twenty_wide_or_three_more_than_their_widest() {
        let rows = [vec!["POD".to_owned(), "N".to_owned()], vec!["web-786467ff8c-zsxnn".to_owned(), "shop".to_owned()]];
        assert_eq!(table(&rows), "POD                    N\nweb-786467ff8c-zsxnn   shop\n");
    }
}
