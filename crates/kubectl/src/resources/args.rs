//! Which objects a command line means: `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, `-f`, `-l`, `--all` (cli-runtime's `resource.Builder`).

use std::sync::Arc;

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::resources::discovery::{Resource, escape};
use crate::resources::manifest;

/// `-l`.
pub const SELECTOR: &[Flag] = &[short("selector", 'l', Kind::Text, "", "Label selector: key=value, key!=value, key in (a,b), key.")];
/// `--field-selector`.
pub const FIELD_SELECTOR: &[Flag] = &[flag("field-selector", Kind::Text, "", "Field selector: key=value, key!=value.")];
/// `--all`.
pub const ALL: &[Flag] = &[flag("all", Kind::Bool, "false", "Take all objects of the type in the namespace.")];
/// `-A`.
pub const ALL_NAMESPACES: &[Flag] = &[short("all-namespaces", 'A', Kind::Bool, "false", "Look in all namespaces.")];
/// `--local`.
pub const LOCAL: &[Flag] = &[flag("local", Kind::Bool, "false", "Do not contact the server; work on the manifest only.")];

const NOTHING_GIVEN: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/// An object: what it is, where it is, and perhaps its content.
#[derive(Clone, Debug)]
pub struct Info {
    /// Its resource.
    pub resource: Arc<Resource>,
    /// Its namespace, for namespaced resources.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its content: as read from the server, or from a manifest; null when only its name is known.
    pub object: Value,
    /// The manifest that named it.
    pub source: Option<String>,
}

impl Info {
    /// URL path.
    pub fn path(&self) -> String {
        self.resource.object(self.namespace.as_deref(), &self.name)
    }

    /// URL path of the collection it lives in.
    pub fn collection(&self) -> String {
        self.resource.collection(self.namespace.as_deref())
    }

    /// `deployment.apps/web`.
    pub fn display(&self) -> String {
        self.resource.display(&self.name)
    }
}

/// One thing that a command line means.
#[derive(Clone, Debug)]
pub enum Pick {
    /// A named object.
    One(Info),
    /// All objects that the selectors admit.
    Many {
        /// Of which resource.
        resource: Arc<Resource>,
        /// In which namespace; `None`: all.
        namespace: Option<String>,
    },
}

/// How a command reads its arguments.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The arguments.
    pub args: Vec<String>,
    /// Label selector.
    pub labels: Option<String>,
    /// Field selector.
    pub fields: Option<String>,
    /// `--all`.
    pub all: bool,
    /// `-A`.
    pub all_namespaces: bool,
    /// A type alone means all of its objects.
    pub type_alone: bool,
    /// Resource that a bare name means, for commands such as `rollout` or `cordon`.
    pub default_type: Option<&'static str>,
}

impl Selection {
    /// As the flags say, with all arguments.
    pub fn of(cx: &Context) -> Self {
        Self {
            args: cx.flags.args.clone(),
            labels: cx.flags.given("selector").map(str::to_owned),
            fields: cx.flags.given("field-selector").map(str::to_owned),
            all: cx.flags.on("all"),
            all_namespaces: cx.flags.on("all-namespaces"),
            type_alone: false,
            default_type: None,
        }
    }

