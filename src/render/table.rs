//! Tables without lines, as kubectl prints them; the last column takes what is left of the width and wraps.

use super::style::columns;
use super::wrap::wrap;

/// Lays rows out in columns for a terminal of `width` columns. The first row is the head.
pub fn table(rows: &[Vec<String>], width: usize) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| columns(c)).max().unwrap_or(0)).collect();
    let before_last: usize = widths.iter().take(count.saturating_sub(1)).map(|w| w + 2).sum();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            if i + 1 == count {
                // Wrapping in a sliver is worse than a long line.
                let room = width.saturating_sub(before_last).max(20);
                let wrapped = wrap(cell, room, "", "");
                let mut lines = wrapped.lines();
                line.push_str(lines.next().unwrap_or_default());
                for more in lines {
                    line.push('\n');
                    line.push_str(&" ".repeat(before_last));
                    line.push_str(more);
                }
            } else {
                line.push_str(cell);
                line.push_str(&" ".repeat(widths[i] + 2 - columns(cell)));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_align_and_the_last_wraps_under_itself() {
        let rows = [vec!["ID".into(), "TITLE".into()], vec!["unhealthy-node".into(), "Bring an unhealthy node back into service".into()]];
        assert_eq!(table(&rows, 44), "ID              TITLE\nunhealthy-node  Bring an unhealthy node back\n                into service\n");
    }
}
