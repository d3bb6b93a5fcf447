//! Reading requests.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{CertificateSigningRequest, CertificateSigningRequestCondition};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::machinery::object::time;

/// Client certificates of kubelets.
pub const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// Common name and organisations of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `CN`.
    pub name: String,
    /// `O`.
    pub organizations: Vec<String>,
    /// Whether it asks for alternative names.
    pub has_names: bool,
}

/// The PEM text of a request.
pub fn pem(request: &CertificateSigningRequest) -> String {
    let ByteString(bytes) = &request.spec.request;
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads the subject.
pub fn subject(request: &CertificateSigningRequest) -> Option<Subject> {
    let text = pem(request);
    let (_, block) = x509_parser::pem::parse_x509_pem(text.as_bytes()).ok()?;
    let (_, parsed) = X509CertificationRequest::from_der(&block.contents).ok()?;
    let info = &parsed.certification_request_info;
    Some(Subject {
        name: info.subject.iter_common_name().next()?.as_str().ok()?.to_owned(),
        organizations: info.subject.iter_organization().filter_map(|o| o.as_str().ok().map(str::to_owned)).collect(),
        has_names: parsed
            .requested_extensions()
            .is_some_and(|mut e| e.any(|x| matches!(x, x509_parser::extensions::ParsedExtension::SubjectAlternativeName(_)))),
    })
}

/// Whether a condition stands.
pub fn has(request: &CertificateSigningRequest, kind: &str) -> bool {
    request.status.iter().flat_map(|s| s.conditions.iter().flatten()).any(|c| c.type_ == kind)
}

/// A condition that begins now.
pub fn condition(kind: &str, reason: &str, message: String, now: Timestamp) -> CertificateSigningRequestCondition {
    CertificateSigningRequestCondition {
        type_: kind.to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_update_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}
