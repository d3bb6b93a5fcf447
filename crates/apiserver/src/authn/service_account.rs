//! Service-account tokens: issuing them (`pkg/serviceaccount/claims.go`) and believing them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::jwt::{JwtError, KeySet, claims};
use crate::json::Json;
use crate::lookup::Lookup;
use crate::request::UserInfo;
use crate::server::Core;

/// Issuer of tokens that stand in Secrets.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

/// `system:serviceaccount:ns:name`.
pub fn username(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// Namespace and name of a service account's user name.
pub fn parse_username(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// Groups that every service account of a namespace is in.
pub fn groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
}

/// Who a token is for.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Namespace.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// Uid.
    pub uid: &'a str,
}

/// What a token is bound to.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    /// Name and uid of a pod.
    pub pod: Option<(String, String)>,
    /// Name and uid of a node (the pod's, or bound directly).
    pub node: Option<(String, String)>,
    /// Name and uid of a secret.
    pub secret: Option<(String, String)>,
}

/// A token that is to be issued.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Issuer.
    pub issuer: &'a str,
    /// Whose it is.
    pub subject: Subject<'a>,
    /// What it is bound to.
    pub bound: Bound,
    /// Whom it is for.
    pub audiences: &'a [String],
    /// Unique id.
    pub id: &'a str,
    /// Moment of issue.
    pub now: Timestamp,
    /// Life in seconds.
    pub seconds: i64,
    /// Seconds after which its use is warned of, for tokens that live longer than their holder asked.
    pub warn_after: Option<i64>,
}

/// Issues a bound token.
pub fn issue(keys: &KeySet, wanted: &Wanted<'_>) -> Result<String, JwtError> {
    let Wanted { issuer, subject, bound, audiences, id, now, seconds, warn_after } = wanted;
    let issued = now.as_second();
    let reference = |(name, uid): &(String, String)| json!({"name": name, "uid": uid});
    let mut private = json!({"namespace": subject.namespace});
    if let Some(node) = &bound.node {
        private.put("node", reference(node));
    }
    if let Some(pod) = &bound.pod {
        private.put("pod", reference(pod));
    }
    if let Some(secret) = &bound.secret {
        private.put("secret", reference(secret));
    }
    private.put("serviceaccount", json!({"name": subject.name, "uid": subject.uid}));
    if let Some(after) = warn_after {
        private.put("warnafter", issued + after);
    }
    keys.sign(&json!({
        "aud": audiences,
        "exp": issued + seconds,
        "iat": issued,
        "iss": issuer,
        "jti": id,
        "kubernetes.io": private,
        "nbf": issued,
        "sub": username(subject.namespace, subject.name),
    }))
}

/// Whether a token claims to be a service account's, so that no other authenticator is asked.
pub fn is_ours(token: &str, issuer: &str) -> bool {
    claims(token).is_ok_and(|c| c.text("iss") == issuer || c.text("iss") == LEGACY_ISSUER)
}

