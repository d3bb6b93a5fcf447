//! `CertificateApproval`, `CertificateSigning` and `CertificateSubjectRestriction`.

use serde_json::Value;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::plugin::{concerns, creates, forbidden};
use crate::authz;
use crate::json::Json;
use crate::request::RequestInfo;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;
use crate::validation::request_der;

const GROUP: &str = "certificates.k8s.io";

/// Whether the user may `verb` requests of a signer, by its name or by `domain/*` (`IsAuthorizedForSignerName`).
fn may(call: &AdmissionCall<'_>, verb: &'static str, signer: &str) -> bool {
    let wildcard = format!("{}/*", signer.split('/').next().unwrap_or_default());
    [signer, wildcard.as_str()].iter().any(|name| {
        let info = RequestInfo {
            is_resource: true,
            verb,
            group: GROUP.to_owned(),
            version: "*".to_owned(),
            resource: "signers".to_owned(),
            name: (*name).to_owned(),
            ..RequestInfo::default()
        };
        authz::decide(call.core, &call.context.user, &info).allowed
    })
}

pub(super) fn approval(call: &AdmissionCall<'_>, request: &Value) -> Result<(), ApiError> {
    let old = call.old.unwrap_or(request);
    let signer = old.text("spec.signerName");
    if !concerns(call, GROUP, "certificatesigningrequests") || call.subresource != "approval" || may(call, "approve", signer) {
        return Ok(());
    }
    Err(forbidden(call, request, format!("user not permitted to approve requests with signerName {signer:?}")))
}

pub(super) fn signing(call: &AdmissionCall<'_>, request: &Value) -> Result<(), ApiError> {
    let Some(old) = call.old.filter(|_| concerns(call, GROUP, "certificatesigningrequests") && call.subresource == "status") else {
        return Ok(());
    };
    let failed = |r: &Value| r.list("status.conditions").iter().filter(|c| c.text("type") == "Failed").cloned().collect::<Vec<_>>();
    let unchanged = old.at("status.certificate") == request.at("status.certificate") && failed(old) == failed(request);
    let signer = old.text("spec.signerName");
    if unchanged || may(call, "sign", signer) {
        return Ok(());
    }
    Err(forbidden(call, request, format!("user not permitted to sign requests with signerName {signer:?}")))
}

/// Nobody becomes an administrator by asking for it.
pub(super) fn subject(call: &AdmissionCall<'_>, request: &Value) -> Result<(), ApiError> {
    let signer = request.text("spec.signerName");
    if !concerns(call, GROUP, "certificatesigningrequests")
        || !creates(call)
        || call.operation != Operation::Create
        || signer != "kubernetes.io/kube-apiserver-client"
    {
        return Ok(());
    }
    let der = request_der(request.at("spec.request")).unwrap_or_default();
    let Ok((_, parsed)) = X509CertificationRequest::from_der(&der) else {
        return Err(forbidden(call, request, "failed to parse CSR"));
    };
    let masters = parsed.certification_request_info.subject.iter_organization().any(|o| o.as_str() == Ok("system:masters"));
    if masters {
        let why = "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
        return Err(forbidden(call, request, why));
    }
    Ok(())
}
