//! Kubeconfig files: the part of clientcmd that decides where to connect and as whom.

use base64::Engine;
use serde::{Deserialize, Serialize};

use crate::tls::ClientTls;

/// Where to connect and with which credentials; every file that the kubeconfig names has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// URL of the API server, without a trailing slash.
    pub server: String,
    /// TLS material; used when `server` is an https URL.
    pub tls: ClientTls,
    /// Bearer token.
    pub token: Option<String>,
    /// Namespace of the context; `default` when it names none.
    pub namespace: String,
    /// Users and groups to impersonate (`--as`, `as:`).
    pub impersonate: Option<Impersonation>,
}

/// `--as` and `--as-group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
}

impl Target {
    /// Host and port of the server's URL.
    pub fn host_port(&self) -> (String, u16) {
        let uri: http::Uri = self.server.parse().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 });
        (uri.host().unwrap_or("localhost").trim_matches(['[', ']']).to_owned(), port)
    }

    /// Whether the server is reached by https.
    pub fn is_tls(&self) -> bool {
        self.server.starts_with("https://")
    }
}

/// A kubeconfig that cannot be used. Texts follow clientcmd's.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// Not YAML, or not the shape of a kubeconfig.
    #[error("error loading config file \"{path}\": {reason}")]
    Syntax {
        /// File.
        path: String,
        /// Parser's words.
        reason: String,
    },
    /// The named (or current) context is not in the file.
    #[error("context \"{0}\" does not exist")]
    NoContext(String),
    /// A context names a cluster that is not there.
    #[error("cluster \"{0}\" does not exist")]
    NoCluster(String),
    /// A context names a user that is not there.
    #[error("auth info \"{0}\" does not exist")]
    NoUser(String),
    /// A referenced file cannot be read.
    #[error("unable to read {field} {path} for {owner} due to open {path}: {reason}")]
    File {
        /// `client-cert`, `client-key`, `certificate-authority`.
        field: &'static str,
        /// The file.
        path: String,
        /// Name of the user or cluster entry.
        owner: String,
        /// `no such file or directory` or the like.
        reason: String,
    },
    /// Embedded data is not base64.
    #[error("illegal base64 data in {0}")]
    Base64(&'static str),
    /// A key that is not the certificate's.
    #[error("tls: private key does not match public key")]
    KeyMismatch,
    /// Neither file nor cluster: nothing to connect to.
    #[error("invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable")]
    Empty,
}

/// A kubeconfig file as written (`v1`, kind `Config`). Unknown fields are kept out, as clientcmd does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs)]
pub struct Kubeconfig {
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    pub kind: String,
    pub clusters: Vec<NamedCluster>,
    pub contexts: Vec<NamedContext>,
    pub current_context: String,
    pub users: Vec<NamedUser>,
}

/// An entry of `clusters`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NamedCluster {
    pub name: String,
    #[serde(default)]
    pub cluster: Cluster,
}

/// Where a cluster is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs)]
pub struct Cluster {
    pub server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_tls_verify: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
}

/// An entry of `contexts`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NamedContext {
    pub name: String,
    #[serde(default)]
    pub context: Context,
}

/// A cluster, a user and a namespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Context {
    pub cluster: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub user: String,
}

/// An entry of `users`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NamedUser {
    pub name: String,
    #[serde(default)]
    pub user: User,
}

/// Credentials.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs)]
pub struct User {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(rename = "tokenFile", skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
}

impl Kubeconfig {
    /// Reads a kubeconfig; `path` appears in errors only.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self, KubeconfigError> {
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(&text).map_err(|e| KubeconfigError::Syntax { path: path.to_owned(), reason: e.to_string() })
    }

    /// Resolves a context (the current one unless named) to a target. `read` opens the files that it names.
    pub fn target(&self, context: Option<&str>, read: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<Target, KubeconfigError> {
        let name = context.unwrap_or(&self.current_context);
        if name.is_empty() && self.clusters.is_empty() {
            return Err(KubeconfigError::Empty);
        }
        let context = &self.contexts.iter().find(|c| c.name == name).ok_or_else(|| KubeconfigError::NoContext(name.to_owned()))?.context;
        let cluster = &self
            .clusters
            .iter()
            .find(|c| c.name == context.cluster)
            .ok_or_else(|| KubeconfigError::NoCluster(context.cluster.clone()))?
            .cluster;
        let anonymous = User::default();
        let user = match self.users.iter().find(|u| u.name == context.user) {
            Some(user) => &user.user,
            None if context.user.is_empty() => &anonymous,
            None => return Err(KubeconfigError::NoUser(context.user.clone())),
        };
        let load = |data: &Option<String>, file: &Option<String>, field: &'static str, owner: &str| match (data, file) {
            (Some(data), _) if !data.is_empty() => base64::engine::general_purpose::STANDARD
                .decode(data.split_whitespace().collect::<String>())
                .map(Some)
                .map_err(|_| KubeconfigError::Base64(field)),
            (_, Some(path)) if !path.is_empty() => {
                read(path).map(Some).map_err(|reason| KubeconfigError::File { field, path: path.clone(), owner: owner.to_owned(), reason })
            }
            _ => Ok(None),
        };
        let token = match (&user.token, &user.token_file) {
            (Some(token), _) if !token.is_empty() => Some(token.clone()),
            (_, Some(_)) => {
                load(&None, &user.token_file, "tokenFile", &context.user)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            }
            _ => None,
        };
        let authority =
            load(&cluster.certificate_authority_data, &cluster.certificate_authority, "certificate-authority", &context.cluster)?;
        let tls = ClientTls {
            ca_pem: authority.unwrap_or_default(),
            cert_pem: load(&user.client_certificate_data, &user.client_certificate, "client-cert", &context.user)?,
            key_pem: load(&user.client_key_data, &user.client_key, "client-key", &context.user)?,
            insecure: cluster.insecure_skip_tls_verify.unwrap_or(false),
            server_name: cluster.tls_server_name.clone(),
        };
        if tls.mismatched() {
            return Err(KubeconfigError::KeyMismatch);
        }
        Ok(Target {
            server: cluster.server.trim_end_matches('/').to_owned(),
            tls,
            token,
            namespace: context.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned()),
            impersonate: None,
        })
    }
}
