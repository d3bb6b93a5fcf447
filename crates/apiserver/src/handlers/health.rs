//! `/healthz`, `/livez`, `/readyz` and `/version`.

use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::respond::{json_response, text_response};
use crate::request::RequestContext;
use crate::server::{Body, Core};

/// Checks in the order that upstream prints; the post-start hooks between them are those of 1.35's defaults.
const HOOKS: [&str; 28] = [
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-system-namespaces-controller",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
    "",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
];

struct Check {
    name: String,
    failed: bool,
}

fn checks(core: &Core, endpoint: &str) -> Vec<Check> {
    let store_down = !core.store.is_available();
    let starting = !core.is_started();
    let check = |name: &str, failed| Check { name: name.to_owned(), failed };
    let mut list = vec![check("ping", false), check("log", false), check("etcd", store_down)];
    if endpoint == "readyz" {
        list.push(check("etcd-readiness", store_down));
        list.push(check("informer-sync", false));
    }
    for hook in HOOKS {
        list.push(match hook {
            "" => check("autoregister-completion", false),
            "rbac/bootstrap-roles" => check("poststarthook/rbac/bootstrap-roles", starting),
            hook => check(&format!("poststarthook/{hook}"), false),
        });
    }
    if endpoint == "readyz" {
        list.push(check("shutdown", core.shutdown.is_cancelled()));
    }
    list
}

/// The answer to a health path, or `None` for other paths.
pub fn handle(core: &Core, context: &RequestContext) -> Option<Response<Body>> {
    let mut parts = context.info.path.trim_start_matches('/').splitn(2, '/');
    let endpoint = parts.next()?;
    if endpoint == "version" {
        return Some(version(core));
    }
    if !matches!(endpoint, "healthz" | "livez" | "readyz") {
        return None;
    }
    let mut checks = checks(core, endpoint);
    if let Some(one) = parts.next().filter(|name| !name.is_empty()) {
        return Some(match checks.iter().find(|check| check.name == one) {
            None => text_response(StatusCode::NOT_FOUND, "404 page not found\n"),
            Some(check) if check.failed => text_response(StatusCode::INTERNAL_SERVER_ERROR, "internal server error: reason withheld\n"),
            Some(_) => text_response(StatusCode::OK, "ok"),
        });
    }
    let excluded = context.info.query.all("exclude");
    checks.retain(|check| !excluded.contains(&check.name.as_str()));
    let failed = checks.iter().any(|check| check.failed);
    if !failed && !context.info.query.has("verbose") {
        return Some(text_response(StatusCode::OK, "ok"));
    }
    let line = |check: &Check| match check.failed {
        false => format!("[+]{} ok\n", check.name),
        true => format!("[-]{} failed: reason withheld\n", check.name),
    };
    let mut text: String = checks.iter().map(line).collect();
    text += &format!("{endpoint} check {}\n", if failed { "failed" } else { "passed" });
    let code = if failed { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let mut response = text_response(code, text);
    if failed {
        response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    }
    Some(response)
}

fn version(core: &Core) -> Response<Body> {
    let version = &core.config.version;
    let mut numbers = version.git_version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let previous = minor.parse::<u32>().map_or(String::new(), |minor| minor.saturating_sub(1).to_string());
    let value = json!({
        "major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
        "minCompatibilityMajor": major, "minCompatibilityMinor": previous,
        "gitVersion": version.git_version, "gitCommit": version.git_commit, "gitTreeState": "clean",
        "buildDate": version.build_date, "goVersion": version.go_version, "compiler": "gc", "platform": "linux/amd64",
    });
    // responsewriters.WriteRawJSON indents for everybody.
    json_response(StatusCode::OK, format!("{value:#}"))
}
