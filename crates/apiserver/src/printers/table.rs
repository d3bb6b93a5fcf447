//! How a kind is printed, and the rows of the registry that lead here.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::json::Json;
use crate::registry::{Column, Resource, Row, TablePrinter};

/// How one kind is printed.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Column names separated by commas. `+` after a name marks a wide column (priority 1), `#` an integer, `?` a boolean, `*` the
    /// column that holds the object's name.
    pub columns: &'static str,
    /// The cells of one object, one per column.
    pub cells: fn(&Value, Timestamp) -> Vec<Value>,
}

impl Printer {
    /// Its column definitions.
    pub fn definitions(&self) -> Vec<Column> {
        self.columns.split(',').map(column).collect()
    }
}

/// The printer of every built-in resource: it looks the kind up.
pub const TABLE_PRINTER: TablePrinter = TablePrinter {
    columns: |resource| of(resource).definitions(),
    row: |resource, object, now| Row { cells: (of(resource).cells)(object, now), conditions: completed(resource, object) },
};

fn of(resource: &Resource) -> &'static Printer {
    super::printer(&resource.gvk.group, &resource.gvk.kind)
}

fn column(spec: &str) -> Column {
    let name = spec.trim_end_matches(['+', '#', '?', '*']);
    let marks = &spec[name.len()..];
    let kind = if marks.contains('#') {
        "integer"
    } else if marks.contains('?') {
        "boolean"
    } else {
        "string"
    };
    let is_name = marks.contains('*') || (name == "Name" && !marks.contains('+'));
    let description = match name {
        "Name" => "Name must be unique within a namespace.",
        "Age" => "CreationTimestamp is a timestamp representing the server time when this object was created.",
        _ => "",
    };
    Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: if is_name { "name" } else { "" }.to_owned(),
        description: description.to_owned(),
        priority: i32::from(marks.contains('+')),
    }
}

/// Pods that ended carry a row condition, by which old clients hid them (`podSuccessConditions`).
fn completed(resource: &Resource, object: &Value) -> Vec<Value> {
    if resource.gvk.kind != "Pod" || !resource.gvk.group.is_empty() {
        return Vec::new();
    }
    let (reason, message) = match object.text("status.phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return Vec::new(),
    };
    vec![json!({"type": "Completed", "status": "True", "reason": reason, "message": message})]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_give_type_priority_and_format() {
        let printer = Printer { columns: "Name,Desired#,Suspend?,IP+", cells: |_, _| Vec::new() };
        let got: Vec<_> = printer.definitions().into_iter().map(|c| (c.name, c.kind, c.format, c.priority)).collect();
        let want = [("Name", "string", "name", 0), ("Desired", "integer", "", 0), ("Suspend", "boolean", "", 0), ("IP", "string", "", 1)];
        assert_eq!(got, want.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d)));
    }
}
