//! Config maps, secrets, service accounts.

use base64::Engine;
use serde_json::Value;

use crate::describe::document::Document;
use crate::describe::metadata::{annotations, head, marks, text};

fn sorted(map: &Value) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = map.as_object().into_iter().flatten().collect();
    pairs.sort_by_key(|(k, _)| *k);
    pairs
}

fn size(value: &Value) -> usize {
    base64::engine::general_purpose::STANDARD.decode(text(value)).map_or(0, |bytes| bytes.len())
}

/// Adds a config map.
pub fn config_map(doc: &mut Document, map: &Value) {
    head(doc, map);
    marks(doc, map);
    doc.line(0, "\nData\n====");
    for (key, value) in sorted(&map["data"]) {
        doc.line(0, format!("{key}:\n----\n{}\n", text(value)));
    }
    doc.line(0, "\nBinaryData\n====");
    for (key, value) in sorted(&map["binaryData"]) {
        doc.line(0, format!("{key}: {} bytes", size(value)));
    }
    doc.line(0, "");
}

/// Adds a secret: sizes only, except tokens of service accounts.
pub fn secret(doc: &mut Document, secret: &Value) {
    head(doc, secret);
    marks(doc, secret);
    doc.line(0, format!("\nType:\t{}", text(&secret["type"])));
    doc.line(0, "\nData\n====");
    for (key, value) in sorted(&secret["data"]) {
        if key == "token" && secret["type"] == "kubernetes.io/service-account-token" {
            let token = base64::engine::general_purpose::STANDARD.decode(text(value)).unwrap_or_default();
            doc.field(0, key, String::from_utf8_lossy(&token));
        } else {
            doc.field(0, key, format!("{} bytes", size(value)));
        }
    }
}

/// A priority class.
pub fn priority_class(doc: &mut Document, class: &Value) {
    head(doc, class);
    doc.field(0, "Value", class["value"].to_string());
    doc.field(0, "GlobalDefault", (class["globalDefault"] == true).to_string());
    doc.field(0, "PreemptionPolicy", class["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority"));
    doc.field(0, "Description", text(&class["description"]));
    annotations(doc, "Annotations", &class["metadata"]["annotations"]);
}

/// Adds a service account.
pub fn service_account(doc: &mut Document, account: &Value) {
    head(doc, account);
    marks(doc, account);
    let names: Vec<String> = account["imagePullSecrets"].as_array().into_iter().flatten().map(|s| text(&s["name"]).to_owned()).collect();
    if names.is_empty() {
        doc.line(0, "Image pull secrets:\t<none>");
    }
    for (i, name) in names.iter().enumerate() {
        doc.line(0, format!("{}\t{name}", if i == 0 { "Image pull secrets:" } else { "                   " }));
    }
}
