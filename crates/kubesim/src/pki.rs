//! The cluster's certificates, as kubeadm lays them out. Keys are ECDSA P-256 (kubeadm's `encryptionAlgorithm:
//! ECDSA-P256`): making an RSA key takes longer than starting the whole cluster.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use serde::{Deserialize, Serialize};

/// A certificate with its private key, both PEM.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// Certificate.
    pub cert: String,
    /// PKCS#8 private key.
    pub key: String,
}

/// What could not be issued.
#[derive(Debug, thiserror::Error)]
#[error("issuing a certificate for {subject} failed: {source}")]
pub struct PkiError {
    subject: String,
    source: rcgen::Error,
}

/// A certificate authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authority {
    /// Its certificate and key.
    pub pair: Pair,
}

/// What a certificate is for.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// CN, the user's name for client certificates.
    pub common_name: &'a str,
    /// O, the user's groups.
    pub organizations: &'a [&'a str],
    /// DNS names of a server.
    pub names: &'a [&'a str],
    /// Addresses of a server.
    pub addresses: &'a [IpAddr],
    /// Usable as a client certificate.
    pub client: bool,
}

/// kubeadm's lifetimes: ten years for authorities, one for the rest.
const AUTHORITY_DAYS: i64 = 3650;
const LEAF_DAYS: i64 = 365;

impl Authority {
    /// A self-signed authority, valid from `now`.
    pub fn new(common_name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let fail = |source| PkiError { subject: common_name.to_owned(), source };
        let key = KeyPair::generate().map_err(fail)?;
        let mut params = params(common_name, &[], now, AUTHORITY_DAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyCertSign];
        params.subject_alt_names = vec![SanType::DnsName(common_name.try_into().map_err(fail)?)];
        let cert = params.self_signed(&key).map_err(fail)?;
        Ok(Self { pair: Pair { cert: cert.pem(), key: key.serialize_pem() } })
    }

    /// Issues a certificate, valid from `now` for a year.
    pub fn issue(&self, request: &Request<'_>, now: Timestamp) -> Result<Pair, PkiError> {
        let fail = |source| PkiError { subject: request.common_name.to_owned(), source };
        let signer = KeyPair::from_pem(&self.pair.key).map_err(fail)?;
        let issuer = Issuer::from_ca_cert_pem(&self.pair.cert, signer).map_err(fail)?;
        let key = KeyPair::generate().map_err(fail)?;
        let mut params = params(request.common_name, request.organizations, now, LEAF_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let server = !request.names.is_empty() || !request.addresses.is_empty();
        params.extended_key_usages = [(server, ExtendedKeyUsagePurpose::ServerAuth), (request.client, ExtendedKeyUsagePurpose::ClientAuth)]
            .into_iter()
            .filter_map(|(wanted, usage)| wanted.then_some(usage))
            .collect();
        for name in request.names {
            params.subject_alt_names.push(SanType::DnsName((*name).try_into().map_err(fail)?));
        }
        params.subject_alt_names.extend(request.addresses.iter().copied().map(SanType::IpAddress));
        let cert = params.signed_by(&key, &issuer).map_err(fail)?;
        Ok(Pair { cert: cert.pem(), key: key.serialize_pem() })
    }
}

fn params(common_name: &str, organizations: &[&str], now: Timestamp, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    for organization in organizations {
        subject.push(DnType::OrganizationName, *organization);
    }
    subject.push(DnType::CommonName, common_name);
    params.distinguished_name = subject;
    // Five minutes of grace for clocks that differ, as kubeadm does not need but laptops do.
    let from = now - SignedDuration::from_mins(5);
    let moment = |t: Timestamp| {
        let date = t.to_zoned(jiff::tz::TimeZone::UTC);
        rcgen::date_time_ymd(i32::from(date.year()), date.month() as u8, date.day() as u8)
            + std::time::Duration::from_secs((date.hour() as u64) * 3600 + (date.minute() as u64) * 60 + date.second() as u64)
    };
    params.not_before = moment(from);
    params.not_after = moment(now + SignedDuration::from_hours(24 * days));
    // A serial from the key's randomness is rcgen's default when none is set; an explicit None keeps that.
    params.serial_number = None::<SerialNumber>;
    params
}

/// Every certificate that kubeadm makes for a cluster, plus one pair per node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterPki {
    /// Signs everything but etcd's and the front proxy's.
    pub ca: Authority,
    /// Signs etcd's certificates.
    pub etcd_ca: Authority,
    /// Signs the aggregation layer's client certificate.
    pub front_proxy_ca: Authority,
    /// Named as files in `/etc/kubernetes/pki` without their endings: `apiserver`, `etcd/server`, `sa`, …
    pub pairs: std::collections::BTreeMap<String, Pair>,
}

