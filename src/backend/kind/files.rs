//! Files and units of a node as they were when the cluster was clean, and bringing them back.
//!
//! Two kinds of places: those that people edit are remembered with their content and put back; those that hold programs are only
//! compared, and a difference there means that the cluster is made anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::error::KindError;
use crate::backend::host_command::{HostCommand, HostError};
use crate::model::quote;

/// Prints the state: sections and records end with NUL.
const LOOK: &str = r#"cd / || exit
printf 'TREE\0'
find etc root home opt srv kind usr/local var/lib/kubelet run/systemd/system -xdev \
  \( -path var/lib/kubelet/pods -o -path var/lib/kubelet/plugins -o -path var/lib/kubelet/plugins_registry -o -path var/lib/kubelet/device-plugins -o -path opt/cni/bin -o -path usr/local/bin \) -prune \
  -o -printf '%y %m %U:%G %p\t%l\0' 2>/dev/null
printf 'SUMS\0'
find etc root home opt srv kind usr/local var/lib/kubelet run/systemd/system -xdev \
  \( -path var/lib/kubelet/pods -o -path var/lib/kubelet/plugins -o -path var/lib/kubelet/plugins_registry -o -path var/lib/kubelet/device-plugins -o -path opt/cni/bin -o -path usr/local/bin \) -prune \
  -o -type f -print0 2>/dev/null | xargs -0r sha256sum -z
printf 'PROGRAMS\0'
find usr/bin usr/sbin usr/libexec usr/local/bin usr/lib/systemd opt/cni/bin -xdev -printf '%y %m %U:%G %s %T@ %p\t%l\0' 2>/dev/null
printf 'UNITS\0'
systemctl list-units --plain --no-legend --type=service,socket,timer,path --state=active 2>/dev/null | cut -d' ' -f1 | tr '\n' '\0'
printf 'KERNEL\0'
for s in net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables vm.overcommit_memory kernel.panic; do
  v=$(sysctl -n "$s" 2>/dev/null) && printf '%s=%s\0' "$s" "$v"
done
printf 'PROCESSES\0'
for name in kube-apiserver kube-controller-manager kube-scheduler etcd; do
  # The kernel keeps 15 letters of a name. The 22nd word of stat is when the process started.
  for pid in $(pgrep -x "$(printf %.15s "$name")"); do
    since=$(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null) && printf '%s=%s\0' "$name" "$since"
  done
done
printf 'END\0'"#;

/// Packs the places that are remembered with their content.
const PACK: &str = r#"cd / && tar --numeric-owner --ignore-failed-read --one-file-system -cpf - \
  --exclude=var/lib/kubelet/pods --exclude=var/lib/kubelet/plugins --exclude=var/lib/kubelet/plugins_registry --exclude=var/lib/kubelet/device-plugins --exclude=opt/cni/bin --exclude=usr/local/bin \
  etc root home opt srv kind usr/local var/lib/kubelet 2>/dev/null; true"#;

/// Files that change by themselves, or belong to the container runtime of the host: not compared at all.
const OWN: [&str; 11] = [
    "etc/hosts",
    "etc/hostname",
    "etc/resolv.conf",
    "etc/mtab",
    "etc/.pwd.lock",
    "root/.bash_history",
    "var/lib/kubelet/cpu_manager_state",
    "var/lib/kubelet/memory_manager_state",
    "var/lib/kubelet/dra_manager_state",
    "var/lib/kubelet/actuated_pods_state",
    "var/lib/kubelet/allocated_pods_state",
];

/// Places where only a file's being there is compared: certificates that the kubelet renews, checkpoints.
const RENEWED: [&str; 3] = ["var/lib/kubelet/pki/", "var/lib/kubelet/checkpoints/", "etc/ssl/"];

/// A change below these makes kubelet and container runtime start again.
const OF_UNITS: [&str; 7] =
    ["etc/containerd", "etc/crictl.yaml", "etc/systemd", "etc/default", "etc/kubernetes", "etc/cni", "var/lib/kubelet"];

/// Units that come and go by themselves.
const PASSING: [&str; 6] = ["systemd-tmpfiles-clean", "logrotate", "apt-daily", "user@", "user-runtime-dir@", "systemd-"];

/// The state of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeState {
    /// Remembered files: path to kind, mode, owner, link and sum.
    files: BTreeMap<String, String>,
    /// Programs: path to kind, mode, owner, size, time and link.
    programs: BTreeMap<String, String>,
    /// Units that are active.
    units: BTreeSet<String>,
    /// Kernel settings.
    kernel: BTreeMap<String, String>,
    /// Programs of the control plane that run here, and when they started (in the kernel's ticks).
    #[serde(default)]
    pub processes: BTreeMap<String, String>,
}

