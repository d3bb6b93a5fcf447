//! What a TLS handshake would decide, without the cryptography of a session: inside one process bytes need no
//! secrecy, but certificates, names and dates must be judged exactly as a real client judges them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// What a client brings to a handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// Trusted authorities (PEM bundle); empty means the system's, which trust nothing here.
    pub ca_pem: Vec<u8>,
    /// Client certificate chain (PEM), if any.
    pub cert_pem: Option<Vec<u8>>,
    /// Private key of the client certificate (PEM).
    pub key_pem: Option<Vec<u8>>,
    /// Accept any server certificate.
    pub insecure: bool,
    /// Name to verify instead of the dialled host.
    pub server_name: Option<String>,
}

/// A failed handshake; `Display` is Go's `crypto/tls` text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The chain does not end at a trusted authority.
    #[error("tls: failed to verify certificate: x509: certificate signed by unknown authority")]
    UnknownAuthority,
    /// Outside the certificate's dates.
    #[error(
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time {now} is {relation} {bound}"
    )]
    Expired {
        /// Time of the check.
        now: String,
        /// `after` or `before`.
        relation: &'static str,
        /// The date that was missed.
        bound: String,
    },
    /// An address that the certificate does not name.
    #[error("tls: failed to verify certificate: x509: certificate is valid for {names}, not {host}")]
    WrongHost {
        /// What the certificate is valid for, comma-separated.
        names: String,
        /// What was dialled.
        host: String,
    },
    /// The server speaks plain HTTP.
    #[error("http: server gave HTTP response to HTTPS client")]
    PlainServer,
    /// A certificate or key file could not be understood.
    #[error("tls: {0}")]
    BadMaterial(String),
}

impl ClientTls {
    /// Whether the key is another than the certificate's, which Go's `tls.X509KeyPair` refuses. What cannot be read is not judged.
    pub fn mismatched(&self) -> bool {
        let of_key = || {
            let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_deref()?).ok()?;
            Some(rustls::crypto::ring::sign::any_supported_type(&key).ok()?.public_key()?.to_vec())
        };
        let of_certificate = || {
            let der = certificates(self.cert_pem.as_deref()?).into_iter().next()?;
            Some(X509Certificate::from_der(&der).ok()?.1.public_key().raw.to_vec())
        };
        matches!((of_key(), of_certificate()), (Some(key), Some(certificate)) if key != certificate)
    }
}

/// The certificates in a PEM bundle.
pub fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// The seconds from and to which a certificate is valid, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: i64,
    until: i64,
}

impl Validity {
    fn of(cert: &X509Certificate<'_>) -> Self {
        Self { from: cert.validity().not_before.timestamp(), until: cert.validity().not_after.timestamp() }
    }

    fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    /// Whether a moment lies within.
    pub fn holds(&self, now: Timestamp) -> bool {
        (self.from..=self.until).contains(&now.as_second())
    }
}

