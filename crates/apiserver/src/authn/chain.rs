//! The authenticators in upstream's order: certificate, then token, then anonymous if nothing was presented.

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use rustls_pki_types::CertificateDer;

use super::certificate::KnownUsers;
use super::jwt::KeySet;
use super::{bootstrap_token, impersonation, service_account};
use crate::request::{Peer, UserInfo};
use crate::server::{Authenticator, Core};
use crate::status::ApiError;

/// Upstream's authenticators. Authorities are read at the first request.
#[derive(Default)]
pub struct Chain {
    authorities: OnceLock<Vec<CertificateDer<'static>>>,
    users: KnownUsers,
}

impl Chain {
    fn judge(&self, core: &Core, request: &Parts, peer: &Peer) -> Result<UserInfo, ApiError> {
        let mut failed = false;
        if let Some(presented) = &peer.client_cert {
            let authorities = self.authorities.get_or_init(|| component::tls::certificates(&core.config.client_ca_pem));
            match self.users.authenticate(presented, authorities, core.now()) {
                Ok(user) => return Ok(authenticated(user)),
                Err(error) => {
                    tracing::debug!(%error, "unable to authenticate the request");
                    failed = true;
                }
            }
        }
        if let Some(token) = bearer(request) {
            match authenticate_token(core, core.keys(), &token, &[&core.config.service_account_issuer]) {
                Ok(user) => return Ok(user),
                Err(error) => {
                    tracing::debug!(%error, "unable to authenticate the request");
                    failed = true;
                }
            }
        }
        if failed || !core.config.anonymous_auth {
            return Err(ApiError::unauthorized());
        }
        Ok(UserInfo { name: "system:anonymous".into(), groups: vec!["system:unauthenticated".into()], ..UserInfo::default() })
    }
}

impl Authenticator for Chain {
    fn authenticate<'a>(&'a self, core: &'a Arc<Core>, request: &'a Parts, peer: &'a Peer) -> BoxFuture<'a, Result<UserInfo, ApiError>> {
        let user = self.judge(core, request, peer).and_then(|user| impersonation::impersonate(core, request, user));
        Box::pin(std::future::ready(user))
    }
}

/// Judges a bearer token.
pub fn authenticate_token(core: &Core, keys: &KeySet, token: &str, audiences: &[&str]) -> Result<UserInfo, String> {
    if core.config.bootstrap_token_auth
        && let Some(user) = bootstrap_token::authenticate(core, token)
    {
        return Ok(authenticated(user));
    }
    if service_account::is_ours(token, &core.config.service_account_issuer) {
        return service_account::authenticate(core, keys, token, audiences).map(authenticated);
    }
    Err("invalid bearer token".to_owned())
}

/// Everybody who is somebody is in `system:authenticated` (`AuthenticatedGroupAdder`).
fn authenticated(mut user: UserInfo) -> UserInfo {
    if !user.groups.iter().any(|g| g == "system:authenticated" || g == "system:unauthenticated") {
        user.groups.push("system:authenticated".to_owned());
    }
    user
}

/// The bearer token of a request, in the header or in the websocket protocol by which browsers send it.
fn bearer(request: &Parts) -> Option<String> {
    let header = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, token) = header.trim().split_once(' ')?;
    (kind.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}
