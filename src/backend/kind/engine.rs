//! Docker or podman, by their command lines.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::KindError;
use crate::backend::host_command::{Finished, HostCommand, HostError, SharedCommands, Started, check, finish, succeed};
use crate::model::Role;

/// kind's label on everything that belongs to a cluster.
const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";
/// kind's label with a node's role.
const ROLE_LABEL: &str = "io.x-k8s.kind.role";

/// How often containers are asked for that go meanwhile.
const LOOKS: u32 = 4;

/// Longest that a script on a node may run.
pub const SCRIPT_LIMIT: Duration = Duration::from_secs(600);

/// A container runtime that kind can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl Provider {
    /// Its program, and kind's word for it.
    pub fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Which daemon: as the user's environment says, or as a cluster's record does, so that a cluster is found again whatever the
/// environment says later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Daemon {
    /// Docker or podman.
    pub provider: Provider,
    /// Docker's context, if it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `DOCKER_HOST` or `CONTAINER_HOST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// The variables that say which daemon and which kind.
#[derive(Clone, Debug, Default)]
pub struct HostSettings {
    /// `KIND_EXPERIMENTAL_PROVIDER`.
    pub provider: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `CONTAINER_HOST`.
    pub container_host: Option<String>,
    /// `CKAPREP_KIND`: the kind program, where it is not on the PATH.
    pub kind: Option<String>,
}

impl HostSettings {
    /// From the process's environment.
    pub fn from_environment() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            provider: set("KIND_EXPERIMENTAL_PROVIDER"),
            docker_context: set("DOCKER_CONTEXT"),
            docker_host: set("DOCKER_HOST"),
            container_host: set("CONTAINER_HOST"),
            kind: set("CKAPREP_KIND"),
        }
    }
}

/// A node's container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name, which is the node's.
    pub name: String,
    /// What the node is for.
    pub role: Role,
    /// Whether it runs.
    pub running: bool,
    /// Its address on kind's network; empty while it does not run.
    pub address: String,
    /// `exited (137)`, `running`.
    pub state: String,
}

/// A container runtime and kind.
#[derive(Clone)]
pub struct Engine {
    commands: SharedCommands,
    daemon: Daemon,
    kind: String,
}

impl Engine {
    /// The runtime that the settings name: podman if kind is told so, else docker, else podman where only that is there.
    pub async fn detect(commands: SharedCommands, settings: &HostSettings) -> Result<Self, KindError> {
        let provider = match settings.provider.as_deref() {
            Some("podman") => Provider::Podman,
            Some("docker") | None if commands.has("docker") => Provider::Docker,
            None if commands.has("podman") => Provider::Podman,
            Some("docker") | None => return Err(KindError::NoRuntime),
            Some(other) => return Err(KindError::UnknownProvider { name: other.to_owned() }),
        };
        let mut daemon = Daemon { provider, context: None, host: None };
        match provider {
            // DOCKER_HOST wins over contexts, as in docker itself.
            Provider::Docker if settings.docker_host.is_some() => daemon.host.clone_from(&settings.docker_host),
            Provider::Docker => {
                let shown = finish(&*commands, HostCommand::new("docker", ["context", "show"])).await;
                let shown = shown.ok().filter(|f| f.status == 0).map(|f| f.text().trim().to_owned());
                daemon.context = settings.docker_context.clone().or(shown).filter(|context| context != "default" && !context.is_empty());
            }
            Provider::Podman => daemon.host.clone_from(&settings.container_host),
        }
        Ok(Self::of(commands, daemon, settings))
    }

    /// The runtime of a record.
    pub fn of(commands: SharedCommands, daemon: Daemon, settings: &HostSettings) -> Self {
        Self { commands, daemon, kind: settings.kind.clone().unwrap_or_else(|| "kind".to_owned()) }
    }

    /// Which daemon this is.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The programs of the host.
    pub fn commands(&self) -> &SharedCommands {
        &self.commands
    }