impl NodeState {
    /// Understands what [`LOOK`] printed; `None` when it was cut short.
    pub fn parse(output: &[u8]) -> Option<Self> {
        let mut state = Self::default();
        let mut section = String::new();
        for record in output.split(|b| *b == 0).map(String::from_utf8_lossy) {
            match (section.as_str(), record.as_ref()) {
                (_, "") => {}
                (_, "TREE" | "SUMS" | "PROGRAMS" | "UNITS" | "KERNEL" | "PROCESSES") => section = record.into_owned(),
                (_, "END") => return Some(state),
                ("TREE", record) => {
                    let (facts, path, link) = tree(record, 3)?;
                    if !is_own(&path) {
                        let renewed = RENEWED.iter().any(|place| path.starts_with(place));
                        state.files.insert(path, if renewed { facts[..1].to_owned() } else { format!("{facts} {link}") });
                    }
                }
                ("SUMS", record) => {
                    let (sum, path) = record.split_once("  ")?;
                    if !RENEWED.iter().any(|place| path.starts_with(place))
                        && let Some(facts) = state.files.get_mut(path)
                    {
                        facts.push_str(sum);
                    }
                }
                ("PROGRAMS", record) => {
                    let (facts, path, link) = tree(record, 5)?;
                    // A directory's time changes with what is in it; that is compared by itself.
                    let facts = if facts.starts_with('d') { facts.split(' ').take(3).collect::<Vec<_>>().join(" ") } else { facts };
                    state.programs.insert(path, format!("{facts} {link}"));
                }
                ("UNITS", unit) => {
                    if !PASSING.iter().any(|passing| unit.starts_with(passing)) {
                        state.units.insert(unit.to_owned());
                    }
                }
                ("KERNEL", setting) => {
                    let (name, value) = setting.split_once('=')?;
                    state.kernel.insert(name.to_owned(), value.to_owned());
                }
                ("PROCESSES", process) => {
                    let (name, since) = process.split_once('=')?;
                    state.processes.insert(name.to_owned(), since.to_owned());
                }
                _ => return None,
            }
        }
        None
    }

    /// What has to be done to get from `now` back to this state.
    pub fn repair(&self, now: &Self) -> Repair {
        let mut repair = Repair::default();
        for path in now.files.keys().filter(|path| !self.files.contains_key(*path)) {
            // What is in a new directory goes with it.
            if !repair.remove.iter().any(|above| path.starts_with(&format!("{above}/"))) && !RENEWED.iter().any(|r| path.starts_with(r)) {
                repair.remove.push(path.clone());
            }
        }
        for (path, facts) in self.files.iter().filter(|(path, facts)| now.files.get(*path) != Some(*facts)) {
            // Another kind of thing stands in the way.
            if now.files.get(path).is_some_and(|other| other[..1] != facts[..1]) {
                repair.remove.push(path.clone());
            }
            repair.put_back.push(path.clone());
        }
        let differs = |path: &String| self.programs.get(path) != now.programs.get(path);
        let paths: BTreeSet<&String> = self.programs.keys().chain(now.programs.keys()).collect();
        repair.beyond = paths.into_iter().filter(|path| differs(path)).map(|path| format!("/{path}")).collect();
        repair.start = self.units.difference(&now.units).cloned().collect();
        repair.stop = now.units.difference(&self.units).cloned().collect();
        // Before files are put back, so that nobody waits until the kubelet has ended what runs and starts it again at last.
        let changed = |name: &str| repair.remove.iter().chain(&repair.put_back).any(|path| is_static_pods(path, name));
        repair.static_pods = self.processes.keys().filter(|name| !now.processes.contains_key(*name) || changed(name)).cloned().collect();
        repair.kernel =
            self.kernel.iter().filter(|(name, value)| now.kernel.get(*name) != Some(*value)).map(|(n, v)| format!("{n}={v}")).collect();
        repair
    }
}

/// `facts path<TAB>link` with so many words of facts.
fn tree(record: &str, words: usize) -> Option<(String, String, String)> {
    let (front, link) = record.rsplit_once('\t')?;
    let at = front.match_indices(' ').nth(words - 1)?.0;
    Some((front[..at].to_owned(), front[at + 1..].to_owned(), link.to_owned()))
}