fn client<'a>(common_name: &'a str, organizations: &'a [&'a str]) -> Request<'a> {
    Request { common_name, organizations, client: true, ..Request::default() }
}

/// Where and what the certificates are for.
pub struct PkiSpec<'a> {
    /// Name of the control-plane node.
    pub control_plane: &'a str,
    /// Its address.
    pub address: IpAddr,
    /// First address of the Service range: `kubernetes.default`.
    pub service_address: IpAddr,
    /// Names of all nodes with their addresses.
    pub nodes: &'a [(String, IpAddr)],
    /// Valid from.
    pub now: Timestamp,
}

impl ClusterPki {
    /// Makes all authorities and certificates.
    pub fn new(spec: &PkiSpec<'_>) -> Result<Self, PkiError> {
        let now = spec.now;
        let mut pki = Self {
            ca: Authority::new("kubernetes", now)?,
            etcd_ca: Authority::new("etcd-ca", now)?,
            front_proxy_ca: Authority::new("front-proxy-ca", now)?,
            pairs: std::collections::BTreeMap::new(),
        };
        let local: IpAddr = [127, 0, 0, 1].into();
        let api_names = [
            spec.control_plane,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
        ];
        let etcd_names = [spec.control_plane, "localhost"];
        let api_addresses = [spec.service_address, spec.address, local];
        let etcd_addresses = [spec.address, local];
        let etcd_server =
            |common_name| Request { common_name, names: &etcd_names, addresses: &etcd_addresses, client: true, ..Request::default() };
        let api = Request { common_name: "kube-apiserver", names: &api_names, addresses: &api_addresses, ..Request::default() };
        for (file, authority, request) in [
            ("apiserver", &pki.ca, api),
            ("apiserver-kubelet-client", &pki.ca, client("kube-apiserver-kubelet-client", &["kubeadm:cluster-admins"])),
            ("admin.conf", &pki.ca, client("kubernetes-admin", &["kubeadm:cluster-admins"])),
            ("super-admin.conf", &pki.ca, client("kubernetes-super-admin", &["system:masters"])),
            ("controller-manager.conf", &pki.ca, client("system:kube-controller-manager", &[])),
            ("scheduler.conf", &pki.ca, client("system:kube-scheduler", &[])),
            ("front-proxy-client", &pki.front_proxy_ca, client("front-proxy-client", &[])),
            ("etcd/server", &pki.etcd_ca, etcd_server(spec.control_plane)),
            ("etcd/peer", &pki.etcd_ca, etcd_server(spec.control_plane)),
            ("etcd/healthcheck-client", &pki.etcd_ca, client("kube-etcd-healthcheck-client", &[])),
            ("apiserver-etcd-client", &pki.etcd_ca, client("kube-apiserver-etcd-client", &[])),
        ] {
            pki.pairs.insert(file.to_owned(), authority.issue(&request, now)?);
        }
        for (name, address) in spec.nodes {
            let user = format!("system:node:{name}");
            let kubelet = pki.ca.issue(&client(&user, &["system:nodes"]), now)?;
            let serving = Request { common_name: name, names: &[name.as_str()], addresses: &[*address], ..Request::default() };
            let serving = pki.ca.issue(&serving, now)?;
            pki.pairs.insert(format!("kubelet/{name}"), kubelet);
            pki.pairs.insert(format!("kubelet-serving/{name}"), serving);
        }
        let sa = KeyPair::generate().map_err(|source| PkiError { subject: "service accounts".to_owned(), source })?;
        pki.pairs.insert("sa".to_owned(), Pair { cert: sa.public_key_pem(), key: sa.serialize_pem() });
        Ok(pki)
    }
}
