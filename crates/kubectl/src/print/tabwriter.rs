//! Go's `text/tabwriter`: columns of tab-terminated cells, aligned over runs of lines that have them.

/// Aligns `text`. A column is as wide as its widest cell plus `padding`, and at least `min_width`.
/// The last cell of a line belongs to no column.
pub fn align(text: &str, min_width: usize, padding: usize) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut writer = Writer { lines: &lines, min_width, padding, widths: Vec::new(), out: String::with_capacity(text.len() * 2) };
    let done = writer.format(0, lines.len());
    writer.write(done, lines.len());
    // One newline fewer than lines: the text after the last one is a line of its own.
    writer.out.pop();
    writer.out
}

struct Writer<'a> {
    lines: &'a [Vec<&'a str>],
    min_width: usize,
    padding: usize,
    widths: Vec<usize>,
    out: String,
}

impl Writer<'_> {
    /// Formats the lines `first..end` whose leading columns are settled; returns the first line not yet written.
    fn format(&mut self, first: usize, end: usize) -> usize {
        let column = self.widths.len();
        let (mut written, mut line) = (first, first);
        while line < end {
            if column + 1 >= self.lines[line].len() {
                line += 1;
                continue;
            }
            self.write(written, line);
            let mut width = self.min_width;
            let start = line;
            while line < end && column + 1 < self.lines[line].len() {
                width = width.max(self.lines[line][column].chars().count() + self.padding);
                line += 1;
            }
            self.widths.push(width);
            let done = self.format(start, line);
            self.write(done, line);
            self.widths.pop();
            written = line;
        }
        written
    }

    fn write(&mut self, from: usize, to: usize) {
        for line in &self.lines[from..to.max(from)] {
            for (i, cell) in line.iter().enumerate() {
                self.out.push_str(cell);
                if let Some(width) = self.widths.get(i).filter(|_| i + 1 < line.len()) {
                    let used = cell.chars().count();
                    self.out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
                }
            }
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn columns_are_runs_of_lines() {
        let text = "Name:\tx\nNode:\tworker/1\nConditions:\n  Type\tStatus\n  ----\t------\n  Ready\tTrue\nEvents:\t<none>\n";
        let want = "Name:  x\nNode:  worker/1\nConditions:\n  Type   Status\n  ----   ------\n  Ready  True\nEvents:  <none>\n";
        assert_eq!(align(text, 0, 2), want);
    }

    #[test]
    fn minimum_width_and_nested_columns() {
        assert_eq!(align("a\tb\tc\nd\te\n", 6, 3), "a     b     c\nd     e\n");
        assert_eq!(align("a\tlonger\tc\nd\te\tf\n", 0, 1), "a longer c\nd e      f\n");
    }
}
