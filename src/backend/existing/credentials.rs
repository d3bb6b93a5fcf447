//! What a context connects and authenticates with, made to be carried: the session's own kubectl has neither the user's files nor the
//! user's programs, and must be the same user as its client.

use std::path::PathBuf;

use base64::Engine;
use kube::config::{AuthInfo, Cluster};

/// Why a context cannot be carried into a session.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// It authenticates by something that would have to be run, or as somebody else.
    #[error("authenticates by {0}, which ckaprep does not follow")]
    Way(String),
    /// It connects in a way of its own.
    #[error("has {0}, which ckaprep does not follow")]
    Connection(&'static str),
    /// A file that it names.
    #[error("names the file {path}, which cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A cluster whose certificate authority is in it, not in a file.
pub fn carried_cluster(mut cluster: Cluster) -> Result<Cluster, CarryError> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(CarryError::Connection("insecure-skip-tls-verify"));
    }
    if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return Err(CarryError::Connection("proxy-url"));
    }
    embed(&mut cluster.certificate_authority_data, &mut cluster.certificate_authority)?;
    Ok(cluster)
}

/// A user whose certificate, key and token are in it, not in files.
pub fn carried_user(mut user: AuthInfo) -> Result<AuthInfo, CarryError> {
    if let Some(way) = foreign_way(&user) {
        return Err(CarryError::Way(way));
    }
    embed(&mut user.client_certificate_data, &mut user.client_certificate)?;
    if let (None, Some(path)) = (&user.client_key_data, &user.client_key) {
        user.client_key_data = Some(encoded(path)?.into());
    }
    user.client_key = None;
    if let (None, Some(path)) = (&user.token, &user.token_file) {
        let bytes = read(path)?;
        user.token = Some(String::from_utf8_lossy(&bytes).trim().to_owned().into());
    }
    user.token_file = None;
    Ok(user)
}

/// Ways to authenticate that a session's kubectl does not have: it would be somebody else than the client.
fn foreign_way(user: &AuthInfo) -> Option<String> {
    if let Some(exec) = &user.exec {
        return Some(format!("the program {:?}", exec.command.as_deref().unwrap_or("exec")));
    }
    if let Some(provider) = &user.auth_provider {
        return Some(format!("the provider {:?}", provider.name));
    }
    if user.username.is_some() || user.password.is_some() {
        return Some("a password".to_owned());
    }
    user.impersonate.as_ref().map(|name| format!("impersonation of {name:?}"))
}

/// Moves what stands in a file into the data beside it, which wins where both are there.
fn embed(data: &mut Option<String>, file: &mut Option<String>) -> Result<(), CarryError> {
    if let (None, Some(path)) = (&data, &file) {
        *data = Some(encoded(path)?);
    }
    *file = None;
    Ok(())
}

fn encoded(path: &str) -> Result<String, CarryError> {
    Ok(base64::engine::general_purpose::STANDARD.encode(read(path)?))
}

fn read(path: &str) -> Result<Vec<u8>, CarryError> {
    std::fs::read(path).map_err(|source| CarryError::File { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(yaml: &str) -> AuthInfo {
        serde_saphyr::from_str(yaml).expect("a user")
    }

    fn cluster(yaml: &str) -> Cluster {
        serde_saphyr::from_str(yaml).expect("a cluster")
    }

    #[test]
    fn files_become_data() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (ca, token) = (file("ca.crt", "CA"), file("token", "secret\n"));
        let (cert, key) = (file("me.crt", "CERT"), file("me.key", "KEY"));
        let carried = carried_cluster(cluster(&format!("{{server: 'https://a', certificate-authority: {ca}}}"))).expect("a cluster");
        assert_eq!((carried.certificate_authority, carried.certificate_authority_data.as_deref()), (None, Some("Q0E=")));
        let carried = carried_user(user(&format!("{{client-certificate: {cert}, client-key: {key}}}"))).expect("a user");
        let text = serde_saphyr::to_string(&carried).expect("YAML");
        assert!(text.contains("Q0VSVA==") && text.contains("S0VZ") && !text.contains("me.key"), "{text}");
        let carried = carried_user(user(&format!("{{tokenFile: {token}}}"))).expect("a user");
        let text = serde_saphyr::to_string(&carried).expect("YAML");
        assert!(text.contains("secret") && !text.contains("tokenFile"), "{text}");
        let missing = carried_cluster(cluster("{server: 'https://a', certificate-authority: /nowhere/ca.crt}")).expect_err("no file");
        assert!(missing.to_string().contains("/nowhere/ca.crt"), "{missing}");
    }

    #[test]
    fn what_the_sessions_kubectl_could_not_follow_is_refused() {
        for (yaml, part) in [
            ("{exec: {apiVersion: client.authentication.k8s.io/v1, command: cloud-login}}", "the program \"cloud-login\""),
            ("{auth-provider: {name: oidc, config: {}}}", "the provider \"oidc\""),
            ("{username: me, password: secret}", "a password"),
            ("{token: x, as: system:admin}", "impersonation of \"system:admin\""),
        ] {
            let error = carried_user(user(yaml)).expect_err(part).to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
        for field in ["insecure-skip-tls-verify: true", "proxy-url: 'http://proxy:3128'"] {
            let error = carried_cluster(cluster(&format!("{{server: 'https://a', {field}}}"))).expect_err(field).to_string();
            assert!(error.contains(field.split(':').next().expect("a name")), "{error}");
        }
    }
}
