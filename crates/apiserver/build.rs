//! Makes the schema table: types and descriptions of k8s-openapi, joined with the facts that it lacks.
//!
//! The output is text, one line for each type, deflated; `src/schema/table.rs` documents and reads it.

// A build script reports by panicking; nobody else reads its items.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs};

use k8s_openapi::api::{
    admissionregistration, apps, authentication, authorization, autoscaling, batch, certificates, coordination, core, discovery, events,
    flowcontrol, networking, node, policy, rbac, resource, scheduling, storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

macro_rules! kinds {
    ($generator:ident: $($module:ident :: $version:ident { $($kind:ident),* $(,)? })*) => {
        $($( $generator.subschema_for::<$module::$version::$kind>(); )*)*
    };
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=facts");
    let definitions = definitions();
    let mut facts = facts(&fs::read_to_string("facts/fields.txt").unwrap());
    defaults(&mut facts, &fs::read_to_string("facts/defaults.txt").unwrap());
    meanings(&mut facts, &fs::read_to_string("facts/enums.txt").unwrap());
    let ids: BTreeMap<&str, usize> = definitions.keys().enumerate().map(|(id, name)| (name.as_str(), id)).collect();
    let (mut types, mut descriptions) = (String::new(), String::new());
    for (name, definition) in &definitions {
        let empty = TypeFacts::default();
        let known = facts.get(name).unwrap_or(&empty);
        write_type(&mut types, name, definition, known, &ids);
        write_descriptions(&mut descriptions, definition, known);
    }
    let out = env::var("OUT_DIR").unwrap();
    deflate(&Path::new(&out).join("types.z"), &types);
    deflate(&Path::new(&out).join("descriptions.z"), &descriptions);
}

/// All types reachable from the kinds that are served, by name.
fn definitions() -> BTreeMap<String, Value> {
    let mut generator = SchemaGenerator::new(SchemaSettings::openapi3());
    kinds! { generator:
        core::v1 {
            Binding, ComponentStatus, ConfigMap, Endpoints, Event, LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate,
            ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
        }
        apps::v1 { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet }
        batch::v1 { CronJob, Job }
        autoscaling::v1 { HorizontalPodAutoscaler, Scale }
        autoscaling::v2 { HorizontalPodAutoscaler }
        policy::v1 { Eviction, PodDisruptionBudget }
        networking::v1 { IPAddress, Ingress, IngressClass, NetworkPolicy, ServiceCIDR }
        rbac::v1 { ClusterRole, ClusterRoleBinding, Role, RoleBinding }
        storage::v1 { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass }
        scheduling::v1 { PriorityClass }
        coordination::v1 { Lease }
        discovery::v1 { EndpointSlice }
        events::v1 { Event }
        certificates::v1 { CertificateSigningRequest }
        node::v1 { RuntimeClass }
        resource::v1 { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice }
        flowcontrol::v1 { FlowSchema, PriorityLevelConfiguration }
        authentication::v1 { SelfSubjectReview, TokenRequest, TokenReview }
        authorization::v1 { LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview }
        admissionregistration::v1 {
            MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
        }
        apiextensions::v1 { CustomResourceDefinition }
        apiregistration::v1 { APIService }
        meta::v1 { APIGroup, APIGroupList, APIResourceList, APIVersions, DeleteOptions, ListMeta, Status }
    }
    generator.take_definitions(true).into_iter().collect()
}

#[derive(Default)]
struct TypeFacts {
    atomic: bool,
    fields: BTreeMap<String, FieldFacts>,
}

#[derive(Default)]
struct FieldFacts {
    flags: String,
    merge_key: String,
    list: String,
    atomic_map: bool,
    allowed: String,
    /// Values with a meaning.
    meanings: BTreeMap<String, String>,
    default: String,
}

/// Reads `facts/fields.txt`; its head documents the format.
fn facts(text: &str) -> BTreeMap<String, TypeFacts> {
    let mut types = BTreeMap::<String, TypeFacts>::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let Some(row) = line.strip_prefix("  ") else {
            let (name, mark) = line.split_once(' ').unwrap_or((line, ""));
            current = name.to_owned();
            types.entry(current.clone()).or_default().atomic = mark == "atomic";
            continue;
        };
        let (name, rest) = row.split_once(' ').unwrap();
        let field = types.get_mut(&current).unwrap().fields.entry(name.to_owned()).or_default();
        // A default may hold spaces, so it comes last.
        let (marks, default) = match rest.split_once("default=") {
            Some((marks, default)) => (marks, default),
            None => (rest, ""),
        };
        field.default = default.to_owned();
        for mark in marks.split_whitespace() {
            match mark.split_once('=').unwrap_or((mark, "")) {
                ("pointer", _) => field.flags.push('p'),
                ("always", _) => field.flags.push('a'),
                ("omitzero", _) => field.flags.push('z'),
                ("strategy", strategy) => {
                    for part in strategy.split(',') {
                        field.flags.push(match part {
                            "merge" => 'm',
                            "retainKeys" => 'k',
                            "replace" => 'R',
                            other => panic!("{current}.{name}: patch strategy {other}"),
                        });
                    }
                }
                ("merge", key) => field.merge_key = key.to_owned(),
                ("list", list) => field.list = list.to_owned(),
                ("map", "atomic") => field.atomic_map = true,
                ("enum", allowed) => field.allowed = allowed.to_owned(),
                _ => panic!("{current}.{name}: {mark}"),
            }
        }
    }
    types
}

