//! Tables as the server makes them (`meta.k8s.io/v1 Table`), laid out as kubectl does.

use serde_json::Value;

/// How a table is shown.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// `-o wide`: columns of lower priority too.
    pub wide: bool,
    /// `--no-headers`.
    pub no_headers: bool,
    /// A column with the namespace.
    pub with_namespace: bool,
    /// `deployment.apps/` before names.
    pub kind_prefix: Option<String>,
    /// `--show-labels`.
    pub show_labels: bool,
    /// `-L`.
    pub label_columns: Vec<String>,
}

/// Prints rows; remembers column widths, so that rows of a watch stay aligned.
#[derive(Clone, Debug, Default)]
pub struct TablePrinter {
    widths: Vec<usize>,
    columns: Vec<(usize, String)>,
}

/// A row and the object that it is about.
pub type Row = Value;

impl TablePrinter {
    /// Takes the columns from a table; the answers of a watch have them in the first event only.
    pub fn define(&mut self, definitions: &Value, layout: &Layout) {
        let Some(list) = definitions.as_array().filter(|l| !l.is_empty()) else { return };
        self.columns = list
            .iter()
            .enumerate()
            .filter(|(_, d)| layout.wide || d["priority"].as_i64().unwrap_or(0) == 0)
            .map(|(i, d)| (i, d["name"].as_str().unwrap_or_default().to_uppercase()))
            .collect();
    }

    /// The header row, then the rows.
    pub fn render(&mut self, rows: &[&Row], layout: &Layout, headers: bool, event: Option<&str>) -> String {
        let mut lines: Vec<Vec<String>> = Vec::new();
        if headers && !layout.no_headers {
            let mut line: Vec<String> = Vec::new();
            line.extend(event.map(|_| "EVENT".to_owned()));
            line.extend(layout.with_namespace.then(|| "NAMESPACE".to_owned()));
            line.extend(self.columns.iter().map(|(_, name)| name.clone()));
            line.extend(layout.label_columns.iter().map(|l| l.rsplit('/').next().unwrap_or(l).to_uppercase()));
            line.extend(layout.show_labels.then(|| "LABELS".to_owned()));
            lines.push(line);
        }
        for row in rows {
            let metadata = &row["object"]["metadata"];
            let mut line: Vec<String> = Vec::new();
            line.extend(event.map(str::to_owned));
            line.extend(layout.with_namespace.then(|| metadata["namespace"].as_str().unwrap_or_default().to_owned()));
            for (shown, (index, _)) in self.columns.iter().enumerate() {
                let text = cell(&row["cells"][*index]);
                line.push(match (&layout.kind_prefix, shown) {
                    (Some(prefix), 0) => format!("{prefix}/{text}"),
                    _ => text,
                });
            }
            for label in &layout.label_columns {
                line.push(metadata["labels"][label].as_str().unwrap_or_default().to_owned());
            }
            if layout.show_labels {
                line.push(labels(&metadata["labels"]));
            }
            lines.push(line);
        }
        self.align(&lines)
    }

    /// Widths only grow: `tabwriter` with kubectl's `RememberWidths`, minimum 6, padding 3; the last cell is not padded.
    fn align(&mut self, lines: &[Vec<String>]) -> String {
        let mut out = String::new();
        for line in lines {
            for (i, cell) in line.iter().enumerate().take(line.len().saturating_sub(1)) {
                if self.widths.len() <= i {
                    self.widths.resize(i + 1, 6);
                }
                self.widths[i] = self.widths[i].max(cell.chars().count() + 3);
            }
        }
        for line in lines {
            for (i, cell) in line.iter().enumerate() {
                out.push_str(cell);
                if i + 1 < line.len() {
                    let pad = self.widths.get(i).copied().unwrap_or(0).saturating_sub(cell.chars().count());
                    out.extend(std::iter::repeat_n(' ', pad));
                }
            }
            out.push('\n');
        }
        out
    }
}

/// A cell's text: its first line only.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(cell).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    };
    match text.find(['\n', '\r', '\u{c}']) {
        Some(end) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// `a=1,b=2`, sorted, or `<none>`.
pub fn labels(value: &Value) -> String {
    let mut pairs: Vec<String> = match value.as_object() {
        Some(map) => map.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect(),
        None => Vec::new(),
    };
    pairs.sort();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// A table made here, for objects that the server gave no table for.
pub fn fallback(objects: &[Value], age: impl Fn(&str) -> String) -> Value {
    let rows: Vec<Value> = objects
        .iter()
        .map(|o| {
            let created = o["metadata"]["creationTimestamp"].as_str().map_or_else(|| "<unknown>".to_owned(), &age);
            serde_json::json!({"cells": [o["metadata"]["name"], created], "object": o})
        })
        .collect();
    serde_json::json!({"kind": "Table", "columnDefinitions": [{"name": "Name"}, {"name": "Age"}], "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_and_layouts() {
        let definitions = json!([{"name": "Name", "priority": 0}, {"name": "Ready", "priority": 0}, {"name": "IP", "priority": 1}]);
        let row =
            json!({"cells": ["web-1", "1/1", "10.0.0.1"], "object": {"metadata": {"namespace": "shop", "labels": {"b": "2", "a": "1"}}}});
        for (layout, want) in [
            (Layout::default(), "NAME    READY\nweb-1   1/1\n"),
            (Layout { wide: true, ..Layout::default() }, "NAME    READY   IP\nweb-1   1/1     10.0.0.1\n"),
            (
                Layout { with_namespace: true, kind_prefix: Some("pod".into()), ..Layout::default() },
                "NAMESPACE   NAME        READY\nshop        pod/web-1   1/1\n",
            ),
            (
                Layout { show_labels: true, label_columns: vec!["x/a".into(), "a".into()], no_headers: true, ..Layout::default() },
                "web-1   1/1         1     a=1,b=2\n",
            ),
        ] {
            let mut printer = TablePrinter::default();
            printer.define(&definitions, &layout);
            assert_eq!(printer.render(&[&row], &layout, true, None), want);
        }
    }
}