    /// Variables that lead docker, podman and kind to this daemon.
    fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![("KIND_EXPERIMENTAL_PROVIDER".to_owned(), self.daemon.provider.program().to_owned())];
        if let Some(context) = &self.daemon.context {
            env.push(("DOCKER_CONTEXT".to_owned(), context.clone()));
        }
        if let Some(host) = &self.daemon.host {
            let name = if self.daemon.provider == Provider::Docker { "DOCKER_HOST" } else { "CONTAINER_HOST" };
            env.push((name.to_owned(), host.clone()));
        }
        env
    }

    /// A command of the runtime.
    pub fn runtime<const N: usize>(&self, args: [&str; N]) -> HostCommand {
        HostCommand::new(self.daemon.provider.program(), args).env(self.env())
    }

    /// A command of kind. It never sees the user's kubeconfig.
    pub fn kind<I: IntoIterator<Item = S>, S: Into<String>>(&self, args: I) -> HostCommand {
        HostCommand::new(&self.kind, args).env(self.env()).env([("KUBECONFIG".to_owned(), "/dev/null".to_owned())])
    }

    async fn text(&self, command: HostCommand) -> Result<String, KindError> {
        Ok(self.run(command).await?.text())
    }

    /// Runs something that must succeed; a daemon that does not answer is told apart from a command that fails.
    pub async fn run(&self, command: HostCommand) -> Result<Finished, KindError> {
        succeed(&*self.commands, command).await.map_err(|error| KindError::of_host(error, self.daemon.provider))
    }

    /// What the daemon says of itself: `{{json .}}` of `docker info`.
    pub async fn info(&self) -> Result<Value, KindError> {
        let text = self.text(self.runtime(["info", "--format", "{{json .}}"]).limit(Duration::from_secs(10))).await?;
        let info: Value = serde_json::from_str(&text).unwrap_or_default();
        // `docker info` prints what the client knows, and exits with 0, when the server is away.
        match info["ServerErrors"].as_array().and_then(|errors| errors.first()).and_then(Value::as_str) {
            Some(error) => Err(KindError::NoDaemon { provider: self.daemon.provider, reason: error.to_owned() }),
            None => Ok(info),
        }
    }

    /// `kind version`.
    pub async fn kind_version(&self) -> Result<String, KindError> {
        let finished = succeed(&*self.commands, self.kind(["version", "--quiet"])).await.map_err(|error| match error {
            HostError::Missing { .. } => KindError::NoKind,
            error => KindError::of_host(error, self.daemon.provider),
        })?;
        Ok(finished.text().trim().to_owned())
    }

    /// Names of all kind clusters of this daemon, ours and others.
    pub async fn clusters(&self) -> Result<Vec<String>, KindError> {
        let label = match self.daemon.provider {
            Provider::Docker => format!("{{{{.Label \"{CLUSTER_LABEL}\"}}}}"),
            Provider::Podman => format!("{{{{index .Labels \"{CLUSTER_LABEL}\"}}}}"),
        };
        let filter = format!("label={CLUSTER_LABEL}");
        let text = self.text(self.runtime(["ps", "-a", "--filter", &filter, "--format", &label])).await?;
        let mut names: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The nodes of a cluster, control plane first, then by name. Empty when there is no such cluster.
    pub async fn nodes(&self, cluster: &str) -> Result<Vec<Container>, KindError> {
        let mut all: Vec<Value> = Vec::new();
        // Between the two questions containers may go.
        for look in 1..=LOOKS {
            let ids = self.all_containers(cluster).await?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let mut command = self.runtime(["inspect"]);
            command.args.extend(ids);
            let text = match self.text(command).await {
                Ok(text) => text,
                Err(error) if look < LOOKS && error.to_string().contains("No such object") => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            all = serde_json::from_str(&text).map_err(|e| KindError::Odd { what: "inspect".into(), reason: e.to_string() })?;
            break;
        }
        let mut nodes: Vec<Container> = all.iter().filter_map(container).collect();
        nodes.sort_by_key(|node| (node.role, natural(&node.name)));
        Ok(nodes)
    }

    /// Names of all containers of a cluster, nodes or not.
    pub async fn all_containers(&self, cluster: &str) -> Result<Vec<String>, KindError> {
        let filter = format!("label={CLUSTER_LABEL}={cluster}");
        let text = self.text(self.runtime(["ps", "-aq", "--no-trunc", "--filter", &filter])).await?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Starts containers again.
    pub async fn start(&self, names: &[String]) -> Result<(), KindError> {
        let mut command = self.runtime(["start"]).limit(Duration::from_secs(120));
        command.args.extend(names.iter().cloned());
        self.run(command).await.map(|_| ())
    }

    /// Whether the daemon has an image.
    pub async fn has_image(&self, image: &str) -> Result<bool, KindError> {
        let command = self.runtime(["image", "inspect", "--format", "{{.Id}}", image]);
        let finished = finish(&*self.commands, command).await.map_err(|error| KindError::of_host(error, self.daemon.provider))?;
        if finished.status != 0 && is_daemon_trouble(&finished.complaint()) {
            return Err(KindError::NoDaemon { provider: self.daemon.provider, reason: finished.complaint() });
        }
        Ok(finished.status == 0)
    }

    /// The command that runs a script on a node as root.
    pub fn exec(&self, node: &str, control_plane: bool, script: &str, words: &[&str]) -> HostCommand {
        let mut command = self.runtime(["exec", "-i", "-w", "/root"]);
        command.args.extend(self.exec_env(control_plane));
        command.args.extend([node, "bash", "-c", script, "bash"].map(str::to_owned));
        command.args.extend(words.iter().map(|w| (*w).to_owned()));
        command.limit(SCRIPT_LIMIT)
    }

    fn exec_env(&self, control_plane: bool) -> Vec<String> {
        let mut env = vec!["-e", "HOME=/root", "-e", "LANG=C.UTF-8"];
        if control_plane {
            // There root's kubectl works without any setting.
            env.extend(["-e", "KUBECONFIG=/etc/kubernetes/admin.conf"]);
        }
        env.into_iter().map(str::to_owned).collect()
    }

    /// The program with its arguments and variables that opens a node's shell for a person: what comes after is bash's own arguments.
    /// What is typed goes with its time into the node's history, from which a session's end reads it.
    pub fn terminal(&self, node: &str, control_plane: bool, interactive: bool) -> NodeDoor {
        let mut words =
            vec![self.daemon.provider.program().to_owned(), "exec".to_owned(), "-i".to_owned(), "-w".to_owned(), "/root".to_owned()];
        words.extend(self.exec_env(control_plane));
        if interactive {
            words.push("-t".to_owned());
            for setting in ["HISTTIMEFORMAT=%F %T ", "PROMPT_COMMAND=history -a", "TERM"] {
                words.extend(["-e".to_owned(), setting.to_owned()]);
            }
        }
        words.extend([node.to_owned(), "bash".to_owned()]);
        NodeDoor { words, env: self.env() }
    }

    /// Starts a script on a node whose output is wanted while it runs.
    pub fn open(&self, node: &str, control_plane: bool, script: &str) -> Result<Started, HostError> {
        self.commands.start(&self.exec(node, control_plane, script, &[]))
    }

    /// Runs a script on a node.
    pub async fn on_node(&self, command: HostCommand) -> Result<Finished, HostError> {
        let line = command.line();
        let finished = finish(&*self.commands, command).await?;
        let complaint = finished.complaint();
        // The client's own failures have statuses of their own (125 to 127), but so may the script's.
        if finished.status != 0 && is_client_trouble(&complaint) {
            return check(line, finished);
        }
        Ok(finished)
    }
}

/// How to open a shell on a node from another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDoor {
    /// Program and arguments, up to bash's own.
    pub words: Vec<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
}

/// Complaints of docker and podman when their daemon is away.
pub fn is_daemon_trouble(complaint: &str) -> bool {
    [
        "Cannot connect to the Docker daemon",
        "failed to connect to the docker API",
        "error during connect",
        "Cannot connect to Podman",
        "connection refused",
        "dial unix",
    ]
    .iter()
    .any(|part| complaint.contains(part))
}

fn is_client_trouble(complaint: &str) -> bool {
    let own = ["Error response from daemon:", "Error: ", "OCI runtime exec failed", "Error: no container with name"];
    let last = complaint.lines().last().unwrap_or_default();
    is_daemon_trouble(last) && (last.starts_with("Cannot connect") || last.contains("docker"))
        || own.iter().any(|own| last.starts_with(own)) && (last.contains("container") || last.contains("exec"))
}

fn container(inspected: &Value) -> Option<Container> {
    let name = inspected["Name"].as_str()?.trim_start_matches('/').to_owned();
    let role = match inspected["Config"]["Labels"][ROLE_LABEL].as_str()? {
        "control-plane" => Role::ControlPlane,
        "worker" => Role::Worker,
        // The load balancer of a cluster with several control planes is no node.
        _ => return None,
    };
    let state = &inspected["State"];
    let running = state["Running"].as_bool().unwrap_or(false) && !state["Paused"].as_bool().unwrap_or(false);
    let networks = inspected["NetworkSettings"]["Networks"].as_object();
    let addresses = networks.into_iter().flat_map(|n| n.values()).filter_map(|n| n["IPAddress"].as_str());
    let address = addresses.filter(|a| !a.is_empty()).map(str::to_owned).next().unwrap_or_default();
    let word = state["Status"].as_str().unwrap_or(if running { "running" } else { "stopped" });
    let code = state["ExitCode"].as_i64().filter(|_| !running).map(|code| format!(" with status {code}")).unwrap_or_default();
    Some(Container { name, role, running, address, state: format!("{word}{code}") })
}

/// kind names workers `worker`, `worker2`, …, `worker10`.
fn natural(name: &str) -> (String, u32) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::backend::host_command::testing::{FakeCommands, fails, says};

    fn inspected(name: &str, role: &str, running: bool) -> Value {
        json!({
            "Name": format!("/{name}"),
            "Config": {"Labels": {ROLE_LABEL: role}},
            "State": {"Running": running, "Status": if running {"running"} else {"exited"}, "ExitCode": if running {0} else {137}},
            "NetworkSettings": {"Networks": {"kind": {"IPAddress": if running {"172.18.0.3"} else {""}}}},
        })
    }

    fn engine(answer: impl Fn(&HostCommand) -> Result<Finished, HostError> + Send + Sync + 'static) -> Engine {
        let daemon = Daemon { provider: Provider::Docker, context: Some("lab".into()), host: None };
        Engine::of(Arc::new(FakeCommands::new(answer)), daemon, &HostSettings::default())
    }

    #[tokio::test]
    async fn nodes_come_in_the_order_of_their_numbers_and_balancers_are_none() {
        let engine = engine(|command| match command.args[0].as_str() {
            "ps" => says("1 2 3 4"),
            _ => says(
                &json!([
                    inspected("a-worker10", "worker", true),
                    inspected("a-worker2", "worker", false),
                    inspected("a-control-plane", "control-plane", true),
                    inspected("a-lb", "external-load-balancer", true),
                    inspected("a-worker", "worker", true)
                ])
                .to_string(),
            ),
        });
        let nodes = engine.nodes("a").await.unwrap();
        let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["a-control-plane", "a-worker", "a-worker2", "a-worker10"]);
        assert_eq!((nodes[2].running, nodes[2].state.as_str()), (false, "exited with status 137"));
    }

    #[tokio::test]
    async fn the_daemon_of_the_environment_is_the_one_that_is_asked() {
        let commands = Arc::new(FakeCommands::new(|command| if command.args == ["context", "show"] { says("lab\n") } else { says("") }));
        let settings = |provider: &str, host: &str| HostSettings {
            provider: Some(provider.to_owned()).filter(|p| !p.is_empty()),
            docker_host: Some(host.to_owned()).filter(|h| !h.is_empty()),
            ..HostSettings::default()
        };
        for (provider, host, want) in [
            ("", "", ("docker", Some("lab"), None)),
            ("docker", "tcp://far:1", ("docker", None, Some("tcp://far:1"))),
            ("podman", "", ("podman", None, None)),
        ] {
            let engine = Engine::detect(commands.clone(), &settings(provider, host)).await.unwrap();
            let daemon = engine.daemon();
            assert_eq!((daemon.provider.program(), daemon.context.as_deref(), daemon.host.as_deref()), want);
        }
        assert!(Engine::detect(commands, &settings("nerdctl", "")).await.is_err());
    }

    #[tokio::test]
    async fn a_daemon_that_is_away_is_told_apart_from_a_command_that_fails() {
        let away = engine(|_| fails("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"));
        assert!(matches!(away.clusters().await, Err(KindError::NoDaemon { .. })));
        assert!(matches!(away.has_image("x").await, Err(KindError::NoDaemon { .. })));
        let other = engine(|_| fails("Error: no such image"));
        assert!(matches!(other.has_image("x").await, Ok(false)));
        assert!(matches!(other.clusters().await, Err(KindError::Host(_))));
    }

    #[tokio::test]
    async fn a_script_that_fails_is_no_trouble_of_ours_and_a_stopped_container_is() {
        let script = engine(|_| fails("grep: no match"));
        assert_eq!(script.on_node(script.exec("n", false, "x", &[])).await.unwrap().status, 1);
        let stopped = engine(|_| fails("Error response from daemon: container 1f is not running"));
        assert!(stopped.on_node(stopped.exec("n", false, "x", &[])).await.is_err());
    }
}