/// Whether a file belongs to a program of the control plane: its manifest (and what was put beside it), or a kubeconfig or certificate.
fn is_static_pods(path: &str, name: &str) -> bool {
    match path.strip_prefix("etc/kubernetes/") {
        Some(rest) => match rest.strip_prefix("manifests/") {
            Some(manifest) => manifest.trim_start_matches('.').starts_with(name),
            None => rest != "manifests",
        },
        None => false,
    }
}

fn is_own(path: &str) -> bool {
    OWN.contains(&path) || path.ends_with('~') || path.ends_with(".swp")
}

/// The way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Paths to remove.
    pub remove: Vec<String>,
    /// Paths to put back.
    pub put_back: Vec<String>,
    /// Units to start.
    pub start: Vec<String>,
    /// Units to stop.
    pub stop: Vec<String>,
    /// Kernel settings to set.
    pub kernel: Vec<String>,
    /// Programs of the control plane to be ended at once and started anew.
    pub static_pods: Vec<String>,
    /// Differences that cannot be repaired.
    pub beyond: Vec<String>,
}

impl Repair {
    /// Whether there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The script that does it; a tar archive comes in on standard input.
    fn script(&self) -> String {
        let list = |paths: &[String]| paths.iter().map(|path| quote(path)).collect::<Vec<_>>().join(" ");
        let mut script = String::from("cd / || exit\n");
        if !self.static_pods.is_empty() {
            script.push_str("systemctl stop kubelet\n");
        }
        if !self.remove.is_empty() {
            script.push_str(&format!("chattr -Ri {0} 2>/dev/null; rm -rf -- {0}\n", list(&self.remove)));
        }
        if self.put_back.is_empty() {
            script.push_str("cat > /dev/null\n");
        } else {
            // A directory's own mode and owner only: what is in it is listed by itself.
            script.push_str(&format!(
                "chattr -i {0} 2>/dev/null\ntar --numeric-owner --no-recursion --overwrite -xpf - -- {0} || exit\n",
                list(&self.put_back)
            ));
        }
        for setting in &self.kernel {
            script.push_str(&format!("sysctl -qw {}\n", quote(setting)));
        }
        let touched = |path: &&String| OF_UNITS.iter().any(|place| path.starts_with(place));
        let again = self.remove.iter().chain(&self.put_back).any(|p| touched(&p));
        if again {
            script.push_str("systemctl daemon-reload\n");
        }
        if !self.stop.is_empty() {
            script.push_str(&format!("systemctl stop {}\n", list(&self.stop)));
        }
        let runtime = self.remove.iter().chain(&self.put_back).any(|p| p.starts_with("etc/containerd"));
        if runtime || self.start.iter().any(|u| u == "containerd.service") {
            script.push_str("systemctl restart containerd\n");
        }
        // Told politely, an API server takes a minute for its goodbyes; and a container that crashed is waited with.
        for name in &self.static_pods {
            script.push_str(&format!("timeout 20 crictl pods --name '^{name}-' -q | xargs -r timeout 20 crictl rmp -f >/dev/null 2>&1\n"));
        }
        let again = again || !self.static_pods.is_empty();
        let others: Vec<String> = self.start.iter().filter(|u| *u != "containerd.service").cloned().collect();
        if !others.is_empty() {
            script.push_str(&format!("systemctl restart {}\n", list(&others)));
        }
        if again && !self.start.iter().any(|u| u == "kubelet.service") {
            script.push_str("systemctl restart kubelet\n");
        }
        script.push_str("systemctl reset-failed\n");
        script.push_str("find /tmp -mindepth 1 -delete 2>/dev/null\nrm -f /root/.bash_history\ntrue\n");
        script
    }
}

/// Looks at a node.
pub async fn look(engine: &Engine, node: &str) -> Result<NodeState, KindError> {
    let finished = on(engine, engine.exec(node, false, LOOK, &[])).await?;
    NodeState::parse(&finished).ok_or_else(|| KindError::Odd { what: format!("find on {node}"), reason: "it ended too early".into() })
}

/// The archive of a clean node.
pub async fn pack(engine: &Engine, node: &str) -> Result<Vec<u8>, KindError> {
    on(engine, engine.exec(node, false, PACK, &[])).await
}

/// Brings a node back. `archive` is what [`pack`] gave.
pub async fn mend(engine: &Engine, node: &str, repair: &Repair, archive: Vec<u8>) -> Result<(), KindError> {
    let command = engine.exec(node, false, &repair.script(), &[]);
    on(engine, command.stdin(if repair.put_back.is_empty() { Vec::new() } else { archive })).await.map(|_| ())
}

