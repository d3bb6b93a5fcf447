//! Continue tokens (`apiserver/pkg/storage/continue.go`): base64 of `{"v":"meta.k8s.io/v1","rv":…,"start":"/ns/name\0"}`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::status::ApiError;

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// Revision of the whole listing; `None`: the present one (after an expired token).
    pub revision: Option<u64>,
    /// Last key that was sent, without the prefix.
    pub after: String,
}

impl Continuation {
    /// The token.
    pub fn encode(&self) -> String {
        let revision = self.revision.map_or(-1, |revision| revision as i64);
        let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("/{}\u{0}", self.after)});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    /// Reads a token.
    pub fn decode(token: &str) -> Result<Self, ApiError> {
        let refuse = |why: &str| ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|_| refuse("illegal base64 data at input byte 0"))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let first = bytes.first().map(|byte| char::from(*byte)).unwrap_or(' ');
            refuse(&format!("invalid character {first:?} looking for beginning of value"))
        })?;
        if value["v"] != "meta.k8s.io/v1" {
            return Err(refuse(&format!("server does not recognize this encoded version {}", value["v"])));
        }
        let (Some(revision), Some(start)) = (value["rv"].as_i64(), value["start"].as_str()) else {
            return Err(refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
        };
        let after = start.trim_start_matches('/').trim_end_matches('\u{0}').to_owned();
        if revision == 0 || after.split('/').any(|segment| segment == "..") {
            return Err(refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
        }
        Ok(Self { revision: u64::try_from(revision).ok(), after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_look_like_upstreams() {
        let token = Continuation { revision: Some(396), after: "default/kube-root-ca.crt".into() };
        assert_eq!(token.encode(), "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mzk2LCJzdGFydCI6Ii9kZWZhdWx0L2t1YmUtcm9vdC1jYS5jcnRcdTAwMDAifQ");
        assert_eq!(Continuation::decode(&token.encode()).unwrap(), token);
        assert!(Continuation::decode("foo").unwrap_err().message.starts_with("invalid continue token: "));
    }
}
