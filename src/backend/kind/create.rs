//! Making a cluster, and removing one.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::Api;
use super::baseline::Baseline;
use super::engine::{Container, Engine};
use super::error::{KindError, is_disk_full, last_line};
use super::folder::{Folder, Record, State};
use super::objects::{is_ready, node_is_ready};
use crate::backend::Progress;
use crate::backend::host_command::{HostError, finish_telling};

/// How often to look whether nodes have become Ready.
const LOOK: Duration = Duration::from_millis(200);

/// For so long no container may come any more until a creation that was cut off counts as removed.
const QUIET: Duration = Duration::from_secs(3);

/// Creates the cluster of a record, whose folder is locked, and waits until all of it is there.
pub async fn create(
    engine: &Engine,
    folder: &Folder,
    record: &mut Record,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<(Api, Vec<Container>, Baseline), KindError> {
    let started = Instant::now();
    record.state = State::Creating;
    record.create_seconds = None;
    folder.write_record(record)?;
    folder.write("config.yaml", format!("{:#}\n", record.config).as_bytes())?;
    // kind adds to a kubeconfig that is there; an old one's contexts are not wanted.
    let _ = std::fs::remove_file(folder.kubeconfig());
    run_kind(engine, folder, record, limit, progress).await?;
    let text = String::from_utf8_lossy(&folder.read("kubeconfig")?).into_owned();
    let api = Api::of_kubeconfig(&record.name, &text).await?;
    let nodes = engine.nodes(&record.name).await?;
    progress("waiting until all nodes are Ready");
    whole(&api, record, nodes.len(), limit.saturating_sub(started.elapsed())).await?;
    progress("recording the clean state");
    let baseline = Baseline::record(engine, &api, folder, &nodes).await?;
    record.state = State::Clean;
    record.create_seconds = Some(started.elapsed().as_secs_f64());
    folder.write_record(record)?;
    Ok((api, nodes, baseline))
}

async fn run_kind(engine: &Engine, folder: &Folder, record: &Record, limit: Duration, progress: Progress<'_>) -> Result<(), KindError> {
    let file = |name: &str| folder.file(name).to_string_lossy().into_owned();
    let mut args: Vec<String> = ["create", "cluster", "--name", &record.name].map(str::to_owned).to_vec();
    // It cleans up by itself when it fails; what it leaves when it is killed is found by its label.
    args.extend(["--config".to_owned(), file("config.yaml"), "--kubeconfig".to_owned(), file("kubeconfig")]);
    if let Some(image) = &record.image {
        args.extend(["--image".to_owned(), image.clone()]);
    }
    let command = engine.kind(args).limit(limit);
    let mut told = |line: &str| {
        if let Some(step) = step(line) {
            progress(&step);
        }
    };
    let finished = finish_telling(&**engine.commands(), command, &mut told).await.map_err(|error| match error {
        HostError::Missing { .. } => KindError::NoKind,
        HostError::Slow { limit, .. } => {
            KindError::NotReady { name: record.name.clone(), seconds: limit.as_secs(), reason: "kind was still at work".to_owned() }
        }
        error => KindError::of_host(error, engine.daemon().provider),
    })?;
    if finished.status == 0 {
        return Ok(());
    }
    let complaint = finished.complaint();
    let _ = folder.write("kind.log", complaint.as_bytes());
    Err(failure(engine, record, &complaint))
}

/// What kind's complaint means.
fn failure(engine: &Engine, record: &Record, complaint: &str) -> KindError {
    let provider = engine.daemon().provider;
    let error = complaint.lines().find_map(|line| line.strip_prefix("ERROR: ")).map_or_else(|| last_line(complaint), str::to_owned);
    if is_disk_full(complaint) {
        return KindError::DiskFull { provider, reason: error };
    }
    if super::engine::is_daemon_trouble(complaint) {
        return KindError::NoDaemon { provider, reason: error };
    }
    if complaint.contains("failed to pull image") || complaint.contains("Unable to find image") {
        let image = record.image.clone().unwrap_or_else(|| "of this kind's version".to_owned());
        return KindError::NoImage { image, reason: error };
    }
    KindError::Create { name: record.name.clone(), reason: error }
}

/// ` • Preparing nodes 📦  ...` as words.
fn step(line: &str) -> Option<String> {
    let text = line.trim().strip_prefix('•')?;
    let words: String = text.chars().filter(|c| c.is_ascii()).collect();
    let words = words.trim().trim_end_matches('.').trim();
    let mut letters = words.chars();
    let first = letters.next()?.to_lowercase();
    Some(format!("{first}{}", letters.as_str()))
}

/// Waits until the nodes are Ready and the system's workloads run.
pub async fn whole(api: &Api, record: &Record, nodes: usize, limit: Duration) -> Result<(), KindError> {
    let until = Instant::now() + limit;
    loop {
        let reason = match missing(api, nodes).await {
            None => return Ok(()),
            Some(reason) => reason,
        };
        if Instant::now() >= until {
            return Err(KindError::NotReady { name: record.name.clone(), seconds: limit.as_secs(), reason });
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn missing(api: &Api, wanted: usize) -> Option<String> {
    let list = match api.get("/api/v1/nodes").await {
        Ok(list) => list,
        Err(error) => return Some(error.message),
    };
    let nodes = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if nodes.len() < wanted {
        return Some(format!("{} of {wanted} nodes are registered", nodes.len()));
    }
    if let Some(node) = nodes.iter().find(|node| !node_is_ready(node)) {
        return Some(format!("node {} is not Ready", node["metadata"]["name"].as_str().unwrap_or_default()));
    }
    let pods = match api.get("/api/v1/pods").await {
        Ok(pods) => pods,
        Err(error) => return Some(error.message),
    };
    let late = pods["items"].as_array().into_iter().flatten().find(|pod| pod["status"]["phase"] != "Succeeded" && !is_ready(pod));
    late.map(|pod| format!("pod {} is not ready", pod["metadata"]["name"].as_str().unwrap_or_default()))
}

/// Removes all that belongs to a cluster: nodes, their volumes, and what is remembered of it.
pub async fn delete(engine: &Engine, folder: &Folder, name: &str) -> Result<(), KindError> {
    // The daemon goes on with what it was asked for by somebody who is gone: of a cluster that was cut off containers may still come.
    let quiet = if folder.record().is_ok_and(|record| record.state == State::Creating) { QUIET } else { Duration::ZERO };
    let mut seen = Instant::now();
    let mut removed = BTreeSet::new();
    loop {
        let mut containers = engine.all_containers(name).await?;
        containers.retain(|id| removed.insert(id.clone()));
        if !containers.is_empty() {
            // The runtime alone: it works where kind is gone, and touches no kubeconfig.
            let mut command = engine.runtime(["rm", "-f", "-v"]).limit(Duration::from_secs(120));
            command.args.extend(containers);
            engine.run(command).await?;
            seen = Instant::now();
        }
        if seen.elapsed() >= quiet {
            return folder.remove();
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The record of a cluster that is about to be made.
pub fn new_record(
    name: String,
    engine: &Engine,
    image: Option<String>,
    kind_version: String,
    config: Value,
    pid: u32,
    now: jiff::Timestamp,
) -> Record {
    Record {
        name,
        state: State::Creating,
        daemon: engine.daemon().clone(),
        image,
        kind_version,
        config,
        pid,
        started: now,
        session: None,
        create_seconds: None,
        images: Vec::new(),
    }
}

/// The API server's port in a kubeconfig that may be gone.
pub fn port_of(folder: &Folder) -> Option<u16> {
    let text = String::from_utf8(folder.read("kubeconfig").ok()?).ok()?;
    let value: Value = serde_saphyr::from_str(&text).ok()?;
    value["clusters"][0]["cluster"]["server"].as_str()?.rsplit(':').next()?.parse().ok()
}

/// Two configurations make the same cluster, but for the port.
pub fn same_shape(a: &Value, b: &Value) -> bool {
    let without_port = |config: &Value| {
        let mut config = config.clone();
        if let Some(networking) = config["networking"].as_object_mut() {
            networking.remove("apiServerPort");
        }
        if config["networking"] == json!({}) || config["networking"].is_null() {
            config.as_object_mut().map(|map| map.remove("networking"));
        }
        config
    };
    without_port(a) == without_port(b)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::host_command::testing::FakeCommands;
    use crate::backend::host_command::{Finished, HostCommand};
    use crate::backend::kind::engine::{Daemon, HostSettings, Provider};
    use crate::backend::kind::folder::Clusters;

    #[test]
    fn steps_of_kind_are_told_in_words() {
        assert_eq!(
            step(" • Ensuring node image (kindest/node:v1.35.4) 🖼  ..."),
            Some("ensuring node image (kindest/node:v1.35.4)".to_owned())
        );
        assert_eq!(step(" • Joining worker nodes 🚜  ..."), Some("joining worker nodes".to_owned()));
        assert_eq!(step(" ✓ Joining worker nodes 🚜"), None);
        assert_eq!(step("Creating cluster \"a\" ..."), None);
    }

    #[test]
    fn a_port_makes_no_other_cluster() {
        let (a, b) = (json!({"kind": "Cluster"}), json!({"kind": "Cluster", "networking": {"apiServerPort": 1}}));
        assert!(same_shape(&a, &b));
        assert!(!same_shape(&a, &json!({"kind": "Cluster", "featureGates": {"A": true}})));
    }

    async fn creation(answer: fn(&HostCommand) -> Result<Finished, HostError>) -> KindError {
        let dir = tempfile::tempdir().unwrap();
        let folder = Clusters::at(dir.path()).folder("ckaprep-a");
        folder.create().unwrap();
        let daemon = Daemon { provider: Provider::Docker, context: None, host: None };
        let engine = Engine::of(Arc::new(FakeCommands::new(answer)), daemon, &HostSettings::default());
        let mut record = new_record("ckaprep-a".into(), &engine, Some("i".into()), "1".into(), json!({}), 1, jiff::Timestamp::UNIX_EPOCH);
        let error = create(&engine, &folder, &mut record, Duration::from_secs(1), &|_| ()).await.err().unwrap();
        assert_eq!(folder.record().unwrap().state, State::Creating, "a crash's leftover can be told");
        error
    }

    #[tokio::test]
    async fn kind_that_fails_says_why() {
        use crate::backend::host_command::testing::fails;
        let says = [
            (
                creation(|_| fails("x\nERROR: failed to create cluster: failed to pull image \"i\": no network\n")).await,
                "node image i is not there",
            ),
            (creation(|_| fails("ERROR: failed to create cluster: write /x: no space left on device\n")).await, "no space is left"),
            (
                creation(|_| fails("ERROR: failed to list nodes: Cannot connect to the Docker daemon at x\n")).await,
                "docker does not answer",
            ),
            (
                creation(|_| fails("ERROR: failed to init node with kubeadm: exit status 1\n")).await,
                "kind could not create the cluster ckaprep-a: failed to init node",
            ),
            (creation(|_| Err(HostError::Missing { program: "kind".into() })).await, "kind is not installed"),
        ];
        for (error, part) in says {
            assert!(error.to_string().contains(part), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
    }
}
