//! What a request asks for: the verb and the resource that its path names (`apiserver/pkg/endpoints/request.RequestInfo`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use http::Method;

use crate::status::ApiError;

/// Who asks (`authentication/user.Info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// User name.
    pub name: String,
    /// Uid, when the authenticator knows one.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Anything else.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// The server's own loop-back identity.
    pub fn loopback() -> Self {
        Self { name: "system:apiserver".into(), groups: vec!["system:masters".into()], ..Self::default() }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Whether the path names a resource (or a resource's collection).
    pub is_resource: bool,
    /// Path without the query.
    pub path: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; of other paths the method in lower case.
    pub verb: &'static str,
    /// API group, empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Namespace, empty when there is none. For namespaces themselves: the name, as upstream does.
    pub namespace: String,
    /// Plural name.
    pub resource: String,
    /// Subresource or empty.
    pub subresource: String,
    /// Object name or empty.
    pub name: String,
    /// What stands behind the subresource (`proxy/a/b`).
    pub rest: Vec<String>,
    /// Query parameters.
    pub query: Query,
}

/// Decoded query parameters, in the order of the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string (`a=b&c=d`, percent- and plus-encoded).
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        });
        Self(pairs.collect())
    }

    /// First value of a parameter; an absent one and an empty one are both `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether the parameter occurs.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A boolean as `runtime.Convert_Slice_string_To_bool` reads it: present and neither `0` nor `false`.
    pub fn flag(&self, name: &str) -> bool {
        self.0.iter().find(|(key, _)| key == name).is_some_and(|(_, v)| !matches!(v.to_ascii_lowercase().as_str(), "0" | "false"))
    }
}

/// Decodes percent escapes; `plus` also turns `+` into a space (queries).
pub fn decode(text: &str, plus: bool) -> String {
    if !text.bytes().any(|b| b == b'%' || (plus && b == b'+')) {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match bytes[i] {
            b'%' => match (hex(i + 1), hex(i + 2)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    i += 2;
                }
                _ => out.push(b'%'),
            },
            b'+' if plus => out.push(b' '),
            other => out.push(other),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl RequestInfo {
    /// Reads method, path and query.
    pub fn parse(method: &Method, uri: &http::Uri) -> Self {
        let query = Query::parse(uri.query().unwrap_or(""));
        let path = uri.path();
        let mut info = Self { path: path.to_owned(), verb: plain_verb(method), query, ..Self::default() };
        let mut parts: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(|s| decode(s, false)).collect();
        if parts.len() < 3 {
            return info;
        }
        match parts[0].as_str() {
            "api" => {
                info.version = parts[1].clone();
                parts.drain(..2);
            }
            "apis" if parts.len() >= 4 => {
                info.group = parts[1].clone();
                info.version = parts[2].clone();
                parts.drain(..3);
            }
            _ => return info,
        }
        info.is_resource = true;
        let mut watch_path = false;
        if parts[0] == "watch" && parts.len() > 1 {
            watch_path = true;
            parts.remove(0);
        }
        if parts[0] == "namespaces" && parts.len() > 1 {
            info.namespace = parts[1].clone();
            // `namespaces/x/status` and `/finalize` are subresources of the namespace itself.
            if parts.len() > 2 && !(matches!(parts[2].as_str(), "status" | "finalize") && parts.len() == 3) {
                parts.drain(..2);
            }
        }
        let mut parts = parts.into_iter();
        info.resource = parts.next().unwrap_or_default();
        info.name = parts.next().unwrap_or_default();
        info.subresource = parts.next().unwrap_or_default();
        info.rest = parts.collect();
        info.verb = if watch_path { "watch" } else { resource_verb(method, &info) };
        info
    }

    /// Whether the request may change something.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch" | "head" | "options")
    }
}

fn plain_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "unknown",
    }
}