async fn on(engine: &Engine, command: HostCommand) -> Result<Vec<u8>, KindError> {
    let line = command.line();
    let finished = engine.on_node(command).await.map_err(|error| KindError::of_host(error, engine.daemon().provider))?;
    if finished.status != 0 {
        let error = HostError::Failed { line, status: finished.status, complaint: finished.complaint() };
        return Err(KindError::of_host(error, engine.daemon().provider));
    }
    Ok(finished.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(tree: &[&str], sums: &[&str], programs: &[&str], units: &[&str]) -> NodeState {
        let mut text = vec!["TREE"];
        text.extend(tree);
        text.push("SUMS");
        text.extend(sums);
        text.push("PROGRAMS");
        text.extend(programs);
        text.push("UNITS");
        text.extend(units);
        text.extend(["KERNEL", "net.ipv4.ip_forward=1", "END", ""]);
        NodeState::parse(text.join("\0").as_bytes()).expect("a state")
    }

    #[test]
    fn the_way_back_is_found() {
        let clean = state(
            &[
                "d 755 0:0 etc\t",
                "f 644 0:0 etc/a b\t",
                "l 777 0:0 etc/w\t/lib/kubelet",
                "f 600 0:0 var/lib/kubelet/pki/x.pem\t",
                "f 644 0:0 etc/hosts\t",
            ],
            &["11  etc/a b", "22  var/lib/kubelet/pki/x.pem"],
            &["d 755 0:0 10 1.5 usr/bin\t", "f 755 0:0 9 1.5 usr/bin/kubelet\t"],
            &["kubelet.service", "containerd.service"],
        );
        assert!(clean.repair(&clean).is_nothing());
        let used = state(
            &[
                "d 755 0:0 etc\t",
                "f 600 0:0 etc/a b\t",
                "d 755 0:0 etc/new\t",
                "f 644 0:0 etc/new/x\t",
                "f 644 0:0 etc/w\t",
                "f 600 0:0 var/lib/kubelet/pki/x.pem\t",
            ],
            &["33  etc/a b", "44  var/lib/kubelet/pki/x.pem"],
            &["d 755 0:0 11 1.7 usr/bin\t", "f 644 0:0 9 1.5 usr/bin/kubelet\t"],
            &["containerd.service", "mine.service", "systemd-tmpfiles-clean.service"],
        );
        let repair = clean.repair(&used);
        assert_eq!(repair.remove, ["etc/new", "etc/w"], "a file stands where a link was");
        assert_eq!(repair.put_back, ["etc/a b", "etc/w"], "a renewed certificate is no difference");
        assert_eq!(
            (repair.start.as_slice(), repair.stop.as_slice()),
            (["kubelet.service".to_owned()].as_slice(), ["mine.service".to_owned()].as_slice())
        );
        assert_eq!(repair.beyond, ["/usr/bin/kubelet"]);
        assert!(repair.static_pods.is_empty());
        let script = repair.script();
        for part in [
            "rm -rf -- 'etc/new' 'etc/w'",
            "-xpf - -- 'etc/a b' 'etc/w'",
            "systemctl stop 'mine.service'",
            "systemctl restart 'kubelet.service'",
        ] {
            assert!(script.contains(part), "{part} in {script}");
        }
    }

    #[test]
    fn what_the_control_plane_runs_is_ended_where_its_files_changed_or_it_is_gone() {
        let processes = |names: &[&str]| NodeState {
            processes: names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect(),
            ..NodeState::default()
        };
        let clean = processes(&["etcd", "kube-apiserver", "kube-scheduler"]);
        let mut used = processes(&["etcd", "kube-apiserver"]);
        used.files.insert("etc/kubernetes/manifests/kube-apiserver.yaml.bak".into(), "f 600 0:0 1".into());
        let repair = clean.repair(&used);
        assert_eq!(repair.static_pods, ["kube-apiserver", "kube-scheduler"]);
        let script = repair.script();
        let at = |part: &str| script.find(part).unwrap_or_else(|| panic!("{part} in {script}"));
        assert!(at("systemctl stop kubelet") < at("rm -rf") && at("rm -rf") < at("--name '^kube-apiserver-'"));
        assert!(at("crictl rmp -f") < at("systemctl restart kubelet"));
        used.files.insert("etc/kubernetes/pki/ca.crt".into(), "f 600 0:0 1".into());
        assert_eq!(clean.repair(&used).static_pods.len(), 3);
    }

    #[test]
    fn a_look_that_was_cut_short_is_none() {
        assert_eq!(NodeState::parse(b"TREE\0d 755 0:0 etc\t\0"), None);
        assert_eq!(NodeState::parse(b"TREE\0nonsense\0END\0"), None);
    }
}
