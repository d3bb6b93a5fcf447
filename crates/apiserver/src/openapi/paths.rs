//! Paths and operations of a group version, as far as clients look at them: which kind a path is of, which parameters a
//! write takes, which patches there are.

use serde_json::{Map, Value, json};

use super::schema::{gvk, reference};
use crate::patch;
use crate::registry::{Gvk, Resource, Subresource};

/// What a path answers with and takes.
struct Payload<'a> {
    gvk: &'a Gvk,
    schema: String,
}

/// Adds the paths of a resource.
pub fn add(row: &Resource, base: &str, paths: &mut Map<String, Value>) {
    let object = Payload { gvk: &row.gvk, schema: row.schema.get(row.type_id).name.clone() };
    let list = list_name(&object.schema);
    let all = format!("{base}/{}", row.plural);
    let collection = if row.namespaced { format!("{base}/namespaces/{{namespace}}/{}", row.plural) } else { all.clone() };
    let item = format!("{collection}/{{name}}");

    let mut operations = Map::new();
    for (method, verb, action) in [("get", "list", "list"), ("post", "create", "post"), ("delete", "deletecollection", "deletecollection")]
    {
        if row.has_verb(verb) {
            let schema = if verb == "list" { &list } else { &object.schema };
            operations.insert(method.into(), operation(row, &object, action, schema, ""));
        }
    }
    insert(paths, collection.clone(), operations, row.namespaced, false);
    if row.namespaced && row.has_verb("list") {
        let mut operations = Map::new();
        operations.insert("get".into(), operation(row, &object, "list", &list, ""));
        insert(paths, all, operations, false, false);
    }

    let mut operations = Map::new();
    for (method, verb, action) in
        [("get", "get", "get"), ("put", "update", "put"), ("patch", "patch", "patch"), ("delete", "delete", "delete")]
    {
        if row.has_verb(verb) {
            operations.insert(method.into(), operation(row, &object, action, &object.schema, ""));
        }
    }
    insert(paths, item.clone(), operations, row.namespaced, true);
    for sub in &row.subresources {
        subresource(row, sub, &item, paths);
    }
}

fn subresource(row: &Resource, sub: &Subresource, item: &str, paths: &mut Map<String, Value>) {
    let schema = crate::schema::Table::type_name(&sub.gvk.group, &sub.gvk.version, &sub.gvk.kind);
    // Options of connections are no objects: upstream describes those paths with plain strings.
    let schema = if row.schema.find(&schema).is_some() { schema } else { String::new() };
    let payload = Payload { gvk: &sub.gvk, schema };
    let mut operations = Map::new();
    for (method, verb, action) in [
        ("get", "get", "get"),
        ("put", "update", "put"),
        ("patch", "patch", "patch"),
        ("post", "create", "post"),
        ("delete", "delete", "delete"),
    ] {
        if sub.verbs.contains(&verb) {
            operations.insert(method.into(), operation(row, &payload, action, &payload.schema, sub.name));
        }
    }
    insert(paths, format!("{item}/{}", sub.name), operations, row.namespaced, true);
}

/// Name of a list's schema.
pub fn list_name(schema: &str) -> String {
    format!("{schema}List")
}

fn insert(paths: &mut Map<String, Value>, path: String, mut operations: Map<String, Value>, namespaced: bool, named: bool) {
    if operations.is_empty() {
        return;
    }
    let mut parameters = Vec::new();
    if named {
        parameters.push(json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}}));
    }
    if namespaced {
        parameters
            .push(json!({"name": "namespace", "in": "path", "description": "object name and auth scope, such as for teams and projects",
            "required": true, "schema": {"type": "string", "uniqueItems": true}}));
    }
    parameters.push(query("pretty", "string"));
    operations.insert("parameters".into(), parameters.into());
    paths.insert(path, Value::Object(operations));
}

fn query(name: &str, kind: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}})
}

fn parameters(action: &str) -> Vec<Value> {
    const WRITE: [(&str, &str); 3] = [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
    const LIST: [(&str, &str); 10] = [
        ("allowWatchBookmarks", "boolean"),
        ("continue", "string"),
        ("fieldSelector", "string"),
        ("labelSelector", "string"),
        ("limit", "integer"),
        ("resourceVersion", "string"),
        ("resourceVersionMatch", "string"),
        ("sendInitialEvents", "boolean"),
        ("timeoutSeconds", "integer"),
        ("watch", "boolean"),
    ];
    const DELETE: [(&str, &str); 4] =
        [("dryRun", "string"), ("gracePeriodSeconds", "integer"), ("orphanDependents", "boolean"), ("propagationPolicy", "string")];
    let make = |list: &[(&str, &str)]| list.iter().map(|(name, kind)| query(name, kind)).collect::<Vec<_>>();
    match action {
        "list" => make(&LIST),
        "post" | "put" => make(&WRITE),
        "patch" => {
            let mut all = make(&WRITE);
            all.push(query("force", "boolean"));
            all
        }
        "delete" => make(&DELETE),
        "deletecollection" => make(&DELETE).into_iter().chain(make(&LIST[1..7])).collect(),
        _ => Vec::new(),
    }
}

fn operation(row: &Resource, payload: &Payload<'_>, action: &str, schema: &str, sub: &str) -> Value {
    let content = |schema: &str| if schema.is_empty() { json!({"type": "string"}) } else { reference(schema) };
    let mut map = Map::new();
    let kind = &payload.gvk.kind;
    map.insert("tags".into(), json!([tag(&row.gvk)]));
    let text = match action {
        "list" => format!("list or watch objects of kind {kind}"),
        "post" => format!("create {kind}"),
        "put" => format!("replace the specified {kind}"),
        "patch" => format!("partially update the specified {kind}"),
        "delete" => format!("delete {kind}"),
        "deletecollection" => format!("delete collection of {kind}"),
        _ => format!("read the specified {kind}"),
    };
    map.insert("description".into(), if sub.is_empty() { text } else { format!("{sub}: {text}") }.into());
    map.insert("parameters".into(), parameters(action).into());
    match action {
        "post" | "put" => {
            drop(map.insert("requestBody".into(), json!({"content": {"*/*": {"schema": content(&payload.schema)}}, "required": true})))
        }
        "patch" => {
            let patch_schema = reference("io.k8s.apimachinery.pkg.apis.meta.v1.Patch");
            // Custom resources have no strategic merge.
            let builtin = payload.schema.starts_with("io.k8s.");
            let types = patch::MEDIA_TYPES.iter().filter(|t| builtin || **t != patch::STRATEGIC);
            let content: Map<String, Value> = types.map(|t| ((*t).to_owned(), json!({"schema": patch_schema}))).collect();
            map.insert("requestBody".into(), json!({"content": content, "required": true}));
        }
        _ => {}
    }
    let answer = json!({"description": "OK", "content": {"application/json": {"schema": content(schema)}}});
    map.insert("responses".into(), json!({"200": answer, "401": {"description": "Unauthorized"}}));
    map.insert("x-kubernetes-action".into(), action.into());
    map.insert("x-kubernetes-group-version-kind".into(), gvk(payload.gvk));
    Value::Object(map)
}

/// `apps_v1`, `core_v1`.
fn tag(gvk: &Gvk) -> String {
    let group = if gvk.group.is_empty() { "core" } else { gvk.group.split('.').next().unwrap_or_default() };
    format!("{group}_{}", gvk.version)
}
