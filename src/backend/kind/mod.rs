//! Clusters in containers, made by kind: real nodes, real time.
//!
//! ```text
//!  host (Hosts) ── detects docker or podman ──> Engine ── command lines ──> host_command
//!    │ acquire: a clean cluster of ours, else a used one brought back, else a new one
//!    v
//!  Kind (locked folder + live connection) ── Environment ──> runner, observe, grade
//! ```
//!
//! A cluster is remembered in a folder of its own before anything is made ([`folder`]), so that a crash's leftovers are found. When it
//! is clean, its objects, files and units are recorded ([`baseline`]); bringing it back compares with that.

mod api;
mod baseline;
mod config;
mod control_plane;
mod create;
mod engine;
mod error;
mod examine;
mod files;
mod folder;
mod hosts;
mod images;
mod nodes;
mod objects;
mod shell;

pub use config::{ConfigFile, ExtraMount, KindOptions};
pub use engine::{Engine, HostSettings, NodeDoor, Provider};
pub use error::KindError;
pub use examine::{Examined, Fitness, examine};
pub use folder::{Clusters, Record, State};
pub use hosts::{Found, Hosts, Leftover, Wanted};
pub use images::full_name;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use self::api::Api;
use self::baseline::{Baseline, Summary};
use self::engine::Container;
use self::folder::{Folder, Lock};
use super::embedded::Base;
use super::host_dialer::HostDialer;
use super::interactive::{InteractiveShell, Size};
use crate::backend::{Environment, Now, Progress};
use crate::model::{Capability, Inventory, InventoryNode, NodePaths, Role};

/// Longest that nodes that were started again may take to be back.
const BACK: Duration = Duration::from_secs(120);

/// Longest that is waited for some of them while others are back: the scenario may have broken them.
const STRAGGLERS: Duration = Duration::from_secs(30);

/// How often to look.
const LOOK: Duration = Duration::from_millis(300);

/// A cluster that this process has for itself.
pub struct Kind {
    engine: Engine,
    folder: Folder,
    record: Mutex<Record>,
    live: RwLock<Arc<Live>>,
    now: Now,
    pid: u32,
    _lock: Lock,
}

/// The connection to a cluster, which changes when the cluster is made anew or its containers start again.
struct Live {
    api: Api,
    base: Base,
    inventory: Arc<Inventory>,
    kubeconfig: String,
}

