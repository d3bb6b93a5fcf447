//! Which kubeconfig, context and overrides apply (client-go's `clientcmd` loading rules).

use component::Target;
use component::kubeconfig::Context as ConfigContext;
use component::kubeconfig::{Cluster, User};
use component::kubeconfig::{Kubeconfig, KubeconfigError, NamedCluster, NamedContext, NamedUser};

use crate::context::Context;
use crate::error::Error;

/// Name that overrides live under when the kubeconfig has no entry for them.
const OVERRIDE: &str = "";

/// Where kubeconfig files are looked for, first to last, as they were written: messages name them so.
pub fn paths(cx: &Context) -> Vec<String> {
    if let Some(path) = cx.flags.given("kubeconfig") {
        return vec![path.to_owned()];
    }
    match cx.env("KUBECONFIG") {
        Some(list) if !list.is_empty() => list.split(':').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
        _ => vec![format!("{}/.kube/config", cx.env("HOME").unwrap_or("/root").trim_end_matches('/'))],
    }
}

/// Reads and merges the kubeconfig files; of entries with one name the first wins.
pub fn load(cx: &Context) -> Result<Kubeconfig, Error> {
    let mut merged = Kubeconfig::default();
    for path in paths(cx) {
        let bytes = match cx.files.read(&cx.absolute(&path)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if cx.flags.given("kubeconfig").is_some() {
                    return Err(Error::message(format!("stat {path}: no such file or directory")));
                }
                continue;
            }
            Err(e) => return Err(Error::message(format!("error loading config file \"{path}\": open {path}: {}", go_reason(&e)))),
        };
        let one = parse(&path, &bytes)?;
        let whole = cx.absolute(&path);
        let base = whole.rsplit_once('/').map_or("", |(dir, _)| dir);
        for mut entry in one.clusters {
            resolve(&mut entry.cluster.certificate_authority, base);
            if !merged.clusters.iter().any(|c| c.name == entry.name) {
                merged.clusters.push(entry);
            }
        }
        for mut entry in one.users {
            resolve(&mut entry.user.client_certificate, base);
            resolve(&mut entry.user.client_key, base);
            resolve(&mut entry.user.token_file, base);
            if !merged.users.iter().any(|u| u.name == entry.name) {
                merged.users.push(entry);
            }
        }
        for entry in one.contexts {
            if !merged.contexts.iter().any(|c| c.name == entry.name) {
                merged.contexts.push(entry);
            }
        }
        if merged.current_context.is_empty() {
            merged.current_context = one.current_context;
        }
    }
    Ok(merged)
}

/// Reads one file. Lists that are null (`kubectl config` writes empty ones so) count as empty.
fn parse(path: &str, bytes: &[u8]) -> Result<Kubeconfig, Error> {
    let wrong = |reason: String| Error::message(format!("error loading config file \"{path}\": {reason}"));
    let mut value = crate::resources::manifest::parse(&String::from_utf8_lossy(bytes))
        .map_err(|e| wrong(e.trim_start_matches("error converting YAML to JSON: ").to_owned()))?;
    let Some(map) = value.as_object_mut() else {
        return if value.is_null() { Ok(Kubeconfig::default()) } else { Err(wrong("not a kubeconfig".to_owned())) };
    };
    map.retain(|_, v| !v.is_null());
    serde_json::from_value(value).map_err(|e| wrong(e.to_string()))
}

fn resolve(path: &mut Option<String>, base: &str) {
    if let Some(path) = path.as_mut().filter(|p| !p.is_empty() && !p.starts_with('/')) {
        *path = format!("{base}/{path}");
    }
}

