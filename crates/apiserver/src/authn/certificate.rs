//! Client certificates (`authentication/request/x509`): the chain, the dates, the usage; the common name is the user, the
//! organisations are the groups.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use component::tls::{self, Validity};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::request::UserInfo;

/// Users whose certificates were found good: a connection shows its own with every request, and checking a signature takes longer
/// than answering. Dates are looked at each time. The authorities are always the same.
#[derive(Debug, Default)]
pub struct KnownUsers(Mutex<BTreeMap<Vec<u8>, (UserInfo, Validity)>>);

impl KnownUsers {
    /// More than hold certificates at one time.
    const LIMIT: usize = 256;

    /// As [`authenticate`].
    pub fn authenticate(
        &self,
        certificate: &CertificateDer<'_>,
        authorities: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<UserInfo, String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((user, validity)) = known.get(certificate.as_ref())
            && validity.holds(now)
        {
            return Ok(user.clone());
        }
        let (user, validity) = authenticate(certificate, authorities, now)?;
        if known.len() >= Self::LIMIT {
            known.clear();
        }
        known.insert(certificate.to_vec(), (user.clone(), validity));
        Ok(user)
    }
}

/// Judges a presented certificate and says how long that holds; the error is what the server would log.
fn authenticate(
    certificate: &CertificateDer<'_>,
    authorities: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<(UserInfo, Validity), String> {
    let validity = tls::verify_chain(std::slice::from_ref(certificate), authorities, now).map_err(|e| e.to_string())?;
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|e| e.to_string())?;
    let usage = parsed.extended_key_usage().ok().flatten();
    if !usage.is_none_or(|usage| usage.value.client_auth || usage.value.any) {
        return Err("x509: certificate specifies an incompatible key usage".to_owned());
    }
    let text = |attribute: &x509_parser::prelude::AttributeTypeAndValue<'_>| attribute.as_str().map(str::to_owned).unwrap_or_default();
    let subject = parsed.subject();
    let name = subject.iter_common_name().last().map(text).unwrap_or_default();
    if name.is_empty() {
        return Err("x509: subject with cn= must not be empty".to_owned());
    }
    let digest: String = Sha256::digest(certificate).iter().map(|b| format!("{b:02x}")).collect();
    let mut user = UserInfo { name, groups: subject.iter_organization().map(text).collect(), ..UserInfo::default() };
    user.extra.insert("authentication.kubernetes.io/credential-id".into(), vec![format!("X509SHA256={digest}")]);
    Ok((user, validity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

    struct Authority {
        issuer: Issuer<'static, KeyPair>,
        der: CertificateDer<'static>,
    }

    fn authority() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let der = params.self_signed(&key).expect("a certificate").der().clone();
        Authority { issuer: Issuer::new(params, key), der }
    }

    fn client(by: &Authority, usage: ExtendedKeyUsagePurpose) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
        params.distinguished_name.push(DnType::CommonName, "system:node:w1");
        params.extended_key_usages = vec![usage];
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let key = KeyPair::generate().expect("a key");
        params.signed_by(&key, &by.issuer).expect("a certificate").der().clone()
    }

    #[test]
    fn certificates_are_judged_by_authority_date_and_usage() {
        let (ours, other) = (authority(), authority());
        let good = client(&ours, ExtendedKeyUsagePurpose::ClientAuth);
        let server = client(&ours, ExtendedKeyUsagePurpose::ServerAuth);
        let in_time: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
        let late: Timestamp = "2027-06-01T00:00:00Z".parse().expect("a time");
        let (user, _) = authenticate(&good, std::slice::from_ref(&ours.der), in_time).expect("it is good");
        assert_eq!((user.name.as_str(), user.groups.as_slice()), ("system:node:w1", &["system:nodes".to_owned()][..]));
        assert!(authenticate(&good, std::slice::from_ref(&other.der), in_time).is_err());
        assert!(authenticate(&good, std::slice::from_ref(&ours.der), late).expect_err("it is late").contains("expired"));
        let known = KnownUsers::default();
        for now in [in_time, in_time] {
            assert_eq!(known.authenticate(&good, std::slice::from_ref(&ours.der), now), Ok(user.clone()));
        }
        assert!(known.authenticate(&good, std::slice::from_ref(&ours.der), late).expect_err("it is late now").contains("expired"));
        assert!(authenticate(&server, std::slice::from_ref(&ours.der), in_time).expect_err("wrong usage").contains("key usage"));
    }
}