/// Joins `facts/defaults.txt`.
fn defaults(types: &mut BTreeMap<String, TypeFacts>, text: &str) {
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (path, value) = line.split_once(" = ").unwrap_or_else(|| panic!("facts/defaults.txt: {line}"));
        let (name, field) = path.rsplit_once('.').unwrap();
        serde_json::from_str::<Value>(value).unwrap_or_else(|error| panic!("facts/defaults.txt: {line}: {error}"));
        types.entry(name.to_owned()).or_default().fields.entry(field.to_owned()).or_default().default = value.to_owned();
    }
}

/// Joins `facts/enums.txt`; its head documents the format.
fn meanings(types: &mut BTreeMap<String, TypeFacts>, text: &str) {
    let mut current = None;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        match line.strip_prefix("  ") {
            None => {
                let (name, field) = line.rsplit_once('.').unwrap();
                current = types.entry(name.to_owned()).or_default().fields.entry(field.to_owned()).or_default().into();
            }
            Some(row) => {
                let (value, meaning) =
                    row.strip_prefix('"').and_then(|row| row.split_once("\" ")).unwrap_or_else(|| panic!("facts/enums.txt: {line}"));
                let field: &mut FieldFacts = current.as_mut().unwrap();
                field.meanings.insert(value.to_owned(), meaning.replace("\\n", "\n"));
            }
        }
    }
}

const FIELD: char = '\t';
const ATTRIBUTE: char = '\u{1f}';

fn write_type(out: &mut String, name: &str, definition: &Value, facts: &TypeFacts, ids: &BTreeMap<&str, usize>) {
    out.push_str(name);
    out.push(FIELD);
    if facts.atomic || definition["x-kubernetes-map-type"] == "atomic" {
        out.push('A');
    }
    if let Some(scalar) = scalar(name) {
        write!(out, "{FIELD}{scalar}").unwrap();
    } else if let Some(properties) = definition["properties"].as_object() {
        let sorted: BTreeMap<_, _> = properties.iter().collect();
        let required = definition["required"].as_array();
        let none = FieldFacts::default();
        for (field, schema) in sorted {
            let facts = facts.fields.get(field).unwrap_or(&none);
            let mut flags = facts.flags.clone();
            if required.is_some_and(|list| list.iter().any(|r| r == field)) {
                flags.push('r');
            }
            let shape = shape(schema, facts, ids);
            write!(
                out,
                "{FIELD}{field}{ATTRIBUTE}{shape}{ATTRIBUTE}{flags}{ATTRIBUTE}{}{ATTRIBUTE}{}{ATTRIBUTE}{}",
                facts.merge_key, facts.allowed, facts.default
            )
            .unwrap();
        }
    } else {
        write!(out, "{FIELD}*").unwrap();
    }
    out.push('\n');
}

/// Named types that are one value.
fn scalar(name: &str) -> Option<&'static str> {
    Some(match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => "q",
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => "o",
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" => "t",
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => "u",
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" | "io.k8s.apimachinery.pkg.runtime.RawExtension" => "*",
        _ => return None,
    })
}

/// The shape of a field in the table's notation.
fn shape(schema: &Value, facts: &FieldFacts, ids: &BTreeMap<&str, usize>) -> String {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"].as_array()?.first()?["$ref"].as_str());
    if let Some(reference) = reference {
        let name = reference.rsplit('/').next().unwrap();
        return scalar(name).map_or_else(|| format!("#{}", ids[name]), str::to_owned);
    }
    let plain = FieldFacts::default();
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => "y".into(),
        (Some("string"), Some("date-time")) => "t".into(),
        (Some("string"), _) => "s".into(),
        (Some("integer"), Some("int64")) => "l".into(),
        (Some("integer"), _) => "i".into(),
        (Some("number"), _) => "n".into(),
        (Some("boolean"), _) => "b".into(),
        (Some("array"), _) => {
            let item = shape(&schema["items"], &plain, ids);
            match facts.list.split_once(':') {
                Some(("map", keys)) => format!("[m{keys};{item}"),
                _ if facts.list == "set" => format!("[s{item}"),
                _ => format!("[a{item}"),
            }
        }
        (Some("object"), _) => {
            let value =
                if schema["additionalProperties"].is_object() { shape(&schema["additionalProperties"], &plain, ids) } else { "*".into() };
            format!("{{{}{value}", if facts.atomic_map { 'a' } else { 'g' })
        }
        _ => "*".into(),
    }
}

fn write_descriptions(out: &mut String, definition: &Value, facts: &TypeFacts) {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', " ");
    let text = |schema: &Value| schema["description"].as_str().unwrap_or("").to_owned();
    out.push_str(&escape(&text(definition)));
    if let Some(properties) = definition["properties"].as_object() {
        let sorted: BTreeMap<_, _> = properties.iter().collect();
        for (name, schema) in sorted {
            let mut text = text(schema);
            // kube-openapi's generator lists the values of enumerated strings behind the description.
            if let Some(known) = facts.fields.get(name).filter(|known| !known.allowed.is_empty() && schema["type"] == "string") {
                text.push_str("\n\nPossible enum values:");
                for value in known.allowed.split('|') {
                    let meaning = known.meanings.get(value).map(|meaning| format!(" {meaning}")).unwrap_or_default();
                    write!(text, "\n - `\"{value}\"`{meaning}").unwrap();
                }
            }
            write!(out, "{FIELD}{}", escape(&text)).unwrap();
        }
    }
    out.push('\n');
}

fn deflate(path: &Path, text: &str) {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    fs::write(path, encoder.finish().unwrap()).unwrap();
}
