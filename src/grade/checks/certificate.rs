//! `certificate`: subject, issuer and dates of a certificate on a node.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::duration::parse_go;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::kubeconfig;
use crate::grade::fact::Fact;
use crate::grade::judge::{Judge, Judgement, Scope};
use crate::grade::snapshot::{Known, Snapshot};
use crate::model::Evidence;

/// A certificate is so: a PEM file, or the client certificate that the current context of a kubeconfig carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// The node; the scenario's host unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Absolute path.
    pub path: String,
    /// Common name of the subject: the user, for client certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// Organizations of the subject, exactly these: the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Common name of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// From its beginning to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// From now to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Span>,
}

/// Bounds of a time, as Go writes durations: `24h`, `90m`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    /// Not less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// Not more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
}

impl Span {
    fn judge(&self, subject: String, actual: SignedDuration) -> Evidence {
        let bound = |text: &Option<String>| text.as_deref().map(parse_go).transpose();
        let (least, most) = match (bound(&self.at_least), bound(&self.at_most)) {
            (Ok(least), Ok(most)) => (least, most),
            (Err(error), _) | (_, Err(error)) => return Evidence::unknown(subject, "a duration", error),
        };
        let holds = Duration::try_from(actual).is_ok_and(|d| least.is_none_or(|l| d >= l) && most.is_none_or(|m| d <= m));
        let words = [("at least", &self.at_least), ("at most", &self.at_most)];
        let expected: Vec<String> = words.iter().filter_map(|(word, bound)| bound.as_ref().map(|b| format!("{word} {b}"))).collect();
        Evidence::compared(subject, expected.join(", "), format!("{}h{}m", actual.as_hours(), actual.as_mins() % 60), holds)
    }
}

/// What is compared of a certificate.
struct Read {
    common_name: String,
    organizations: Vec<String>,
    issuer: String,
    from: Timestamp,
    until: Timestamp,
}

/// Texts of an attribute of a name. The common ones come as UTF-8 or printable strings.
fn texts<'a>(attributes: impl Iterator<Item = &'a x509_parser::x509::AttributeTypeAndValue<'a>>) -> Vec<String> {
    attributes.filter_map(|a| a.as_str().ok()).map(str::to_owned).collect()
}

fn common_name(name: &X509Name<'_>) -> String {
    texts(name.iter_common_name()).into_iter().next().unwrap_or_default()
}

impl Read {
    fn of(content: &str) -> Result<Self, String> {
        let embedded = || -> Option<String> {
            let config = kubeconfig::parsed(content).ok()?;
            let data = kubeconfig::current(&config).2["client-certificate-data"].as_str()?;
            String::from_utf8(STANDARD.decode(data).ok()?).ok()
        };
        let pem = if content.contains("-----BEGIN CERTIFICATE-----") { Some(content.to_owned()) } else { embedded() };
        let pem = pem.ok_or("holds no certificate")?;
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| "the PEM block is broken")?;
        let (_, certificate) = X509Certificate::from_der(&block.contents).map_err(|_| "the certificate is broken")?;
        let moment = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).map_err(|error| error.to_string());
        Ok(Self {
            common_name: common_name(certificate.subject()),
            organizations: texts(certificate.subject().iter_organization()),
            issuer: common_name(certificate.issuer()),
            from: moment(certificate.validity().not_before)?,
            until: moment(certificate.validity().not_after)?,
        })
    }
}

impl Certificate {
    fn fact(&self, scope: &Scope) -> Fact {
        Fact::File { node: scope.host_or(self.node.as_deref()).to_owned(), path: self.path.clone() }
    }

