//! One context of the user's kubeconfig, taken out and never written back.

use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster, NamedContext};

use super::credentials::{CarryError, carried_cluster, carried_user};
use super::guard::Names;

/// Why a context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A file cannot be read or understood.
    #[error("cannot read the kubeconfig {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<KubeconfigError>,
    },
    /// There is no such context.
    #[error("there is no context {context:?} in {files}")]
    NoContext {
        /// What was asked for.
        context: String,
        /// Where it was looked for.
        files: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The context names something that is not there.
    #[error("the context {context:?} names the {kind} {name:?}, which is not in the kubeconfig")]
    Dangling {
        /// The context.
        context: String,
        /// `cluster` or `user`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// It cannot be carried into a session.
    #[error("the context {context:?} {source}")]
    Carry {
        /// The context.
        context: String,
        /// Why.
        source: CarryError,
    },
    /// It cannot be written for the session.
    #[error("the context {context:?} cannot be copied: {reason}")]
    Copy {
        /// The context.
        context: String,
        /// Why.
        reason: String,
    },
    /// It leads nowhere.
    #[error("the context {context:?} cannot be used: {source}")]
    Unusable {
        /// The context.
        context: String,
        /// Why.
        source: Box<KubeconfigError>,
    },
    /// Its way to authenticate does not work.
    #[error("the context {context:?} cannot be used: {source}")]
    Client {
        /// The context.
        context: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// One context with its cluster and user.
#[derive(Clone, Debug)]
pub struct Chosen {
    config: Kubeconfig,
    names: Names,
}

impl Chosen {
    /// Takes `context` out of `files`, which are merged as kubectl merges `KUBECONFIG`: the first that has a name wins.
    pub fn read(files: &[PathBuf], context: &str) -> Result<Self, ContextError> {
        let mut merged = Kubeconfig::default();
        for path in files {
            let failed = |source| ContextError::Read { path: path.clone(), source: Box::new(source) };
            // Paths in the file are relative to it; kube makes them absolute.
            let config = Kubeconfig::read_from(path).map_err(failed)?;
            merged = merged.merge(config).map_err(failed)?;
        }
        Self::of(&merged, context, files)?.carried()
    }

    fn of(all: &Kubeconfig, context: &str, files: &[PathBuf]) -> Result<Self, ContextError> {
        let named = |name: &str, kind, wanted: &str| ContextError::Dangling { context: name.into(), kind, name: wanted.into() };
        let Some(NamedContext { context: Some(inner), .. }) = all.contexts.iter().find(|c| c.name == context) else {
            let shown: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            return Err(ContextError::NoContext {
                context: context.to_owned(),
                files: shown.join(", "),
                known: all.contexts.iter().map(|c| c.name.clone()).collect(),
            });
        };
        let cluster: NamedCluster =
            all.clusters.iter().find(|c| c.name == inner.cluster).cloned().ok_or_else(|| named(context, "cluster", &inner.cluster))?;
        let user = inner.user.clone().unwrap_or_default();
        let auth: NamedAuthInfo = match all.auth_infos.iter().find(|a| a.name == user) {
            Some(auth) => auth.clone(),
            None if user.is_empty() => NamedAuthInfo::default(),
            None => return Err(named(context, "user", &user)),
        };
        let names = Names {
            context: context.to_owned(),
            cluster: cluster.name.clone(),
            user,
            server: cluster.cluster.as_ref().and_then(|c| c.server.clone()).unwrap_or_default(),
            namespace: inner.namespace.clone().unwrap_or_default(),
        };
        let config = Kubeconfig {
            current_context: Some(context.to_owned()),
            contexts: vec![NamedContext { name: context.to_owned(), context: Some(inner.clone()), ..NamedContext::default() }],
            clusters: vec![cluster],
            auth_infos: vec![auth],
            ..Kubeconfig::default()
        };
        Ok(Self { config, names })
    }

    /// Puts the files that the context names into it; refuses what a session's kubectl could not follow.
    fn carried(mut self) -> Result<Self, ContextError> {
        let failed = |source| ContextError::Carry { context: self.names.context.clone(), source };
        for named in &mut self.config.clusters {
            named.cluster = named.cluster.take().map(carried_cluster).transpose().map_err(failed)?;
        }
        for named in &mut self.config.auth_infos {
            named.auth_info = named.auth_info.take().map(carried_user).transpose().map_err(failed)?;
        }
        Ok(self)
    }

    /// What it is called, for the guard.
    pub fn names(&self) -> &Names {
        &self.names
    }
}

impl Chosen {
    /// The kubeconfig of this context alone, for the session: certificates and tokens are written into it, so it belongs in a private file.
    pub fn to_yaml(&self) -> Result<String, ContextError> {
        let mut config = self.config.clone();
        config.api_version = Some("v1".to_owned());
        config.kind = Some("Config".to_owned());
        serde_saphyr::to_string(&config).map_err(|e| ContextError::Copy { context: self.names.context.clone(), reason: e.to_string() })
    }

    /// A client of this context, and its server's URL.
    pub async fn client(&self) -> Result<(kube::Client, http::Uri), ContextError> {
        let options = KubeConfigOptions { context: Some(self.names.context.clone()), ..KubeConfigOptions::default() };
        let config = kube::Config::from_custom_kubeconfig(self.config.clone(), &options).await.map_err(|e| self.unusable(e))?;
        let url = config.cluster_url.clone();
        let client = kube::Client::try_from(config)
            .map_err(|e| ContextError::Client { context: self.names.context.clone(), source: Box::new(e) })?;
        Ok((client, url))
    }

    fn unusable(&self, source: KubeconfigError) -> ContextError {
        ContextError::Unusable { context: self.names.context.clone(), source: Box::new(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: shop-production
clusters:
- {name: lab, cluster: {server: 'https://192.0.2.1:6443'}}
- {name: prod, cluster: {server: 'https://192.0.2.2:6443'}}
users:
- {name: me, user: {token: secret}}
- {name: cloud, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: cloud-login}}}
contexts:
- {name: lab, context: {cluster: lab, user: me, namespace: team}}
- {name: shop-production, context: {cluster: prod, user: me}}
- {name: half, context: {cluster: gone, user: me}}
- {name: cloud, context: {cluster: lab, user: cloud}}
- {name: stranger, context: {cluster: lab, user: nobody}}
";

    fn choose(context: &str) -> Result<Chosen, ContextError> {
        let all = Kubeconfig::from_yaml(TWO).expect("a kubeconfig");
        Chosen::of(&all, context, &[PathBuf::from("/home/me/.kube/config")])?.carried()
    }

    #[test]
    fn only_the_named_context_is_taken() {
        let chosen = choose("lab").expect("it is there");
        let names = chosen.names();
        assert_eq!((names.server.as_str(), names.namespace.as_str()), ("https://192.0.2.1:6443", "team"));
        let text = chosen.to_yaml().expect("a kubeconfig");
        assert!(!text.contains("192.0.2.2") && !text.contains("production"), "{text}");
        let again = Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        assert_eq!((again.current_context.as_deref(), again.contexts.len()), (Some("lab"), 1));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (context, part) in [
            ("labb", "no context \"labb\" in /home/me/.kube/config"),
            ("half", "names the cluster \"gone\""),
            ("cloud", "by the program \"cloud-login\""),
            ("stranger", "names the user \"nobody\""),
        ] {
            let error = choose(context).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