/// The target that kubeconfig and flags give, and whether the namespace was chosen explicitly by `-n`.
pub fn target(cx: &Context) -> Result<Target, Error> {
    let mut config = load(cx)?;
    let flags = &cx.flags;
    let name = cx.global("context").map_or_else(|| config.current_context.clone(), str::to_owned);
    let mut context = match config.contexts.iter().find(|c| c.name == name) {
        Some(found) => found.context.clone(),
        None if name.is_empty() => ConfigContext::default(),
        None if cx.global("context").is_some() => {
            return Err(Error::Verbatim(format!("Error in configuration: context was not found for specified context: {name}")));
        }
        None => ConfigContext::default(),
    };
    if let Some(cluster) = cx.global("cluster") {
        cluster.clone_into(&mut context.cluster);
    }
    if let Some(user) = cx.global("user") {
        user.clone_into(&mut context.user);
    }
    let mut cluster = match config.clusters.iter().find(|c| c.name == context.cluster) {
        Some(found) => found.cluster.clone(),
        None if cx.global("cluster").is_some() => {
            return Err(Error::message(format!("no server found for cluster {:?}", context.cluster)));
        }
        // A context that names a cluster which is not there leaves everything to the defaults.
        None => Cluster::default(),
    };
    let mut user = match config.users.iter().find(|u| u.name == context.user) {
        Some(found) => found.user.clone(),
        None if cx.global("user").is_some() => return Err(Error::message(format!("auth info {:?} does not exist", context.user))),
        None => User::default(),
    };
    override_with(cx, &mut cluster, &mut user);
    if cluster.server.is_empty() {
        // clientcmd's last resort: an insecure port that no server has had for years.
        "http://localhost:8080".clone_into(&mut cluster.server);
    }
    let user_name = context.user.clone();
    OVERRIDE.clone_into(&mut context.cluster);
    OVERRIDE.clone_into(&mut context.user);
    let effective = Kubeconfig {
        clusters: vec![NamedCluster { name: OVERRIDE.to_owned(), cluster }],
        users: vec![NamedUser { name: OVERRIDE.to_owned(), user }],
        contexts: vec![NamedContext { name: "effective".to_owned(), context }],
        current_context: "effective".to_owned(),
        ..std::mem::take(&mut config)
    };
    let read = |path: &str| cx.files.read(path).map_err(|e| go_reason(&e).to_owned());
    let mut target = effective.target(None, &read).map_err(|e| match e {
        KubeconfigError::File { .. } => Error::message(format!("invalid configuration: {e}")),
        other => Error::message(other.to_string()),
    })?;
    if let Some(user) = cx.global("as") {
        target.impersonate = Some(component::kubeconfig::Impersonation { user: user.to_owned(), groups: flags.list("as-group") });
    } else if flags.changed("as-group") {
        return Err(Error::message(format!("requesting uid, groups or user-extra for {user_name} without impersonating a user")));
    }
    Ok(target)
}

fn override_with(cx: &Context, cluster: &mut Cluster, user: &mut User) {
    let flags = &cx.flags;
    if let Some(server) = cx.global("server") {
        cluster.server = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    }
    if let Some(path) = cx.global("certificate-authority") {
        cluster.certificate_authority = Some(cx.absolute(path));
        cluster.certificate_authority_data = None;
    }
    if flags.on("insecure-skip-tls-verify") {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = cx.global("tls-server-name") {
        cluster.tls_server_name = Some(name.to_owned());
    }
    if let Some(path) = cx.global("client-certificate") {
        user.client_certificate = Some(cx.absolute(path));
        user.client_certificate_data = None;
    }
    if let Some(path) = cx.global("client-key") {
        user.client_key = Some(cx.absolute(path));
        user.client_key_data = None;
    }
    if let Some(token) = cx.global("token") {
        *user = User { token: Some(token.to_owned()), ..User::default() };
    }
}

/// An I/O error in Go's words.
pub fn go_reason(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory",
        std::io::ErrorKind::PermissionDenied => "permission denied",
        std::io::ErrorKind::IsADirectory => "is a directory",
        std::io::ErrorKind::NotADirectory => "not a directory",
        std::io::ErrorKind::ReadOnlyFilesystem => "read-only file system",
        std::io::ErrorKind::StorageFull => "no space left on device",
        _ => "input/output error",
    }
}
