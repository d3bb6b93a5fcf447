//! `kubectl create secret generic|tls|docker-registry`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER, data};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::kubeconfig::go_reason;
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

/// The parent command.
pub const COMMAND: Command = Command {
    path: &["create", "secret"],
    aliases: &[],
    usage: "(docker-registry | generic | tls)",
    short: "Create a secret using a specified subcommand",
    long: "",
    examples: "",
    flags: &[],
    completes: Completes::Nothing,
    run: None,
};

const TYPE: &[Flag] = &[flag("type", Kind::Text, "", "Type of the secret.")];
const HASH: &[Flag] = &[flag("append-hash", Kind::Bool, "false", "Append a hash of the content to the name.")];

/// `kubectl create secret generic`.
pub const GENERIC: Command = Command {
    path: &["create", "secret", "generic"],
    aliases: &[],
    usage: "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    short: "Create a secret from a local file, directory, or literal value",
    long: "",
    examples: "kubectl create secret generic db --from-literal=password=s3cr3t",
    flags: &[TYPE, HASH, data::SOURCES, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(generic(cx))),
};

/// `kubectl create secret tls`.
pub const TLS: Command = Command {
    path: &["create", "secret", "tls"],
    aliases: &[],
    usage: "NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
    short: "Create a TLS secret",
    long: "",
    examples: "kubectl create secret tls web --cert=tls.crt --key=tls.key",
    flags: &[
        &[flag("cert", Kind::Text, "", "File with the PEM certificate."), flag("key", Kind::Text, "", "File with the PEM key.")],
        HASH,
        DRY_RUN,
        SAVE_CONFIG,
        VALIDATE,
        MANAGER,
        OUTPUT,
    ],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(tls(cx))),
};

/// `kubectl create secret docker-registry`.
pub const DOCKER_REGISTRY: Command = Command {
    path: &["create", "secret", "docker-registry"],
    aliases: &[],
    usage: "NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string]",
    short: "Create a secret for use with a Docker registry",
    long: "",
    examples: "kubectl create secret docker-registry pull --docker-server=registry.example --docker-username=u --docker-password=p",
    flags: &[
        &[
            flag("docker-username", Kind::Text, "", "User name."),
            flag("docker-password", Kind::Text, "", "Password."),
            flag("docker-email", Kind::Text, "", "E-mail address."),
            flag("docker-server", Kind::Text, "https://index.docker.io/v1/", "Registry."),
            flag("from-file", Kind::List, "", "A docker config file."),
        ],
        HASH,
        DRY_RUN,
        SAVE_CONFIG,
        VALIDATE,
        MANAGER,
        OUTPUT,
    ],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(docker_registry(cx))),
};

fn secret(name: &str, kind: Option<&str>, entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> Value {
    let mut object = create::object(&builtin("", "v1", "secrets", "Secret", true), name);
    let data: serde_json::Map<String, Value> = entries.into_iter().map(|(k, v)| (k, STANDARD.encode(v).into())).collect();
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if let Some(kind) = kind {
        object["type"] = kind.into();
    }
    object
}

async fn submit(cx: &Context, object: Value) -> Result<(), Error> {
    if cx.flags.on("append-hash") {
        return Err(Error::message("--append-hash is not supported by this kubectl"));
    }
    create::submit(cx, &builtin("", "v1", "secrets", "Secret", true), object, "secret").await
}

async fn generic(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let data = data::read(cx, "Secret", &name)?;
    submit(cx, secret(&name, cx.flags.given("type"), data)).await
}

async fn tls(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["cert", "key"])?;
    let name = create::name(cx)?;
    let read = |flag: &str| {
        let path = cx.flags.text(flag);
        cx.files.read(&cx.absolute(path)).map_err(|e| Error::message(format!("Cannot read file {path}, open {path}: {}", go_reason(&e))))
    };
    let (cert, key) = (read("cert")?, read("key")?);
    let is_pem = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("-----BEGIN ");
    if !is_pem(&cert) {
        return Err(Error::message("tls: failed to find any PEM data in certificate input"));
    }
    if !is_pem(&key) {
        return Err(Error::message("tls: failed to find any PEM data in key input"));
    }
    submit(cx, secret(&name, Some("kubernetes.io/tls"), [("tls.crt".to_owned(), cert), ("tls.key".to_owned(), key)])).await
}

async fn docker_registry(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let kind = Some("kubernetes.io/dockerconfigjson");
    if cx.flags.changed("from-file") {
        let data = data::read(cx, "Secret", &name)?;
        let entries = data.into_values().take(1).map(|v| (".dockerconfigjson".to_owned(), v));
        return submit(cx, secret(&name, kind, entries)).await;
    }
    let (user, password, email) = (cx.flags.text("docker-username"), cx.flags.text("docker-password"), cx.flags.text("docker-email"));
    if user.is_empty() || password.is_empty() {
        return Err(Error::message(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        ));
    }
    let mut entry = json!({"username": user, "password": password});
    if !email.is_empty() {
        entry["email"] = email.into();
    }
    entry["auth"] = STANDARD.encode(format!("{user}:{password}")).into();
    let config = json!({"auths": {cx.flags.text("docker-server"): entry}});
    submit(cx, secret(&name, kind, [(".dockerconfigjson".to_owned(), config.to_string().into_bytes())])).await
}
