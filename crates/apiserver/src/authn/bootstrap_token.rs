//! Bootstrap tokens: Secrets of `kube-system` by which nodes join (`plugin/pkg/auth/authenticator/token/bootstrap`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::json::Json;
use crate::lookup::Lookup;
use crate::request::UserInfo;
use crate::server::Core;

/// The user of a token `id.secret`; `None` when it is not one that may authenticate.
pub fn authenticate(core: &Core, token: &str) -> Option<UserInfo> {
    let (id, secret) = token.split_once('.')?;
    let plain = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !plain(id, 6) || !plain(secret, 16) {
        return None;
    }
    let object = Lookup::new(core).get("", "secrets", "kube-system", &format!("bootstrap-token-{id}"))?;
    let object = object.value();
    let data = |key: &str| {
        let text = object.object("data").and_then(|d| d.get(key)).and_then(serde_json::Value::as_str).unwrap_or_default();
        String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default()
    };
    let expired = match data("expiration") {
        text if text.is_empty() => false,
        text => text.parse::<Timestamp>().is_ok_and(|at| at <= core.now()),
    };
    let good = object.text("type") == "bootstrap.kubernetes.io/token"
        && !object.has("metadata.deletionTimestamp")
        && data("token-secret") == secret
        && data("token-id") == id
        && data("usage-bootstrap-authentication") == "true"
        && !expired;
    if !good {
        return None;
    }
    let mut groups = vec!["system:bootstrappers".to_owned()];
    groups
        .extend(data("auth-extra-groups").split(',').map(str::trim).filter(|g| g.starts_with("system:bootstrappers:")).map(str::to_owned));
    Some(UserInfo { name: format!("system:bootstrap:{id}"), groups, ..UserInfo::default() })
}