/// Judges a token: signature, dates, audience, and that everything that it is bound to still exists.
pub fn authenticate(core: &Core, keys: &KeySet, token: &str, audiences: &[&str]) -> Result<UserInfo, String> {
    let claims = keys.verify(token).map_err(|e| e.to_string())?;
    let lookup = Lookup::new(core);
    if claims.text("iss") == LEGACY_ISSUER {
        return legacy(&lookup, &claims, token);
    }
    let now = core.now().as_second();
    let moment = |name| claims.int(name);
    if moment("exp").is_some_and(|at| now >= at) {
        return Err("service account token has expired".to_owned());
    }
    if moment("nbf").is_some_and(|at| now < at) {
        return Err("service account token is not valid yet".to_owned());
    }
    let listed = claims.list("aud").iter().filter_map(Value::as_str).collect::<Vec<_>>();
    if !audiences.iter().any(|a| listed.contains(a)) {
        return Err(format!("token audiences [{}] is invalid for the target audiences [{}]", listed.join(" "), audiences.join(" ")));
    }
    let private = claims.get("kubernetes.io").cloned().unwrap_or_default();
    let namespace = private.text("namespace");
    let (name, uid) = (private.text("serviceaccount.name"), private.text("serviceaccount.uid"));
    if claims.text("sub") != username(namespace, name) {
        return Err("sub claim does not match the service account".to_owned());
    }
    let account = lookup.get("", "serviceaccounts", namespace, name).ok_or_else(|| format!("serviceaccounts {name:?} not found"))?;
    if account.value().text("metadata.uid") != uid {
        return Err("service account UID does not match claim".to_owned());
    }
    let mut user = UserInfo { name: username(namespace, name), uid: uid.to_owned(), groups: groups(namespace), ..UserInfo::default() };
    let bound = [("secret", "secrets", namespace), ("pod", "pods", namespace), ("node", "nodes", "")];
    for (field, plural, namespace) in bound {
        let reference = private.at(field);
        if reference.is_null() {
            continue;
        }
        let (name, uid) = (reference.text("name"), reference.text("uid"));
        let found = lookup.get("", plural, namespace, name);
        // A node is only checked when the token is bound to it and not to a pod (`ServiceAccountTokenNodeBindingValidation`).
        let must_exist = field != "node" || !private.has("pod");
        let same = found.is_some_and(|o| uid.is_empty() || o.value().text("metadata.uid") == uid);
        if must_exist && !same {
            return Err("service account token has been invalidated".to_owned());
        }
        if field != "secret" {
            user.extra.insert(format!("authentication.kubernetes.io/{field}-name"), vec![name.to_owned()]);
            user.extra.insert(format!("authentication.kubernetes.io/{field}-uid"), vec![uid.to_owned()]);
        }
    }
    if !claims.text("jti").is_empty() {
        let id = format!("JTI={}", claims.text("jti"));
        user.extra.insert("authentication.kubernetes.io/credential-id".into(), vec![id]);
    }
    Ok(user)
}

/// Tokens without end that stand in Secrets of type `kubernetes.io/service-account-token`.
fn legacy(lookup: &Lookup, claims: &Value, token: &str) -> Result<UserInfo, String> {
    let claim = |name: &str| claims.get(format!("kubernetes.io/serviceaccount/{name}")).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name, uid) = (claim("namespace"), claim("service-account.name"), claim("service-account.uid"));
    let secret = lookup.get("", "secrets", namespace, claim("secret.name")).ok_or("Token has been invalidated")?;
    use base64::Engine;
    let stored = base64::engine::general_purpose::STANDARD.decode(secret.value().text("data.token")).unwrap_or_default();
    if stored != token.as_bytes() || secret.value().has("metadata.deletionTimestamp") {
        return Err("Token does not match server's copy".to_owned());
    }
    let account = lookup.get("", "serviceaccounts", namespace, name).ok_or("ServiceAccount has been deleted")?;
    if account.value().text("metadata.uid") != uid {
        return Err("ServiceAccount UID does not match claim".to_owned());
    }
    Ok(UserInfo { name: username(namespace, name), uid: uid.to_owned(), groups: groups(namespace), ..UserInfo::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_go_both_ways() {
        assert_eq!(parse_username(&username("shop", "web")), Some(("shop", "web")));
        assert_eq!(parse_username("jane"), None);
    }

    #[test]
    fn tokens_carry_upstreams_claims() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let keys = KeySet::from_pem(key.serialize_pem().as_bytes(), &[]).expect("keys");
        let subject = Subject { namespace: "shop", name: "web", uid: "u1" };
        let bound = Bound { pod: Some(("p".into(), "u2".into())), ..Bound::default() };
        let now = Timestamp::from_second(1000).expect("a time");
        let audiences = ["api".to_owned()];
        let wanted = Wanted { issuer: "iss", subject, bound, audiences: &audiences, id: "id", now, seconds: 3607, warn_after: Some(3600) };
        let token = issue(&keys, &wanted).expect("a token");
        assert_eq!(
            claims(&token).expect("claims"),
            json!({"aud": ["api"], "exp": 4607, "iat": 1000, "iss": "iss", "jti": "id", "nbf": 1000, "sub": "system:serviceaccount:shop:web",
                "kubernetes.io": {"namespace": "shop", "pod": {"name": "p", "uid": "u2"}, "serviceaccount": {"name": "web", "uid": "u1"}, "warnafter": 4600}})
        );
    }
}