fn resource_verb(method: &Method, info: &RequestInfo) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if info.name.is_empty() => "deletecollection",
        Method::DELETE => "delete",
        Method::GET | Method::HEAD if info.name.is_empty() => {
            if info.query.flag("watch") {
                "watch"
            } else {
                "list"
            }
        }
        // A get with `watch=true` on one name is a watch only where a field selector names it; the path form is a get.
        Method::GET | Method::HEAD => "get",
        _ => "",
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's certificate, as presented (not yet judged).
    pub client_cert: Option<rustls_pki_types::CertificateDer<'static>>,
    /// Address the connection comes from.
    pub remote: IpAddr,
}

impl Default for Peer {
    fn default() -> Self {
        Self { client_cert: None, remote: IpAddr::from([127, 0, 0, 1]) }
    }
}

/// What the stages of one request share: the parsed path, the user, and the warnings to send back.
#[derive(Debug, Default)]
pub struct RequestContext {
    /// What is asked.
    pub info: RequestInfo,
    /// Who asks.
    pub user: UserInfo,
    /// Address the request comes from.
    pub remote: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: String,
    /// Audit id.
    pub audit_id: String,
    warnings: Mutex<Vec<String>>,
}

impl RequestContext {
    /// A context for a request.
    pub fn new(info: RequestInfo, user: UserInfo) -> Self {
        Self { info, user, ..Self::default() }
    }

    /// Adds a `Warning: 299` header to the answer; repeated texts are sent once.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        let mut warnings = self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// The warnings so far.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Field manager of a write: the parameter, or the user agent up to the first slash (`managerOrUserAgent`).
    pub fn field_manager(&self) -> String {
        match self.info.query.get("fieldManager") {
            Some(name) => name.to_owned(),
            None => {
                let agent = self.user_agent.split('/').next().unwrap_or("");
                if agent.is_empty() { "unknown".to_owned() } else { agent.chars().take(128).collect() }
            }
        }
    }

    /// Whether `dryRun=All` is asked; other values are refused.
    pub fn dry_run(&self) -> Result<bool, ApiError> {
        match self.info.query.all("dryRun").as_slice() {
            [] => Ok(false),
            ["All"] => Ok(true),
            other => {
                let errors: Vec<_> = other
                    .iter()
                    .filter(|v| **v != "All")
                    .map(|v| crate::status::FieldError::not_supported("dryRun", serde_json::json!([v]), &["All"]))
                    .collect();
                if errors.is_empty() { Ok(true) } else { Err(ApiError::invalid("meta.k8s.io", "CreateOptions", "", &errors)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_upstream_reads_them() {
        // method, uri, expected: verb group/version namespace resource name subresource
        let cases = [
            ("GET", "/api/v1/namespaces/default/pods", "list /v1 default pods  "),
            ("GET", "/api/v1/namespaces/default/pods?watch=true", "watch /v1 default pods  "),
            ("GET", "/api/v1/watch/namespaces/default/pods/x", "watch /v1 default pods x "),
            ("GET", "/api/v1/pods?watch=0", "list /v1  pods  "),
            ("GET", "/api/v1/namespaces", "list /v1  namespaces  "),
            ("GET", "/api/v1/namespaces/x", "get /v1 x namespaces x "),
            ("PUT", "/api/v1/namespaces/x/finalize", "update /v1 x namespaces x finalize"),
            ("POST", "/api/v1/namespaces/a/pods/b/exec?command=ls", "create /v1 a pods b exec"),
            ("DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps/v1 a deployments  "),
            ("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps/v1 a deployments d scale"),
        ];
        for (method, uri, expected) in cases {
            let info = RequestInfo::parse(&method.parse().unwrap(), &uri.parse().unwrap());
            let got = format!(
                "{} {}/{} {} {} {} {}",
                info.verb, info.group, info.version, info.namespace, info.resource, info.name, info.subresource
            );
            assert_eq!(got, expected, "{uri}");
            assert!(info.is_resource);
        }
        let info = RequestInfo::parse(&Method::GET, &"/apis/apps/v1".parse().unwrap());
        assert!(!info.is_resource && info.verb == "get");
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc&x=1+2&force=true&empty=");
        assert_eq!(query.get("labelSelector"), Some("a=b,c"));
        assert_eq!(query.get("x"), Some("1 2"));
        assert!(query.flag("force") && query.flag("empty") && !query.flag("absent"));
        assert_eq!(query.get("empty"), None);
    }
}