/// Judges a server's certificate chain (leaf first) as a client dialling `host` at `now` does, and says how long that holds.
pub fn verify_server(chain: &[CertificateDer<'_>], tls: &ClientTls, host: &str, now: Timestamp) -> Result<Validity, TlsError> {
    if tls.insecure {
        return Ok(Validity { from: i64::MIN, until: i64::MAX });
    }
    let leaf = parse(chain.first())?;
    // Go checks validity dates and host name of the leaf, then the chain; an expired leaf is reported before its issuer.
    check_dates(&leaf, now)?;
    let validity = verify_chain(chain, &certificates(&tls.ca_pem), now)?;
    check_host(&leaf, tls.server_name.as_deref().unwrap_or(host))?;
    Ok(validity)
}

/// Remembers which servers were found good. Checking a signature takes longer than most requests, and whether it is right does not
/// change; only dates pass.
#[derive(Debug, Default)]
pub struct KnownServers(Mutex<BTreeMap<ServerKey, Validity>>);

/// Everything that [`verify_server`] looks at: authorities, name, chain.
type ServerKey = (Vec<u8>, String, Vec<Vec<u8>>);

impl KnownServers {
    /// More than there are servers in a simulation.
    const LIMIT: usize = 256;

    /// As [`verify_server`].
    pub fn verify(&self, chain: &[CertificateDer<'_>], tls: &ClientTls, host: &str, now: Timestamp) -> Result<(), TlsError> {
        if tls.insecure {
            return Ok(());
        }
        let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
        let key = (tls.ca_pem.clone(), name, chain.iter().map(|cert| cert.to_vec()).collect());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&key).is_some_and(|validity| validity.holds(now)) {
            return Ok(());
        }
        let validity = verify_server(chain, tls, host, now)?;
        if known.len() >= Self::LIMIT {
            known.clear();
        }
        known.insert(key, validity);
        Ok(())
    }
}

/// Judges whether a leaf was signed by one of `authorities` and all dates hold; says how long they do.
pub fn verify_chain(chain: &[CertificateDer<'_>], authorities: &[CertificateDer<'_>], now: Timestamp) -> Result<Validity, TlsError> {
    let mut current = parse(chain.first())?;
    let mut validity = Validity::of(&current);
    check_dates(&current, now)?;
    let rest: Vec<_> = chain.iter().skip(1).collect();
    // A chain is never longer than what was presented, so this ends.
    for step in 0..=rest.len() {
        for authority in authorities {
            let authority = parse(Some(authority))?;
            if authority.subject() == current.issuer() && current.verify_signature(Some(authority.public_key())).is_ok() {
                check_dates(&authority, now)?;
                return Ok(validity.and(Validity::of(&authority)));
            }
        }
        let Some(next) = rest.get(step) else { break };
        let next = parse(Some(next))?;
        if current.verify_signature(Some(next.public_key())).is_err() {
            break;
        }
        validity = validity.and(Validity::of(&next));
        current = next;
    }
    Err(TlsError::UnknownAuthority)
}

fn parse<'a>(der: Option<&'a CertificateDer<'_>>) -> Result<X509Certificate<'a>, TlsError> {
    let der = der.ok_or_else(|| TlsError::BadMaterial("no certificates configured".into()))?;
    X509Certificate::from_der(der).map(|(_, cert)| cert).map_err(|e| TlsError::BadMaterial(format!("failed to parse certificate: {e}")))
}

fn check_dates(cert: &X509Certificate<'_>, now: Timestamp) -> Result<(), TlsError> {
    let (from, until) = (cert.validity().not_before.timestamp(), cert.validity().not_after.timestamp());
    let miss = if now.as_second() > until {
        ("after", until)
    } else if now.as_second() < from {
        ("before", from)
    } else {
        return Ok(());
    };
    let text = |second| Timestamp::from_second(second).map(|t| t.to_string()).unwrap_or_default();
    Err(TlsError::Expired { now: text(now.as_second()), relation: miss.0, bound: text(miss.1) })
}

fn check_host(cert: &X509Certificate<'_>, host: &str) -> Result<(), TlsError> {
    let address: Option<std::net::IpAddr> = host.parse().ok();
    let (mut dns, mut ips) = (Vec::new(), Vec::new());
    for extension in cert.extensions() {
        let ParsedExtension::SubjectAlternativeName(san) = extension.parsed_extension() else { continue };
        for name in &san.general_names {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => ips.extend(ip(bytes)),
                _ => {}
            }
        }
    }
    let matches = match address {
        Some(address) => ips.contains(&address),
        None => dns.iter().any(|name| name.eq_ignore_ascii_case(host)),
    };
    if matches {
        return Ok(());
    }
    let names = if address.is_some() { ips.iter().map(ToString::to_string).collect::<Vec<_>>() } else { dns };
    Err(TlsError::WrongHost { names: names.join(", "), host: host.to_owned() })
}

fn ip(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(Into::into),
        16 => <[u8; 16]>::try_from(bytes).ok().map(Into::into),
        _ => None,
    }
}
