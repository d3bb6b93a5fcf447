//! Certificate signing requests (`pkg/apis/certificates/validation`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::{PemObject, SectionKind};
use serde_json::Value;

use super::names;
use super::path::{Errors, Path};
use crate::json::Json;
use crate::registry::Validation;
use crate::status::FieldError;

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// The DER of a PEM request, with the text of what is wrong with it.
pub fn request_der(request: &Value) -> Result<Vec<u8>, String> {
    let pem = STANDARD.decode(request.as_str().unwrap_or_default()).unwrap_or_default();
    match <(SectionKind, Vec<u8>)>::from_pem_slice(&pem) {
        Ok((SectionKind::Csr, der)) => Ok(der),
        _ => Err("PEM block type must be CERTIFICATE REQUEST".to_owned()),
    }
}

/// Judges a CertificateSigningRequest.
pub fn signing_request(input: &Validation<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let (object, path) = (input.object, Path::new("spec"));
    let spec = object.at("spec");
    if let Err(why) = request_der(spec.at("request")) {
        // Bytes print as Go prints a slice of them.
        let bytes = STANDARD.decode(spec.text("request")).unwrap_or_default();
        errors.invalid(&path.child("request"), STANDARD.encode(bytes), why);
    }
    let usages = spec.list("usages");
    if usages.is_empty() {
        errors.required(&path.child("usages"), "");
    }
    for (i, usage) in usages.iter().filter_map(Value::as_str).enumerate() {
        if !USAGES.contains(&usage) {
            errors.not_supported(&path.child("usages").index(i), usage, &USAGES);
        } else if usages[..i].iter().any(|u| u == usage) {
            errors.duplicate(&path.child("usages").index(i), usage);
        }
    }
    signer_name(spec.text("signerName"), &path.child("signerName"), &mut errors);
    if let Some(seconds) = spec.int("expirationSeconds").filter(|s| *s < 600) {
        errors.invalid(&path.child("expirationSeconds"), seconds, "may not specify a duration less than 600 seconds (10 minutes)");
    }
    conditions(object.list("status.conditions"), &mut errors);
    if let Some(old) = input.old {
        update(input, old, &mut errors);
    }
    errors.0
}

fn signer_name(name: &str, path: &Path, errors: &mut Errors) {
    if name == "kubernetes.io/legacy-unknown" {
        errors.invalid(path, name, "the legacy signerName is not allowed via this API version");
    }
    match name.split_once('/') {
        _ if name.is_empty() => errors.required(path, ""),
        None => errors.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
        Some((domain, _)) => {
            if !domain.contains('.') {
                errors.invalid(path, domain, "should be a domain with at least two segments separated by dots");
            }
            errors.all_invalid(path, domain, names::dns_subdomain(domain));
        }
    }
}

fn conditions(conditions: &[Value], errors: &mut Errors) {
    let path = Path::new("status").child("conditions");
    let has = |kind: &str| conditions.iter().any(|c| c.text("type") == kind);
    for (i, condition) in conditions.iter().enumerate() {
        let path = path.index(i);
        if condition.text("type").is_empty() {
            errors.required(&path.child("type"), "");
        }
        let allowed: &[&str] = match condition.text("type") {
            "Approved" | "Denied" | "Failed" => &["True"],
            _ => &["False", "True", "Unknown"],
        };
        errors.one_of(&path.child("status"), condition.text("status"), allowed);
        if conditions[..i].iter().any(|c| c.text("type") == condition.text("type")) {
            errors.duplicate(&path.child("type"), condition.text("type"));
        }
    }
    if has("Approved") && has("Denied") {
        errors.invalid(&path, "Denied", "Approved and Denied conditions are mutually exclusive");
    }
}

fn update(input: &Validation<'_>, old: &Value, errors: &mut Errors) {
    let (new, path) = (input.object, Path::new("status"));
    let find = |object: &Value, kind: &str| object.list("status.conditions").iter().find(|c| c.text("type") == kind).cloned();
    let may_add: &[&str] = match input.subresource {
        "approval" => &["Approved", "Denied"],
        "status" => &["Failed"],
        _ => &[],
    };
    for kind in ["Approved", "Denied", "Failed"] {
        match (find(old, kind), find(new, kind)) {
            (Some(_), None) => {
                errors.forbidden(&path.child("conditions"), format!("updates may not remove a condition of type {kind:?}"));
            }
            (None, Some(_)) if !may_add.contains(&kind) => {
                errors.forbidden(&path.child("conditions"), format!("updates may not add a condition of type {kind:?}"));
            }
            _ => {}
        }
    }
    if new.at("status.certificate") != old.at("status.certificate") {
        if input.subresource != "status" {
            errors.forbidden(&path.child("certificate"), "updates may not set certificate content");
        } else if !old.text("status.certificate").is_empty() {
            errors.forbidden(&path.child("certificate"), "updates may not modify existing certificate content");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::judge;
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_need_pem_usages_and_a_signer() {
        let object = json!({"spec": {"request": "eA==", "signerName": "kubernetes.io/kube-apiserver-client", "usages": []}});
        assert_eq!(
            judge(signing_request, &object, None),
            ["spec.request: Invalid value: \"eA==\": PEM block type must be CERTIFICATE REQUEST", "spec.usages: Required value",]
        );
    }
}
