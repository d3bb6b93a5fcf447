//! Probes and life-cycle handlers.

use serde_json::Value;

use crate::json::Json;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `livenessProbe`.
    Liveness,
    /// `readinessProbe`.
    Readiness,
    /// `startupProbe`.
    Startup,
}

/// Checks a probe.
pub fn probe(probe: &Value, kind: Kind, path: &Path, errors: &mut Errors) {
    if probe.is_null() {
        return;
    }
    handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], path, errors);
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        errors.non_negative(&path.child(field), probe.int(field).unwrap_or(0));
    }
    let grace = probe.int("terminationGracePeriodSeconds");
    if let Some(grace) = grace.filter(|g| *g <= 0) {
        errors.invalid(&path.child("terminationGracePeriodSeconds"), grace, "must be greater than 0");
    }
    match (kind, probe.int("successThreshold").unwrap_or(1)) {
        (Kind::Liveness | Kind::Startup, threshold) if threshold != 1 => {
            errors.invalid(&path.child("successThreshold"), threshold, "must be 1");
        }
        _ => {}
    }
    if kind == Kind::Readiness
        && let Some(grace) = grace
    {
        errors.invalid(&path.child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes");
    }
}

/// Checks `lifecycle`.
pub fn lifecycle(lifecycle: &Value, path: &Path, errors: &mut Errors) {
    for hook in ["postStart", "preStop"] {
        if lifecycle.has(hook) {
            handler(lifecycle.at(hook), &["exec", "httpGet", "tcpSocket", "sleep"], &path.child(hook), errors);
        }
    }
}

fn handler(handler: &Value, kinds: &[&str], path: &Path, errors: &mut Errors) {
    let mut count = 0;
    for kind in kinds.iter().filter(|kind| handler.has(kind)) {
        let path = path.child(kind);
        if count > 0 {
            errors.forbidden(&path, "may not specify more than 1 handler type");
            continue;
        }
        count += 1;
        let action = handler.at(kind);
        match *kind {
            "exec" if action.list("command").is_empty() => errors.required(&path.child("command"), ""),
            "httpGet" => {
                if action.text("path").is_empty() {
                    errors.required(&path.child("path"), "");
                }
                port(action.at("port"), &path.child("port"), errors);
                let scheme = action.text("scheme");
                if !["HTTP", "HTTPS"].contains(&scheme) {
                    errors.not_supported(&path.child("scheme"), scheme, &["HTTP", "HTTPS"]);
                }
                for header in action.list("httpHeaders") {
                    let name = header.text("name");
                    errors.all_invalid(&path.child("httpHeaders"), name, names::header_name(name));
                }
            }
            "tcpSocket" => port(action.at("port"), &path.child("port"), errors),
            "grpc" => port(action.at("port"), &path.child("port"), errors),
            _ => {}
        }
    }
    if count == 0 {
        errors.required(path, "must specify a handler type");
    }
}

/// Checks a port that may be a number or a name (`ValidatePortNumOrName`).
pub fn port(port: &Value, path: &Path, errors: &mut Errors) {
    match port {
        Value::String(name) => errors.all_invalid(path, name, names::port_name(name)),
        number => {
            let number = number.as_i64().unwrap_or(0);
            for message in names::port_number(number) {
                errors.invalid(path, number, message);
            }
        }
    }
}