    /// Query string of the selectors, beginning with `?` or empty.
    pub fn query(&self) -> String {
        let mut parts = Vec::new();
        if let Some(labels) = &self.labels {
            parts.push(format!("labelSelector={}", escape(labels)));
        }
        if let Some(fields) = &self.fields {
            parts.push(format!("fieldSelector={}", escape(fields)));
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// A list that was refused, with what was asked for (`resource.Selector.Visit`).
    pub fn refused(&self, resource: &Resource, error: Error) -> Error {
        match error {
            Error::Status(mut status) if matches!(status.reason.as_str(), "BadRequest" | "NotFound") => {
                let shown = format!("{}/{}, Resource={}", resource.group, resource.version, resource.name);
                status.message = match (&self.labels, &self.fields) {
                    (None, None) => format!("Unable to list {shown:?}: {}", status.message),
                    (labels, fields) => format!(
                        "Unable to find {shown:?} that match label selector {:?}, field selector {:?}: {}",
                        labels.as_deref().unwrap_or_default(),
                        fields.as_deref().unwrap_or_default(),
                        status.message
                    ),
                };
                Error::Status(status)
            }
            error => error,
        }
    }

    /// Finds out what is meant, without reading objects (manifests excepted).
    pub async fn resolve(&self, cx: &Context) -> Result<Vec<Pick>, Error> {
        if manifest::named(cx) {
            return self.manifests(cx).await;
        }
        let args = normalize(&self.args);
        let slashes = args.iter().filter(|a| a.contains('/')).count();
        let namespace = if self.all_namespaces { None } else { Some(cx.namespace()?) };
        if slashes > 0 {
            if slashes != args.len() {
                return Err(Error::message(
                    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                ));
            }
            return self.named_pairs(cx, &args, namespace.as_deref()).await;
        }
        let Some((first, names)) = args.split_first() else {
            return Err(match (self.labels.is_some() || self.fields.is_some() || self.all, self.default_type) {
                (true, Some(word)) => return Ok(vec![many(&cx.discovery().await?.find(word)?, namespace)]),
                (true, None) => Error::message("at least one resource must be specified to use a selector"),
                (false, _) => Error::message(NOTHING_GIVEN),
            });
        };
        let discovery = cx.discovery().await?;
        let mut resources = Vec::new();
        for word in first.split(',').filter(|w| !w.is_empty()) {
            match discovery.category(word) {
                Some(members) => resources.extend(members.into_iter().filter(|r| r.can("list"))),
                None => resources.push(discovery.find(word)?),
            }
        }
        let selecting = self.labels.is_some() || self.fields.is_some() || self.all;
        if names.is_empty() {
            if selecting || self.type_alone {
                return Ok(resources.iter().map(|r| many(r, namespace.clone())).collect());
            }
            return Err(Error::message("resource(s) were provided, but no name was specified"));
        }
        if selecting {
            return Err(Error::message("name cannot be provided when a selector is specified"));
        }
        let mut picks = Vec::new();
        for resource in &resources {
            for name in names {
                picks.push(one(resource, namespace.as_deref(), name)?);
            }
        }
        Ok(picks)
    }

    async fn named_pairs(&self, cx: &Context, args: &[String], namespace: Option<&str>) -> Result<Vec<Pick>, Error> {
        if self.labels.is_some() || self.fields.is_some() || self.all {
            return Err(Error::message("selectors and the all flag cannot be used when passing resource/name arguments"));
        }
        let mut pairs = Vec::new();
        for arg in args {
            let parts: Vec<&str> = arg.split('/').collect();
            match parts[..] {
                [kind, name] if !kind.is_empty() && !name.is_empty() && !kind.contains(',') => pairs.push((kind, name)),
                [_, _] => return Err(Error::message("arguments in resource/name form must have a single resource and name")),
                _ => return Err(Error::message("arguments in resource/name form may not have more than one slash")),
            }
        }
        let discovery = cx.discovery().await?;
        pairs.into_iter().map(|(kind, name)| one(&discovery.find(kind)?, namespace, name)).collect()
    }

    async fn manifests(&self, cx: &Context) -> Result<Vec<Pick>, Error> {
        if !self.args.is_empty() {
            return Err(Error::message("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"));
        }
        let mut picks = Vec::new();
        let mut errors = Vec::new();
        for manifest in manifest::read(cx).await? {
            match info_of(cx, manifest).await {
                Ok(info) => picks.push(Pick::One(info)),
                Err(e) => errors.push(e),
            }
        }
        match Error::collect(errors) {
            Some(error) if picks.is_empty() => Err(error),
            Some(error) => {
                cx.eprintln(error.report().0).await?;
                Ok(picks)
            }
            None => Ok(picks),
        }
    }

    /// Reads everything that is meant. Errors of single objects come beside the objects that could be read.
    pub async fn fetch(&self, cx: &Context) -> Result<(Vec<Info>, Vec<Error>), Error> {
        let (mut infos, mut errors) = (Vec::new(), Vec::new());
        for pick in self.resolve(cx).await? {
            match pick {
                Pick::One(mut info) => match cx.get(&info.path()).await {
                    Ok(object) => {
                        info.object = object;
                        infos.push(info);
                    }
                    Err(e @ Error::Transport { .. }) => return Err(e),
                    Err(e) => errors.push(e),
                },
                Pick::Many { resource, namespace } => match list(cx, &resource, namespace.as_deref(), &self.query()).await {
                    Ok(found) => infos.extend(found),
                    Err(e @ Error::Transport { .. }) => return Err(e),
                    Err(e) => errors.push(self.refused(&resource, e)),
                },
            }
        }
        Ok((infos, errors))
    }
}

/// The objects of a collection.
pub async fn list(cx: &Context, resource: &Arc<Resource>, namespace: Option<&str>, query: &str) -> Result<Vec<Info>, Error> {
    let mut answer = cx.get(&format!("{}{query}", resource.collection(namespace))).await?;
    let items = match answer["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    Ok(items
        .into_iter()
        .map(|mut object| {
            // Items of a list carry neither; everything that follows wants them.
            object["apiVersion"] = resource.api_version().into();
            object["kind"] = resource.kind.clone().into();
            let text = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
            Info { resource: resource.clone(), namespace: text("namespace"), name: text("name").unwrap_or_default(), object, source: None }
        })
        .collect())
}

/// What an object of a manifest is; its namespace is the object's own, or the command's.
pub async fn info_of(cx: &Context, manifest: manifest::Manifest) -> Result<Info, Error> {
    manifest::check_type(&manifest)?;
    let object = manifest.object;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (name, own) = (text(&object["metadata"]["name"]), text(&object["metadata"]["namespace"]));
    let Some(resource) = cx.discovery().await?.of_kind(&api_version, &kind) else {
        return Err(Error::message(format!(
            "resource mapping not found for name: {name:?} namespace: {own:?} from {:?}: no matches for kind {kind:?} in version {api_version:?}\nensure CRDs are installed first",
            manifest.source
        )));
    };
    let mut namespace = None;
    if resource.namespaced {
        let chosen = cx.namespace()?;
        if !own.is_empty() && cx.namespace_enforced() && own != chosen {
            return Err(Error::message(format!(
                "the namespace from the provided object {own:?} does not match the namespace {chosen:?}. You must pass '--namespace={own}' to perform this operation."
            )));
        }
        namespace = Some(if own.is_empty() { chosen } else { own });
    }
    let mut info = Info { resource, namespace, name, object, source: Some(manifest.source) };
    if let (Some(namespace), Some(metadata)) = (&info.namespace, info.object.get_mut("metadata").and_then(Value::as_object_mut)) {
        metadata.insert("namespace".to_owned(), namespace.clone().into());
    }
    Ok(info)
}

fn many(resource: &Arc<Resource>, namespace: Option<String>) -> Pick {
    Pick::Many { resource: resource.clone(), namespace: namespace.filter(|_| resource.namespaced) }
}

fn one(resource: &Arc<Resource>, namespace: Option<&str>, name: &str) -> Result<Pick, Error> {
    if resource.namespaced && namespace.is_none() {
        return Err(Error::message("a resource cannot be retrieved by name across all namespaces"));
    }
    Ok(Pick::One(Info {
        resource: resource.clone(),
        namespace: namespace.filter(|_| resource.namespaced).map(str::to_owned),
        name: name.to_owned(),
        object: Value::Null,
        source: None,
    }))
}

/// `a,b x y` means `a/x a/y b/x b/y`.
fn normalize(args: &[String]) -> Vec<String> {
    if let Some((types, names)) = args.split_first()
        && !names.is_empty()
        && types.contains(',')
    {
        let types = types.split(',').filter(|t| !t.is_empty());
        return types.flat_map(|t| names.iter().map(move |n| format!("{t}/{n}"))).collect();
    }
    args.to_vec()
}
