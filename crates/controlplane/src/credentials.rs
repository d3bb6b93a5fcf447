//! Controllers that act as ServiceAccounts of their own (`--use-service-account-credentials`; client-go's
//! `DynamicControllerClientBuilder` in controller-manager/pkg/clientbuilder): the component's own credentials are good for little
//! more than asking for these tokens.

use std::sync::Arc;

use component::{Clock, Dialer, Origin, Target, TokenSource, client_for, client_with_tokens};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::context::ClientFactory;
use crate::state::Memory;

/// Namespace of the accounts.
const NAMESPACE: &str = "kube-system";

/// How long a token is asked for.
const LIFETIME_SECONDS: i64 = 3600;

/// A token and when it has to be replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountToken {
    /// Bearer token.
    pub token: String,
    /// After this a new one is asked for; some time before it expires.
    pub renew: Timestamp,
}

/// Makes clients that act as the ServiceAccount of the given name.
pub(crate) fn clients(clock: Clock, dialer: Arc<dyn Dialer>, origin: Origin, target: Target, memory: &Memory) -> ClientFactory {
    let own = client_for(dialer.clone(), origin.clone(), target.clone());
    let memory = memory.clone();
    Arc::new(move |account| {
        let source =
            AccountTokens { clock, own: own.clone(), account: account.to_owned(), memory: memory.clone(), asking: Mutex::default() };
        client_with_tokens(dialer.clone(), origin.clone(), target.clone(), Arc::new(source))
    })
}

struct AccountTokens {
    clock: Clock,
    own: kube::Client,
    account: String,
    memory: Memory,
    /// Only one request asks at a time; the others find its token.
    asking: Mutex<()>,
}

impl AccountTokens {
    fn remembered(&self) -> Option<String> {
        let now = self.clock.now();
        self.memory.read(|m| m.tokens.get(&self.account).filter(|t| t.renew > now).map(|t| t.token.clone()))
    }

    async fn ask(&self) -> Result<String, kube::Error> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
        let wanted =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": LIFETIME_SECONDS}});
        let post = |path: &str, body: &Value| {
            let request = http::Request::post(path).header("content-type", "application/json").body(body.to_string().into_bytes());
            request.map_err(kube::Error::HttpError)
        };
        let token_path = format!("{path}/{}/token", self.account);
        let answer: Value = match self.own.request(post(&token_path, &wanted)?).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                let account =
                    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": self.account, "namespace": NAMESPACE}});
                match self.own.request::<Value>(post(&path, &account)?).await {
                    Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                    made => drop(made?),
                }
                self.own.request(post(&token_path, &wanted)?).await?
            }
            answer => answer?,
        };
        let token = answer["status"]["token"].as_str().unwrap_or_default().to_owned();
        let renew = self.clock.now() + SignedDuration::from_secs(LIFETIME_SECONDS * 4 / 5);
        self.memory.write(|m| m.tokens.insert(self.account.clone(), AccountToken { token: token.clone(), renew }));
        Ok(token)
    }
}

impl TokenSource for AccountTokens {
    fn token(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            if let Some(token) = self.remembered() {
                return Ok(token);
            }
            let _turn = self.asking.lock().await;
            match self.remembered() {
                Some(token) => Ok(token),
                None => self.ask().await.map_err(|error| format!("getting a token for {NAMESPACE}/{}: {error}", self.account)),
            }
        })
    }
}
