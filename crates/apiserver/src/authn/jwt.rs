//! Signed tokens: JWS in compact form, with RSA, P-256 or Ed25519 keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring;
use rustls::sign::SigningKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};

/// Why a token cannot be made or is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// A key file cannot be used.
    #[error("invalid signing key: {0}")]
    Key(String),
    /// Not three parts of base64, or not JSON in them.
    #[error("square/go-jose: compact JWS format must have three parts")]
    Format,
    /// No key verifies it.
    #[error("invalid signature")]
    Signature,
}

/// Keys that tokens are signed with and verified by.
#[derive(Clone, Default)]
pub struct KeySet {
    signing: Option<Arc<dyn SigningKey>>,
    verifying: Vec<PublicKey>,
    /// Claims of tokens whose signature was found good: it stays so, and checking it takes longer than answering a request.
    believed: Arc<Mutex<BTreeMap<String, Arc<Value>>>>,
}

/// More tokens than are in use at one time.
const BELIEVED: usize = 512;

#[derive(Clone)]
struct PublicKey {
    id: String,
    scheme: SignatureScheme,
    bits: Vec<u8>,
}

/// Schemes with their names in a token's header.
const SCHEMES: [(SignatureScheme, &str); 3] =
    [(SignatureScheme::RSA_PKCS1_SHA256, "RS256"), (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256"), (SignatureScheme::ED25519, "EdDSA")];

impl KeySet {
    /// From the signing key and further keys, private or public (PEM).
    pub fn from_pem(signing: &[u8], others: &[Vec<u8>]) -> Result<Self, JwtError> {
        let mut set = Self::default();
        if !signing.is_empty() {
            let key = private(signing)?;
            set.add(&public_of(&*key)?)?;
            set.signing = Some(key);
        }
        for pem in others {
            let spki = match private(pem) {
                Ok(key) => public_of(&*key)?,
                Err(_) => SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|e| JwtError::Key(e.to_string()))?,
            };
            set.add(&spki)?;
        }
        Ok(set)
    }

    fn add(&mut self, spki: &SubjectPublicKeyInfoDer<'_>) -> Result<(), JwtError> {
        let (_, parsed) = SubjectPublicKeyInfo::from_der(spki).map_err(|e| JwtError::Key(e.to_string()))?;
        let scheme = match parsed.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => SignatureScheme::RSA_PKCS1_SHA256,
            "1.2.840.10045.2.1" => SignatureScheme::ECDSA_NISTP256_SHA256,
            "1.3.101.112" => SignatureScheme::ED25519,
            other => return Err(JwtError::Key(format!("unsupported key algorithm {other}"))),
        };
        // Upstream's key id: the hash of the public key in DER.
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(spki));
        if !self.verifying.iter().any(|k| k.id == id) {
            self.verifying.push(PublicKey { id, scheme, bits: parsed.subject_public_key.data.to_vec() });
        }
        Ok(())
    }

    /// Signs claims.
    pub fn sign(&self, claims: &Value) -> Result<String, JwtError> {
        let key = self.signing.as_ref().ok_or_else(|| JwtError::Key("no signing key".to_owned()))?;
        let offered: Vec<SignatureScheme> = SCHEMES.iter().map(|(scheme, _)| *scheme).collect();
        let signer = key.choose_scheme(&offered).ok_or_else(|| JwtError::Key("no usable signature scheme".to_owned()))?;
        let scheme = signer.scheme();
        let name = SCHEMES.iter().find(|(s, _)| *s == scheme).map_or("", |(_, name)| *name);
        let id = self.verifying.first().map_or("", |k| k.id.as_str());
        let header = json!({"alg": name, "kid": id});
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = signer.sign(text.as_bytes()).map_err(|e| JwtError::Key(e.to_string()))?;
        if scheme == SignatureScheme::ECDSA_NISTP256_SHA256 {
            signature = der_to_fixed(&signature).ok_or_else(|| JwtError::Key("malformed signature".to_owned()))?;
        }
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Verifies a token and returns its claims; dates and names are the caller's to judge.
    pub fn verify(&self, token: &str) -> Result<Arc<Value>, JwtError> {
        if let Some(claims) = self.believed.lock().unwrap_or_else(PoisonError::into_inner).get(token) {
            return Ok(claims.clone());
        }
        let (text, signature) = token.rsplit_once('.').ok_or(JwtError::Format)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtError::Format)?;
        if !self.verifying.iter().any(|key| key.verifies(text.as_bytes(), &signature)) {
            return Err(JwtError::Signature);
        }
        let claims = Arc::new(claims(token)?);
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        if believed.len() >= BELIEVED {
            believed.clear();
        }
        believed.insert(token.to_owned(), claims.clone());
        Ok(claims)
    }
}

