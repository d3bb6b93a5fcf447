//! Security contexts of containers and pods.

use serde_json::Value;

use crate::json::Json;
use crate::validation::diff::internal;
use crate::validation::names;
use crate::validation::path::{Errors, Path};

fn ids(context: &Value, fields: &[&str], path: &Path, errors: &mut Errors) {
    for field in fields {
        if let Some(id) = context.int(field) {
            for message in names::unix_id(id) {
                errors.invalid(&path.child(field), id, message);
            }
        }
    }
}

fn seccomp(profile: &Value, path: &Path, errors: &mut Errors) {
    const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
    if profile.is_null() {
        return;
    }
    match profile.text("type") {
        "" => errors.required(&path.child("type"), "type is required when seccompProfile is set"),
        kind if !TYPES.contains(&kind) => errors.not_supported(&path.child("type"), kind, &TYPES),
        "Localhost" if !profile.has("localhostProfile") => {
            errors.required(&path.child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        "Localhost" => {}
        _ if profile.has("localhostProfile") => {
            errors.invalid(&path.child("localhostProfile"), profile.clone(), "can only be set when seccomp type is Localhost");
        }
        _ => {}
    }
}

fn app_armor(profile: &Value, path: &Path, errors: &mut Errors) {
    const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
    if profile.is_null() {
        return;
    }
    match profile.text("type") {
        "" => errors.required(&path.child("type"), "type is required when appArmorProfile is set"),
        kind if !TYPES.contains(&kind) => errors.not_supported(&path.child("type"), kind, &TYPES),
        "Localhost" if profile.text("localhostProfile").trim().is_empty() => {
            errors.required(&path.child("localhostProfile"), "must be set when AppArmor type is Localhost");
        }
        kind if kind != "Localhost" && profile.has("localhostProfile") => {
            errors.invalid(
                &path.child("localhostProfile"),
                profile.at("localhostProfile").clone(),
                "can only be set when AppArmor type is Localhost",
            );
        }
        _ => {}
    }
}

/// Checks a container's security context (`ValidateSecurityContext`).
pub fn container(context: &Value, path: &Path, errors: &mut Errors) {
    if context.is_null() {
        return;
    }
    ids(context, &["runAsUser", "runAsGroup"], path, errors);
    seccomp(context.at("seccompProfile"), &path.child("seccompProfile"), errors);
    app_armor(context.at("appArmorProfile"), &path.child("appArmorProfile"), errors);
    let mount = context.text("procMount");
    if !matches!(mount, "" | "Default" | "Unmasked") {
        errors.not_supported(&path.child("procMount"), mount, &["Default", "Unmasked"]);
    }
    if context.flag("allowPrivilegeEscalation") == Some(false) {
        const FIELDS: [&str; 12] = [
            "capabilities",
            "privileged",
            "seLinuxOptions",
            "windowsOptions",
            "runAsUser",
            "runAsGroup",
            "runAsNonRoot",
            "readOnlyRootFilesystem",
            "allowPrivilegeEscalation",
            "procMount",
            "seccompProfile",
            "appArmorProfile",
        ];
        let shown = || internal(context, &FIELDS, &[]);
        if context.flag("privileged") == Some(true) {
            errors.invalid(path, shown(), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        if context.list("capabilities.add").iter().any(|c| c == "CAP_SYS_ADMIN") {
            errors.invalid(path, shown(), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }
}

/// Checks a pod's security context (`validatePodSpecSecurityContext`).
pub fn pod(spec: &Value, path: &Path, errors: &mut Errors) {
    let (context, path, spec_path) = (spec.at("securityContext"), path.child("securityContext"), path);
    ids(context, &["fsGroup", "runAsUser", "runAsGroup"], &path, errors);
    for (i, group) in context.list("supplementalGroups").iter().enumerate() {
        let id = group.as_i64().unwrap_or(-1);
        for message in names::unix_id(id) {
            errors.invalid(&path.child("supplementalGroups").index(i), id, message);
        }
    }
    if spec.flag("shareProcessNamespace") == Some(true) && spec.flag("hostPID") == Some(true) {
        errors.invalid(&spec_path.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
    }
    sysctls(context.list("sysctls"), &path.child("sysctls"), errors);
    let policy = context.text("fsGroupChangePolicy");
    if !matches!(policy, "" | "OnRootMismatch" | "Always") {
        errors.not_supported(&path.child("fsGroupChangePolicy"), policy, &["Always", "OnRootMismatch"]);
    }
    seccomp(context.at("seccompProfile"), &path.child("seccompProfile"), errors);
    app_armor(context.at("appArmorProfile"), &path.child("appArmorProfile"), errors);
    let policy = context.text("supplementalGroupsPolicy");
    if !matches!(policy, "" | "Merge" | "Strict") {
        errors.not_supported(&path.child("supplementalGroupsPolicy"), policy, &["Merge", "Strict"]);
    }
}

fn sysctls(list: &[Value], path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, sysctl) in list.iter().enumerate() {
        let path = path.index(i).child("name");
        match sysctl.text("name") {
            "" => errors.required(&path, ""),
            name if seen.contains(&name) => errors.duplicate(&path, name),
            name => seen.push(name),
        }
    }
}
