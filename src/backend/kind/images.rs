//! Images of workloads: which are on the nodes, and getting those that are not there.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::engine::{Engine, Provider};
use super::error::KindError;
use super::folder::Folder;
use crate::backend::Progress;

/// Longest that fetching or loading one image may take.
const LIMIT: Duration = Duration::from_secs(600);

/// The full name of an image, as container runtimes keep it.
pub fn full_name(image: &str) -> String {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (name, "latest"),
    };
    let registry = path.split_once('/').map(|(first, _)| first).filter(|first| first.contains(['.', ':']) || *first == "localhost");
    let path = match (registry, path.contains('/')) {
        (Some("index.docker.io"), _) => path.replacen("index.docker.io", "docker.io", 1),
        (Some(_), _) => path.to_owned(),
        (None, true) => format!("docker.io/{path}"),
        (None, false) => format!("docker.io/library/{path}"),
    };
    match digest {
        Some(digest) => format!("{path}@{digest}"),
        None => format!("{path}:{tag}"),
    }
}

/// Full names of the images on a node.
pub async fn on_node(engine: &Engine, node: &str) -> Result<BTreeSet<String>, KindError> {
    let finished = engine.run(engine.exec(node, false, "crictl --timeout 60s images -o json", &[])).await?;
    let list: Value =
        serde_json::from_slice(&finished.stdout).map_err(|e| KindError::Odd { what: "crictl".into(), reason: e.to_string() })?;
    let images = list["images"].as_array().into_iter().flatten();
    let tags = images.flat_map(|image| ["repoTags", "repoDigests"].into_iter().flat_map(|f| image[f].as_array().into_iter().flatten()));
    Ok(tags.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Gets images onto all nodes; those that are there cost nothing. Gives what was loaded.
pub async fn provide(
    engine: &Engine,
    folder: &Folder,
    nodes: &[String],
    images: &BTreeSet<String>,
    progress: Progress<'_>,
) -> Result<Vec<String>, KindError> {
    if images.is_empty() || nodes.is_empty() {
        return Ok(Vec::new());
    }
    let there = futures::future::try_join_all(nodes.iter().map(|node| on_node(engine, node))).await?;
    let missing: Vec<&String> = images.iter().filter(|image| there.iter().any(|there| !there.contains(&full_name(image)))).collect();
    let (mut loaded, mut lacking) = (Vec::new(), Vec::new());
    for image in missing {
        if !fetch(engine, image, progress).await? {
            lacking.push(image.clone());
            continue;
        }
        progress(&format!("loading {image} into the nodes"));
        load(engine, folder, image).await?;
        loaded.push(image.clone());
    }
    if lacking.is_empty() { Ok(loaded) } else { Err(KindError::NoWorkloadImages { images: lacking }) }
}

/// Gets an image onto the host; `false` when it is not to be had.
pub async fn fetch(engine: &Engine, image: &str, progress: Progress<'_>) -> Result<bool, KindError> {
    if engine.has_image(image).await? {
        return Ok(true);
    }
    progress(&format!("pulling {image}"));
    match engine.run(engine.runtime(["pull", "--quiet", image]).limit(LIMIT)).await {
        Ok(_) => Ok(true),
        Err(error @ (KindError::NoDaemon { .. } | KindError::DiskFull { .. })) => Err(error),
        Err(error) => {
            tracing::warn!(%image, %error, "not pulled");
            Ok(false)
        }
    }
}

async fn load(engine: &Engine, folder: &Folder, image: &str) -> Result<(), KindError> {
    let name = folder.name();
    if engine.daemon().provider == Provider::Docker {
        return engine.run(engine.kind(["load", "docker-image", image, "--name", &name]).limit(LIMIT)).await.map(|_| ());
    }
    // kind takes podman's images from an archive only.
    let archive = folder.file("image.tar");
    let path = archive.to_string_lossy();
    engine.run(engine.runtime(["save", "--output", &path, image]).limit(LIMIT)).await?;
    let loaded = engine.run(engine.kind(["load", "image-archive", &path, "--name", &name]).limit(LIMIT)).await;
    let _ = std::fs::remove_file(&archive);
    loaded.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::host_command::testing::{FakeCommands, fails, says};
    use crate::backend::kind::engine::{Daemon, HostSettings};
    use crate::backend::kind::folder::Clusters;

    #[test]
    fn names_are_completed_as_runtimes_do() {
        for (short, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("curlimages/curl", "docker.io/curlimages/curl:latest"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("a@sha256:1", "docker.io/library/a@sha256:1"),
        ] {
            assert_eq!(full_name(short), full);
        }
    }

    #[tokio::test]
    async fn what_is_there_is_left_what_is_not_is_pulled_and_loaded_and_the_rest_is_named() {
        let commands = FakeCommands::new(|command| match command.args[0].as_str() {
            "exec" => says(r#"{"images": [{"repoTags": ["docker.io/library/nginx:1.27"]}]}"#),
            "image" if command.args.iter().any(|a| a == "redis:7") => says("sha256:1"),
            "image" => fails("Error: No such image"),
            "pull" if command.args.iter().any(|a| a == "busybox") => says(""),
            "pull" => fails("manifest unknown"),
            _ => says(""),
        });
        let daemon = Daemon { provider: Provider::Docker, context: None, host: None };
        let engine = Engine::of(Arc::new(commands.clone()), daemon, &HostSettings::default());
        let folder = Clusters::at("/nowhere").folder("ckaprep-a");
        let wanted = |images: &[&str]| images.iter().map(|i| (*i).to_owned()).collect::<BTreeSet<_>>();
        let nodes = ["w".to_owned()];
        let loaded = provide(&engine, &folder, &nodes, &wanted(&["nginx:1.27", "redis:7", "busybox"]), &|_| ()).await.unwrap();
        assert_eq!(loaded, ["busybox", "redis:7"]);
        assert!(commands.lines().contains(&"kind load docker-image redis:7 --name ckaprep-a".to_owned()));
        let error = provide(&engine, &folder, &nodes, &wanted(&["none:1"]), &|_| ()).await.unwrap_err();
        assert!(error.to_string().ends_with("neither on the nodes nor to be had: none:1"), "{error}");
    }
}
