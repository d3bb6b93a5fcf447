//! `meta.k8s.io/v1` Tables.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::respond::partial;
use crate::registry::{Column, Row, TablePrinter};
use crate::status::ApiError;

/// Name and creation time, for kinds without a printer (`NewDefaultTableConvertor`).
const DEFAULT: TablePrinter = TablePrinter {
    columns: |_| {
        let column = |name: &str, kind: &str, format: &str| Column {
            name: name.into(),
            kind: kind.into(),
            format: format.into(),
            description: String::new(),
            priority: 0,
        };
        vec![column("Name", "string", "name"), column("Created At", "date", "")]
    },
    row: |_, object, _| Row {
        cells: vec![object["metadata"]["name"].clone(), object["metadata"]["creationTimestamp"].clone()],
        conditions: Vec::new(),
    },
};

/// A table of objects (in the served version). `columns`: whether to define the columns (later events of a watch do not).
pub fn table<'a>(call: &Call, objects: impl IntoIterator<Item = &'a Value>, metadata: Value, columns: bool) -> Result<Value, ApiError> {
    let include = match call.context.info.query.get("includeObject") {
        None => "Metadata",
        Some(include @ ("Metadata" | "Object" | "None")) => include,
        Some(other) => {
            let why = format!("includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty");
            return Err(ApiError::bad_request(format!("Unable to convert to Table as requested: {why}")));
        }
    };
    let printer = call.resource.hooks.printer.unwrap_or(DEFAULT);
    let now = call.core.now();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let Row { cells, conditions } = (printer.row)(&call.resource, object, now);
            let mut row = Map::new();
            row.insert("cells".into(), cells.into());
            if !conditions.is_empty() {
                row.insert("conditions".into(), conditions.into());
            }
            row.insert("object".into(), included(include, object));
            Value::Object(row)
        })
        .collect();
    let definitions: Value = if columns { (printer.columns)(&call.resource).iter().map(definition).collect() } else { Value::Null };
    Ok(json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows}))
}

fn included(include: &str, object: &Value) -> Value {
    match include {
        "Object" => object.clone(),
        "None" => Value::Null,
        _ => partial(object),
    }
}

fn definition(column: &Column) -> Value {
    json!({
        "name": column.name, "type": column.kind, "format": column.format,
        "description": column.description, "priority": column.priority,
    })
}