    fn judge_read(&self, subject: &str, read: &Read, now: Timestamp) -> Vec<Evidence> {
        // One that is not valid at the moment is of no use, whatever else it says.
        let valid = (read.from..=read.until).contains(&now);
        let mut evidence =
            vec![Evidence::compared(format!("{subject}, dates"), "valid now", format!("from {} until {}", read.from, read.until), valid)];
        if let Some(wanted) = &self.common_name {
            evidence.push(Evidence::compared(format!("{subject}, common name"), wanted, &read.common_name, *wanted == read.common_name));
        }
        if !self.organizations.is_empty() {
            let sorted = |names: &[String]| {
                let mut names = names.to_vec();
                names.sort_unstable();
                names.dedup();
                names
            };
            let (wanted, actual) = (sorted(&self.organizations), sorted(&read.organizations));
            evidence.push(Evidence::compared(format!("{subject}, organizations"), wanted.join(", "), actual.join(", "), wanted == actual));
        }
        if let Some(wanted) = &self.issuer {
            evidence.push(Evidence::compared(format!("{subject}, issuer"), wanted, &read.issuer, *wanted == read.issuer));
        }
        if let Some(span) = &self.lifetime {
            evidence.push(span.judge(format!("{subject}, lifetime"), read.until.duration_since(read.from)));
        }
        if let Some(span) = &self.remaining {
            evidence.push(span.judge(format!("{subject}, time left"), read.until.duration_since(now)));
        }
        evidence
    }
}

impl Judge for Certificate {
    fn facts(&self, scope: &Scope, _: &Snapshot) -> Vec<Fact> {
        vec![self.fact(scope)]
    }

    fn judge(&self, scope: &Scope, snapshot: &Snapshot) -> Judgement {
        let fact = self.fact(scope);
        let subject = fact.to_string();
        Judgement::from_evidence(match snapshot.value(&fact) {
            Known::Value(file) => match Read::of(file["content"].as_str().unwrap_or_default()) {
                Ok(read) => self.judge_read(&subject, &read, snapshot.now),
                Err(reason) => vec![Evidence::compared(subject, "a certificate", reason, false)],
            },
            Known::Absent => vec![Evidence::compared(subject, "a certificate", "absent", false)],
            Known::Unknown(reason) => vec![Evidence::unknown(subject, "a certificate", reason)],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::Observation;
    use crate::grade::testing::{snapshot, table, with};
    use crate::model::Verdict::{Fail, Indeterminate, Pass};

    /// `CN=mira, O=platform, O=oncall`, issued by `kubernetes`, 2026-03-01 11:55 to 2026-03-02 12:00: a day after [`crate::grade::testing::NOW`].
    const PEM: &str = include_str!("testdata/mira.crt");

    fn spec(extra: Value) -> Value {
        let mut spec = json!({"path": "/root/mira.crt"});
        spec.as_object_mut().expect("a map").extend(extra.as_object().expect("a map").clone());
        json!({"certificate": spec})
    }

    fn known(content: &str) -> Snapshot {
        let file = json!({"content": content, "mode": "0600", "owner": "root:root"});
        let fact = Fact::File { node: "control-plane".into(), path: "/root/mira.crt".into() };
        with(snapshot(), fact, Observation::Value(file))
    }

    #[test]
    fn accepts_and_rejects() {
        let rows = [
            (spec(json!({})), Pass),
            (spec(json!({"commonName": "mira", "organizations": ["oncall", "platform"], "issuer": "kubernetes"})), Pass),
            (spec(json!({"commonName": "tom"})), Fail),
            (spec(json!({"organizations": ["platform"]})), Fail),
            (spec(json!({"issuer": "etcd-ca"})), Fail),
            (spec(json!({"lifetime": {"atLeast": "24h", "atMost": "24h10m"}, "remaining": {"atLeast": "23h"}})), Pass),
            (spec(json!({"lifetime": {"atMost": "24h"}})), Fail),
            (spec(json!({"remaining": {"atLeast": "48h"}})), Fail),
            (spec(json!({"remaining": {"atLeast": "soon"}})), Indeterminate),
            (json!({"certificate": {"path": "/unread"}}), Indeterminate),
        ];
        table(&known(PEM), &rows);
        let config = json!({"current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}], "clusters": [],
            "users": [{"name": "u", "user": {"client-certificate-data": STANDARD.encode(PEM)}}]});
        table(&known(&config.to_string()), &rows);
        table(&known("nothing of the kind"), &[(spec(json!({})), Fail)]);
    }

    #[test]
    fn an_expired_certificate_never_passes() {
        let mut later = known(PEM);
        later.now = "2026-03-03T00:00:00Z".parse().expect("a moment");
        table(&later, &[(spec(json!({"commonName": "mira"})), Fail)]);
    }
}
