//! certificatesigningrequest-signing-controller: signs what is approved with the cluster's CA.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use rcgen::{CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};

use super::request::{condition, has, pem};
use crate::machinery::kit::Reconcile;
use crate::machinery::{Failure, Informer, Kit, Meta, Outcome};

const SIGNERS: [&str; 4] = [
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/kubelet-serving",
    "kubernetes.io/legacy-unknown",
];
/// Clocks may differ: certificates are valid from five minutes ago (`authority.DefaultBackdate`).
const BACKDATE: Duration = Duration::from_secs(300);

struct Controller {
    kit: Kit,
    requests: Arc<Informer<CertificateSigningRequest>>,
    cert: String,
    key: String,
}

/// Runs the controller, if it has a CA (`--cluster-signing-cert-file` and `--cluster-signing-key-file`).
pub async fn run(kit: Kit) {
    let (Some(cert), Some(key)) = (kit.options.signing_cert_pem.clone(), kit.options.signing_key_pem.clone()) else { return };
    let queue = kit.queue("csr_signer");
    let this = Controller { requests: kit.informer(), cert, key, kit: kit.clone() };
    let add = queue.clone();
    this.requests.subscribe(move |change| {
        if let Some(request) = change.new {
            add.add(request.name());
        }
    });
    kit.work(&queue, &[&*this.requests], &this).await;
}

impl Reconcile for Controller {
    async fn reconcile(&self, name: &str) -> Outcome {
        let Some(request) = self.requests.get(name) else { return Ok(()) };
        let open = has(&request, "Approved")
            && !has(&request, "Denied")
            && !has(&request, "Failed")
            && request.status.as_ref().is_none_or(|s| s.certificate.is_none());
        if !open || !SIGNERS.contains(&request.spec.signer_name.as_str()) {
            return Ok(());
        }
        let mut changed = CertificateSigningRequest::clone(&request);
        let status = changed.status.get_or_insert_default();
        match validate(&request) {
            Ok(()) => status.certificate = Some(ByteString(self.sign(&request).map_err(Failure::Other)?.into_bytes())),
            Err(reason) => {
                let failed = condition("Failed", "SignerValidationFailure", reason, self.kit.clock.now());
                status.conditions.get_or_insert_default().push(failed);
            }
        }
        self.kit.replace_status(&changed).await?;
        Ok(())
    }
}

/// Which usages each signer gives (`capihelper.DefaultSignerNameFromSpec` and the validators of the signing controller).
fn validate(request: &CertificateSigningRequest) -> Result<(), String> {
    let usages: Vec<&str> = request.spec.usages.iter().flatten().map(String::as_str).collect();
    let all_in = |allowed: &[&str]| usages.iter().all(|u| allowed.contains(u));
    let ok = match request.spec.signer_name.as_str() {
        "kubernetes.io/kubelet-serving" => {
            usages.contains(&"server auth") && all_in(&["server auth", "digital signature", "key encipherment"])
        }
        "kubernetes.io/legacy-unknown" => true,
        _ => usages.contains(&"client auth") && all_in(&["client auth", "digital signature", "key encipherment"]),
    };
    if ok { Ok(()) } else { Err(format!("invalid usages for signer {:?}: {usages:?}", request.spec.signer_name)) }
}

impl Controller {
    fn sign(&self, request: &CertificateSigningRequest) -> Result<String, String> {
        let key = KeyPair::from_pem(&self.key).map_err(|e| format!("error reading CA key: {e}"))?;
        let issuer = Issuer::from_ca_cert_pem(&self.cert, key).map_err(|e| format!("error reading CA cert: {e}"))?;
        let mut params = CertificateSigningRequestParams::from_pem(&pem(request))
            .map_err(|e| format!("unable to parse csr {:?}: {e}", request.name()))?;
        let now = u64::try_from(self.kit.clock.now().as_second()).unwrap_or(0);
        let asked = request.spec.expiration_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        let lifetime = asked.unwrap_or(self.kit.options.signing_duration).min(self.kit.options.signing_duration);
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.params.not_before = epoch + Duration::from_secs(now).saturating_sub(BACKDATE);
        params.params.not_after = epoch + Duration::from_secs(now) + lifetime;
        params.params.is_ca = IsCa::ExplicitNoCa;
        let serial = self.kit.memory.random(|g| g.bytes(16));
        params.params.serial_number = Some(SerialNumber::from(serial));
        params.params.use_authority_key_identifier_extension = true;
        params.params.key_usages = Vec::new();
        params.params.extended_key_usages = Vec::new();
        for usage in request.spec.usages.iter().flatten() {
            match usage.as_str() {
                "digital signature" => params.params.key_usages.push(KeyUsagePurpose::DigitalSignature),
                "key encipherment" => params.params.key_usages.push(KeyUsagePurpose::KeyEncipherment),
                "client auth" => params.params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth),
                "server auth" => params.params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
                _ => {}
            }
        }
        params.signed_by(&issuer).map(|c| c.pem()).map_err(|e| format!("error signing csr: {e}"))
    }
}