impl Kind {
    /// Around a cluster that runs.
    fn new(
        engine: Engine,
        (folder, lock): (Folder, Lock),
        record: Record,
        api: Api,
        nodes: &[Container],
        now: Now,
        pid: u32,
    ) -> Result<Self, KindError> {
        let live = live(&folder, api, nodes, now())?;
        Ok(Self { engine, folder, record: Mutex::new(record), live: RwLock::new(Arc::new(live)), now, pid, _lock: lock })
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // Values are replaced whole: a panic elsewhere leaves a valid record.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the record and writes it.
    fn change(&self, change: impl FnOnce(&mut Record)) -> Result<(), KindError> {
        let mut record = self.record();
        change(&mut record);
        self.folder.write_record(&record)
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_live(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }

    /// The cluster's name.
    pub fn name(&self) -> String {
        self.folder.name()
    }

    /// Seconds that its creation took.
    pub fn create_seconds(&self) -> Option<f64> {
        self.record().create_seconds
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> String {
        self.live().kubeconfig.clone()
    }

    /// URL of the API server.
    pub fn server(&self) -> String {
        self.live().api.server.clone()
    }

    /// Names, addresses, paths.
    pub fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&self.live().inventory)
    }

    /// The cluster as an environment, whose futures run on the runtime that calls.
    pub fn environment(&self) -> Environment {
        let live = self.live();
        Environment {
            client: live.api.client(),
            nodes: Arc::new(nodes::Nodes::new(self.engine.clone(), Arc::clone(&live.inventory))),
            shell: Arc::new(live.base.clone()),
            inventory: Arc::clone(&live.inventory),
            capabilities: capabilities(),
            // The whole cluster is ours: what was made on it is told by comparing.
            labels: BTreeMap::new(),
            forks: None,
            now: Arc::clone(&self.now),
        }
    }

    /// How another process opens shells on the nodes: by node, for a person at a terminal or not.
    pub fn door(&self, node: &str, interactive: bool) -> Option<NodeDoor> {
        let live = self.live();
        let role = live.inventory.node(node)?.role;
        Some(self.engine.terminal(node, role == Role::ControlPlane, interactive))
    }

    /// Opens a shell on a node without a terminal, or the candidate's on `base`.
    pub fn open_shell(&self, node: &str, size: Option<Size>) -> InteractiveShell {
        let live = self.live();
        if node == "base" {
            return live.base.open_shell(size);
        }
        let control_plane = live.inventory.node(node).is_some_and(|n| n.role == Role::ControlPlane);
        shell::open(self.engine.clone(), node.to_owned(), control_plane)
    }

    /// What was typed on the nodes by people, with seconds since 1970: what their shells wrote down.
    pub async fn typed(&self) -> Vec<(String, i64, String)> {
        let environment = self.environment();
        let nodes = environment.inventory.nodes.iter().map(|n| n.name.clone());
        let files = nodes.map(|node| {
            let access = Arc::clone(&environment.nodes);
            async move { (access.read(&node, "/root/.bash_history").await, node) }
        });
        let mut typed = Vec::new();
        for (file, node) in futures::future::join_all(files).await {
            let Ok(Some(file)) = file else { continue };
            typed.extend(history(&String::from_utf8_lossy(&file.content)).into_iter().map(|(at, line)| (node.clone(), at, line)));
        }
        typed
    }

    /// From now on the cluster is not clean, and belongs to this session.
    pub fn use_for(&self, session: Option<&str>) -> Result<(), KindError> {
        let pid = self.pid;
        self.change(|record| {
            record.state = State::Used;
            record.session = session.map(str::to_owned);
            record.pid = pid;
        })
    }

    /// The session is over; the cluster stays for the next one.
    pub fn release(&self) -> Result<(), KindError> {
        self.change(|record| record.session = None)
    }

    /// Brings the cluster back to clean; makes it anew if that cannot be done for certain.
    pub async fn clean(&self, progress: Progress<'_>) -> Result<Cleaned, KindError> {
        let started = Instant::now();
        let restored = async {
            self.recover(progress).await?;
            let baseline = Baseline::read(&self.folder)?;
            baseline.is_where_it_was(&self.folder, &self.engine.nodes(&self.name()).await?)?;
            baseline.restore(&self.engine, &self.live().api, &self.folder, progress).await
        };
        let outcome = restored.await;
        let anew = match outcome {
            Ok(summary) => {
                tracing::debug!(?summary, "brought back");
                self.change(|record| record.state = State::Clean)?;
                return Ok(Cleaned { anew: None, summary, took: started.elapsed() });
            }
            // Making it anew needs the daemon too.
            Err(error @ (KindError::NoDaemon { .. } | KindError::NoRuntime | KindError::DiskFull { .. })) => return Err(error),
            Err(error) => error.to_string(),
        };
        progress(&format!("making the cluster anew, because {anew}"));
        self.remake(progress).await?;
        Ok(Cleaned { anew: Some(anew), summary: Summary::default(), took: started.elapsed() })
    }

    /// Deletes the containers and makes them anew under the same name and address.
    async fn remake(&self, progress: Progress<'_>) -> Result<(), KindError> {
        let mut record = self.record().clone();
        let port = create::port_of(&self.folder);
        let leftovers = self.engine.all_containers(&record.name).await?;
        if !leftovers.is_empty() {
            let mut command = self.engine.runtime(["rm", "-f", "-v"]).limit(BACK);
            command.args.extend(leftovers);
            self.engine.run(command).await?;
        }
        record.config = config::with_port(record.config, port);
        record.images.clear();
        let limit = KindOptions::default().create_seconds;
        let (api, nodes, _) = create::create(&self.engine, &self.folder, &mut record, Duration::from_secs(limit), progress).await?;
        self.set_live(live(&self.folder, api, &nodes, (self.now)())?);
        *self.record() = record;
        Ok(())
    }

    /// Starts nodes whose containers were stopped: by a restart of the daemon, a reboot, or somebody's hand. Gives what happened, for
    /// people; nothing when all run.
    pub async fn recover(&self, progress: Progress<'_>) -> Result<Vec<String>, KindError> {
        let name = self.name();
        let nodes = self.engine.nodes(&name).await?;
        let known = self.inventory();
        let gone: Vec<&str> = known.nodes.iter().map(|n| n.name.as_str()).filter(|n| nodes.iter().all(|c| c.name != *n)).collect();
        if !gone.is_empty() {
            return Err(KindError::Gone { name, reason: format!("the containers of {} were removed", gone.join(", ")) });
        }
        let stopped: Vec<&Container> = nodes.iter().filter(|c| !c.running).collect();
        if stopped.is_empty() {
            return Ok(Vec::new());
        }
        let told: Vec<String> =
            stopped.iter().map(|c| format!("the container of {} was stopped ({}); it was started again", c.name, c.state)).collect();
        let names: Vec<String> = stopped.iter().map(|c| c.name.clone()).collect();
        progress(&format!("starting {} again", names.join(", ")));
        self.engine.start(&names).await?;
        let path = self.folder.kubeconfig().to_string_lossy().into_owned();
        self.engine.run(self.engine.kind(["export", "kubeconfig", "--name", &name, "--kubeconfig", &path])).await?;
        let nodes = self.engine.nodes(&name).await?;
        let text = String::from_utf8_lossy(&self.folder.read("kubeconfig")?).into_owned();
        self.set_live(live(&self.folder, Api::of_kubeconfig(&name, &text).await?, &nodes, (self.now)())?);
        progress("waiting until they are back");
        self.back(&names).await;
        Ok(told)
    }

    /// Waits until nodes that were started are Ready. One that the scenario broke never is: then waiting just ends.
    async fn back(&self, names: &[String]) {
        let mut until = Instant::now() + BACK;
        let api = self.live().api.clone();
        let mut some = false;
        while Instant::now() < until {
            if let Ok(list) = api.get("/api/v1/nodes").await {
                let ready = |node: &&Value| objects::node_is_ready(node);
                let ready: Vec<&Value> = list["items"].as_array().into_iter().flatten().filter(ready).collect();
                if names.iter().all(|name| ready.iter().any(|node| node["metadata"]["name"] == name.as_str())) {
                    return;
                }
                if !some && !ready.is_empty() {
                    some = true;
                    until = until.min(Instant::now() + STRAGGLERS);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Gets images onto the nodes; an error names those that are not to be had.
    pub async fn provide_images(&self, images: &BTreeSet<String>, progress: Progress<'_>) -> Result<(), KindError> {
        let nodes: Vec<String> = self.inventory().nodes.iter().map(|n| n.name.clone()).collect();
        let loaded = images::provide(&self.engine, &self.folder, &nodes, images, progress).await?;
        if loaded.is_empty() {
            return Ok(());
        }
        self.change(|record| record.images.extend(loaded))
    }

    /// Deletes the cluster and forgets it.
    pub async fn delete(self) -> Result<(), KindError> {
        create::delete(&self.engine, &self.folder, &self.name()).await
    }
}

/// What bringing a cluster back came to.
#[derive(Clone, Debug)]
pub struct Cleaned {
    /// Why it was made anew, if it was.
    pub anew: Option<String>,
    /// What was put back.
    pub summary: Summary,
    /// How long it took.
    pub took: Duration,
}

/// What kind's nodes can do.
pub fn capabilities() -> BTreeSet<Capability> {
    // kindnet enforces NetworkPolicies, and the local-path provisioner is kind's default StorageClass.
    BTreeSet::from([Capability::NodeShell, Capability::NetworkPolicy, Capability::Provisioner])
}

fn live(folder: &Folder, api: Api, nodes: &[Container], now: Timestamp) -> Result<Live, KindError> {
    let kubeconfig = String::from_utf8_lossy(&folder.read("kubeconfig")?).into_owned();
    let parsed: Value =
        serde_saphyr::from_str(&kubeconfig).map_err(|e| KindError::Odd { what: "kind's kubeconfig".into(), reason: e.to_string() })?;
    let context = parsed["current-context"].as_str().unwrap_or_default().to_owned();
    let base = Base::start(&kubeconfig, &api.host, api.port, Arc::new(HostDialer), now);
    Ok(Live { api, base, inventory: Arc::new(inventory(context, nodes)), kubeconfig })
}

/// Names and paths: a kind node is laid out as kubeadm lays one out, and its container's name is its host name.
fn inventory(context: String, nodes: &[Container]) -> Inventory {
    let nodes = nodes.iter().map(|c| InventoryNode { name: c.name.clone(), role: c.role, address: c.address.clone() });
    Inventory { context, nodes: nodes.collect(), paths: NodePaths::kubeadm(), namespace_prefix: String::new() }
}

/// Commands in a bash history with times: a line `#SECONDS`, then the command.
fn history(text: &str) -> Vec<(i64, String)> {
    let mut found: Vec<(i64, String)> = Vec::new();
    let mut at = None;
    for line in text.lines() {
        match line.strip_prefix('#').and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => at = Some(seconds),
            None => match at.take() {
                Some(seconds) => found.push((seconds, line.to_owned())),
                // A command of several lines.
                None => {
                    if let Some((_, command)) = found.last_mut() {
                        command.push('\n');
                        command.push_str(line);
                    }
                }
            },
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::engine::{Daemon, HostSettings};
    use super::*;
    use crate::backend::host_command::HostCommand;
    use crate::backend::host_command::testing::{FakeCommands, says};

    const KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: kind-a
clusters: [{name: kind-a, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: kind-a, context: {cluster: kind-a, user: kind-a}}]
users: [{name: kind-a, user: {token: x}}]
";

    /// A cluster of which docker knows `nodes`, which run or don't.
    async fn cluster(dir: &std::path::Path, nodes: Arc<Mutex<Vec<(&'static str, bool)>>>) -> (Kind, FakeCommands) {
        let known = Arc::clone(&nodes);
        let commands = FakeCommands::new(move |command: &HostCommand| {
            let mut nodes = known.lock().unwrap();
            match command.args[0].as_str() {
                "ps" => says(&nodes.iter().map(|(name, _)| format!("{name}\n")).collect::<String>()),
                "start" => {
                    nodes.iter_mut().for_each(|(_, running)| *running = true);
                    says("")
                }
                "inspect" => {
                    let one = |(name, running): &(&str, bool)| json!({"Name": format!("/{name}"), "Config": {"Labels": {"io.x-k8s.kind.role": "worker"}}, "State": {"Running": running, "Status": "exited", "ExitCode": 137}});
                    says(&Value::Array(nodes.iter().map(one).collect()).to_string())
                }
                _ => says(""),
            }
        });
        let daemon = Daemon { provider: Provider::Docker, context: None, host: None };
        let engine = Engine::of(Arc::new(commands.clone()), daemon, &HostSettings::default());
        let folder = Clusters::at(dir).folder("ckaprep-a");
        folder.create().unwrap();
        folder.write("kubeconfig", KUBECONFIG.as_bytes()).unwrap();
        let lock = folder.lock().unwrap();
        let record = create::new_record("ckaprep-a".into(), &engine, None, "1".into(), json!({}), 1, Timestamp::UNIX_EPOCH);
        let api = Api::of_kubeconfig("ckaprep-a", KUBECONFIG).await.unwrap();
        let containers = engine.nodes("ckaprep-a").await.unwrap();
        let kind = Kind::new(engine, (folder, lock), record, api, &containers, Arc::new(|| Timestamp::UNIX_EPOCH), 1).unwrap();
        (kind, commands)
    }

    #[tokio::test(start_paused = true)]
    async fn stopped_nodes_are_started_and_removed_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = Arc::new(Mutex::new(vec![("w1", true), ("w2", true)]));
        let (kind, commands) = cluster(dir.path(), Arc::clone(&nodes)).await;
        assert_eq!((kind.inventory().context.as_str(), kind.server().as_str()), ("kind-a", "https://127.0.0.1:1"));
        assert_eq!(kind.recover(&|_| ()).await.unwrap(), Vec::<String>::new());
        nodes.lock().unwrap()[1].1 = false;
        let told = kind.recover(&|_| ()).await.unwrap();
        assert_eq!(told, ["the container of w2 was stopped (exited with status 137); it was started again"]);
        assert!(commands.lines().contains(&"docker start w2".to_owned()), "{:?}", commands.lines());
        nodes.lock().unwrap().pop();
        let gone = kind.recover(&|_| ()).await.unwrap_err();
        assert!(matches!(&gone, KindError::Gone { reason, .. } if reason.contains("w2")), "{gone}");
        assert!(gone.hint().is_some_and(|hint| hint.contains("ckaprep reset")));
    }

    #[test]
    fn histories_have_times_and_commands_of_several_lines() {
        let text = "#100\nls\n#101\nfor i in 1\ndo true\ndone\n";
        assert_eq!(history(text), [(100, "ls".to_owned()), (101, "for i in 1\ndo true\ndone".to_owned())]);
        assert!(history("no times\n").is_empty());
    }
}