/// Claims of a token, unverified.
pub fn claims(token: &str) -> Result<Value, JwtError> {
    let mut parts = token.split('.');
    let (_, Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return Err(JwtError::Format) };
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| JwtError::Format)?;
    serde_json::from_slice(&payload).map_err(|_| JwtError::Format)
}

impl PublicKey {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let der;
        let signature = if self.scheme == SignatureScheme::ECDSA_NISTP256_SHA256 {
            match fixed_to_der(signature) {
                Some(converted) => {
                    der = converted;
                    &der
                }
                None => return false,
            }
        } else {
            signature
        };
        algorithms(self.scheme).iter().any(|a| a.verify_signature(&self.bits, message, signature).is_ok())
    }
}

fn algorithms(scheme: SignatureScheme) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    let mapping = ring::default_provider().signature_verification_algorithms.mapping;
    mapping.iter().find(|(s, _)| *s == scheme).map_or(&[], |(_, algorithms)| algorithms)
}

fn private(pem: &[u8]) -> Result<Arc<dyn SigningKey>, JwtError> {
    let der = PrivateKeyDer::from_pem_slice(pem).map_err(|e| JwtError::Key(e.to_string()))?;
    ring::sign::any_supported_type(&der).map_err(|e| JwtError::Key(e.to_string()))
}

fn public_of(key: &dyn SigningKey) -> Result<SubjectPublicKeyInfoDer<'static>, JwtError> {
    let spki = key.public_key().ok_or_else(|| JwtError::Key("no public part".to_owned()))?;
    Ok(spki.into_owned())
}

/// An ASN.1 ECDSA signature as the two 32-byte numbers that JWS wants.
fn der_to_fixed(der: &[u8]) -> Option<Vec<u8>> {
    let (tag, rest) = der.split_first()?;
    let (_, mut rest) = rest.split_first()?;
    let mut out = Vec::with_capacity(64);
    for _ in 0..2 {
        let (kind, after) = rest.split_first()?;
        let (length, after) = after.split_first()?;
        let number = after.get(..usize::from(*length))?;
        rest = &after[usize::from(*length)..];
        let number = &number[number.len().saturating_sub(32)..];
        out.extend(std::iter::repeat_n(0, 32 - number.len()));
        out.extend_from_slice(number);
        if *kind != 2 {
            return None;
        }
    }
    (*tag == 0x30).then_some(out)
}

/// The reverse of [`der_to_fixed`].
fn fixed_to_der(fixed: &[u8]) -> Option<Vec<u8>> {
    if fixed.len() != 64 {
        return None;
    }
    let mut body = Vec::with_capacity(72);
    for half in fixed.chunks(32) {
        let start = half.iter().position(|b| *b != 0).unwrap_or(31);
        let number = &half[start..];
        let pad = usize::from(number[0] & 0x80 != 0);
        body.extend([2, (number.len() + pad) as u8]);
        body.extend(std::iter::repeat_n(0, pad));
        body.extend_from_slice(number);
    }
    let mut der = vec![0x30, body.len() as u8];
    der.extend(body);
    Some(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_believed_only_unchanged_and_by_a_known_key() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519] {
            let ours = rcgen::KeyPair::generate_for(algorithm).expect("a key");
            let other = rcgen::KeyPair::generate_for(algorithm).expect("a key");
            let keys = KeySet::from_pem(ours.serialize_pem().as_bytes(), &[]).expect("keys");
            let strangers = KeySet::from_pem(other.serialize_pem().as_bytes(), &[]).expect("keys");
            let public_only = KeySet::from_pem(&[], &[ours.public_key_pem().into_bytes()]).expect("keys");
            let token = keys.sign(&json!({"sub": "a"})).expect("a token");
            assert_eq!(keys.verify(&token).expect("ours")["sub"], "a");
            assert_eq!(public_only.verify(&token).expect("ours")["sub"], "a");
            assert_eq!(strangers.verify(&token), Err(JwtError::Signature));
            let mut parts: Vec<&str> = token.split('.').collect();
            let forged = URL_SAFE_NO_PAD.encode(json!({"sub": "b"}).to_string());
            parts[1] = &forged;
            assert_eq!(keys.verify(&parts.join(".")), Err(JwtError::Signature));
            assert_eq!(keys.verify("nonsense"), Err(JwtError::Format));
        }
    }
}
