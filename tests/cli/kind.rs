//! `--backend kind` as its user meets it where docker and kind are not what they should be. Both are small scripts here, so no daemon is
//! needed, and what they are asked to do is seen.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::User;

/// A user whose docker and kind are these scripts, and whose own kubeconfig has a production context as current one.
struct Host {
    user: User,
    kubeconfig: PathBuf,
}

const OWN: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n";

impl Host {
    fn new(docker: &str, kind: &str) -> Self {
        let user = User::new();
        let bin = user.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        for (name, body) in [("docker", docker), ("kind", kind)] {
            if !body.is_empty() {
                let path = bin.join(name);
                std::fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >> \"$HOME/asked\"\n{body}\n")).expect("a script");
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script");
            }
        }
        let folder = user.path().join(".kube");
        std::fs::create_dir_all(&folder).expect("a folder");
        let kubeconfig = folder.join("config");
        std::fs::write(&kubeconfig, OWN).expect("a kubeconfig");
        // The shell and its tools, but neither docker nor kind of this machine.
        for tool in ["sh", "bash", "cat", "sleep"] {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).map(|d| d.join(tool)).find(|p| p.is_file());
            if let Some(found) = found {
                let _ = std::os::unix::fs::symlink(found, bin.join(tool));
            }
        }
        Self { user: user.with("PATH", &bin), kubeconfig }
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.user.path().join("asked")).unwrap_or_default()
    }

    /// Nothing of the user's was touched, and no session is left.
    fn clean(&self) {
        assert_eq!(std::fs::read_to_string(&self.kubeconfig).expect("the user's kubeconfig"), OWN);
        let sessions = self.user.path().join(".local/state/ckaprep/sessions");
        assert_eq!(std::fs::read_dir(sessions).map(Iterator::count).unwrap_or(0), 0);
    }
}

const START: [&str; 5] = ["scenario", "unhealthy-node", "--backend", "kind", "--detach"];

/// A daemon without containers.
const EMPTY: &str = "case $1 in info) echo '{}';; context) echo default;; *) :;; esac";

#[test]
fn without_a_runtime_or_a_daemon_or_kind_the_error_says_what_to_do() {
    let away = "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1";
    for (docker, kind, message, next) in [
        ("", "", "needs Docker or Podman", "install Docker"),
        (away, "", "docker does not answer", "start Docker"),
        (EMPTY, "", "kind is not installed", "CKAPREP_KIND"),
    ] {
        let host = Host::new(docker, kind);
        let run = host.user.run(&START).expect_code(3);
        let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(message) && said.contains(next), "{said}");
        host.clean();
    }
}

#[test]
fn a_creation_that_fails_half_way_is_removed_and_the_users_kubeconfig_stays() {
    // From the creation on there is a container.
    let docker = "case $1 in info) echo '{}';; ps) if [ -e \"$HOME/made\" ]; then echo id-1; fi;; inspect) echo '[]';; rm) rm -f \"$HOME/made\";; *) :;; esac";
    let kind = "case $1 in version) echo 0.33.0;; create) : > \"$HOME/made\"; echo \"kubeconfig ${KUBECONFIG}\" >> \"$HOME/asked\"; echo 'ERROR: failed to create cluster: boom' >&2; exit 1;; esac";
    let host = Host::new(docker, kind);
    std::os::unix::fs::symlink("/bin/rm", host.user.path().join("bin/rm")).expect("a link");
    let run = host.user.run(&START).expect_code(3);
    assert!(run.stderr.contains("boom"), "{}", run.stderr);
    let asked = host.asked();
    assert!(asked.contains("docker rm -f -v id-1"), "{asked}");
    assert!(asked.contains("kubeconfig /dev/null") && asked.contains("--kubeconfig"), "{asked}");
    assert!(!host.user.path().join("made").exists());
    let listed = host.user.run(&["cluster", "list", "--format", "json"]).expect_code(0).json();
    assert_eq!(listed["clusters"].as_array().map(Vec::len), Some(0));
    host.clean();
}

#[test]
fn what_a_killed_run_left_is_pruned() {
    let docker = "case $1 in info) echo '{}';; ps) if [ \"$2\" = -aq ] && [ -e \"$HOME/made\" ]; then echo id-1; fi;; inspect) echo '[]';; rm) rm -f \"$HOME/made\";; *) :;; esac";
    let host = Host::new(docker, "");
    std::os::unix::fs::symlink("/bin/rm", host.user.path().join("bin/rm")).expect("a link");
    std::fs::write(host.user.path().join("made"), "").expect("a file");
    // A folder as it stands in the middle of a creation; no process holds its lock.
    let folder = host.user.path().join(".local/state/ckaprep/kind/ckaprep-cut");
    std::fs::create_dir_all(&folder).expect("a folder");
    let record = r#"{"name": "ckaprep-cut", "state": "creating", "daemon": {"provider": "docker"}, "image": null, "kindVersion": "0.33.0", "config": {}, "pid": 1, "started": "2026-01-01T00:00:00Z"}"#;
    std::fs::write(folder.join("cluster.json"), record).expect("a record");
    let listed = host.user.run(&["cluster", "list", "--format", "json"]).expect_code(0).json();
    assert_eq!(listed["clusters"][0]["leftover"], "its creation was cut off");
    let refused = host.user.run(&["cluster", "prune"]).expect_code(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let pruned = host.user.run(&["cluster", "prune", "--yes"]).expect_code(0);
    assert!(pruned.stdout.contains("deleted ckaprep-cut"), "{}", pruned.stdout);
    assert!(!folder.exists() && !host.user.path().join("made").exists());
}
