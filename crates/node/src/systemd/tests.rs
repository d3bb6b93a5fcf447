use std::time::Duration;

use crate::systemd::Active;
use crate::testing::{machine, run, shell, wake};

/// Takes out what differs from run to run of a real machine.
fn normal(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for key in ["Tasks: ", "Memory: ", "CPU: "] {
            if let Some(at) = line.find(key) {
                line.truncate(at + key.len());
                line.push('…');
            }
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[tokio::test(start_paused = true)]
async fn a_running_unit_as_recorded() {
    let mut shell = shell().await;
    tokio::time::sleep(Duration::from_secs(68)).await;
    let text = normal(&run(&mut shell, "systemctl status kubelet --no-pager -n 0").await);
    let pid = pid_of(&text);
    assert_eq!(
        text.replace(&format!("PID: {pid} "), "PID: 9 ").replace(&format!("─{pid} "), "─9 "),
        "● kubelet.service - kubelet: The Kubernetes Node Agent
     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled; preset: enabled)
    Drop-In: /usr/lib/systemd/system/kubelet.service.d
             └─10-kubeadm.conf
     Active: active (running) since Tue 2026-11-24 06:31:27 UTC; 1min 8s ago
       Docs: https://kubernetes.io/docs/
   Main PID: 9 (kubelet)
      Tasks: …
     Memory: …
        CPU: …
     CGroup: /system.slice/kubelet.service
             └─9 /usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml --pod-infra-container-image=registry.k8s.io/pause:3.10.1
"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_and_disabled_unit_as_recorded() {
    let mut shell = shell().await;
    assert_eq!(
        run(&mut shell, "systemctl disable --now kubelet").await,
        "Removed \"/etc/systemd/system/multi-user.target.wants/kubelet.service\".\n"
    );
    assert_eq!(
        run(&mut shell, "systemctl status kubelet --no-pager").await,
        "○ kubelet.service - kubelet: The Kubernetes Node Agent
     Loaded: loaded (/lib/systemd/system/kubelet.service; disabled; preset: enabled)
    Drop-In: /usr/lib/systemd/system/kubelet.service.d
             └─10-kubeadm.conf
     Active: inactive (dead)
       Docs: https://kubernetes.io/docs/

Nov 24 06:31:27 worker-2 systemd[1]: Started kubelet.service - kubelet: The Kubernetes Node Agent.
Nov 24 06:31:27 worker-2 systemd[1]: Stopping kubelet.service - kubelet: The Kubernetes Node Agent...
Nov 24 06:31:27 worker-2 systemd[1]: kubelet.service: Deactivated successfully.
Nov 24 06:31:27 worker-2 systemd[1]: Stopped kubelet.service - kubelet: The Kubernetes Node Agent.
[exit 3]
"
    );
    assert_eq!(
        run(&mut shell, "systemctl is-active kubelet; systemctl is-enabled kubelet; systemctl is-failed kubelet").await,
        "inactive\ndisabled\ninactive\n[exit 1]\n"
    );
    assert_eq!(
        run(&mut shell, "systemctl enable --now kubelet; systemctl is-active kubelet").await,
        "active\nCreated symlink /etc/systemd/system/multi-user.target.wants/kubelet.service → /lib/systemd/system/kubelet.service.\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_unit_restarts_every_ten_seconds_and_recovers() {
    let mut shell = shell().await;
    run(&mut shell, "sed -i 's#pki/ca.crt#pki/kubelet-ca.crt#' /var/lib/kubelet/config.yaml; systemctl restart kubelet").await;
    tokio::time::sleep(Duration::from_millis(20_700)).await;
    let text = run(&mut shell, "systemctl status kubelet --no-pager -n 2").await;
    assert_eq!(
        text,
        "● kubelet.service - kubelet: The Kubernetes Node Agent
     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled; preset: enabled)
    Drop-In: /usr/lib/systemd/system/kubelet.service.d
             └─10-kubeadm.conf
     Active: activating (auto-restart) (Result: exit-code) since Tue 2026-11-24 06:31:47 UTC; 700ms ago
       Docs: https://kubernetes.io/docs/
    Process: PID ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS (code=exited, status=1/FAILURE)
   Main PID: PID (code=exited, status=1/FAILURE)

Nov 24 06:31:47 worker-2 systemd[1]: kubelet.service: Main process exited, code=exited, status=1/FAILURE
Nov 24 06:31:47 worker-2 systemd[1]: kubelet.service: Failed with result 'exit-code'.
[exit 3]
"
        .replace("PID E", &format!("{} E", pid_of(&text)))
        .replace("PID: PID", &format!("PID: {}", pid_of(&text)))
    );
    assert_eq!(run(&mut shell, "systemctl is-active kubelet; systemctl is-failed kubelet").await, "activating\nactivating\n[exit 1]\n");
    let log = run(&mut shell, "journalctl -u kubelet -n 6 -o cat").await;
    assert_eq!(
        log,
        "kubelet.service: Scheduled restart job, restart counter is at 2.
Stopped kubelet.service - kubelet: The Kubernetes Node Agent.
Started kubelet.service - kubelet: The Kubernetes Node Agent.
E1124 run.go:72] \"command failed\" err=\"unable to load client CA file /etc/kubernetes/pki/kubelet-ca.crt: open /etc/kubernetes/pki/kubelet-ca.crt: no such file or directory\"
kubelet.service: Main process exited, code=exited, status=1/FAILURE
kubelet.service: Failed with result 'exit-code'.
"
    );
    run(&mut shell, "sed -i 's#pki/kubelet-ca.crt#pki/ca.crt#' /var/lib/kubelet/config.yaml").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        run(&mut shell, "systemctl show kubelet -p ActiveState,SubState,NRestarts").await,
        "NRestarts=3\nActiveState=active\nSubState=running\n"
    );
}

fn pid_of(text: &str) -> String {
    text.split("Main PID: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn errors_as_recorded() {
    let mut shell = shell().await;
    for (script, want) in [
        ("systemctl status nosuch", "Unit nosuch.service could not be found.\n[exit 4]\n"),
        ("systemctl start nosuch", "Failed to start nosuch.service: Unit nosuch.service not found.\n[exit 5]\n"),
        ("systemctl enable nosuch", "Failed to enable unit: Unit file nosuch.service does not exist.\n[exit 1]\n"),
        ("systemctl frobnicate", "Unknown command verb frobnicate.\n[exit 1]\n"),
        ("journalctl -u nosuch --no-pager", "-- No entries --\n"),
        ("systemctl mask kubelet", "Created symlink /etc/systemd/system/kubelet.service → /dev/null.\n"),
        ("systemctl restart kubelet", "Failed to restart kubelet.service: Unit kubelet.service is masked.\n[exit 1]\n"),
        ("systemctl unmask kubelet", "Removed \"/etc/systemd/system/kubelet.service\".\n"),
        ("systemctl is-system-running", "running\n"),
    ] {
        assert_eq!(run(&mut shell, script).await, want, "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_executable_is_203_exec_and_a_change_on_disk_is_told() {
    let mut shell = shell().await;
    run(&mut shell, "mv /usr/bin/kubelet /usr/bin/kubelet.bak; systemctl restart kubelet").await;
    let text = run(&mut shell, "systemctl status kubelet --no-pager -n 4").await;
    assert!(text.contains("(code=exited, status=203/EXEC)"), "{text}");
    assert!(text.contains("Failed at step EXEC spawning /usr/bin/kubelet: No such file or directory"), "{text}");
    run(&mut shell, "mv /usr/bin/kubelet.bak /usr/bin/kubelet; sed -i 's/RestartSec=10/RestartSec=3/' /lib/systemd/system/kubelet.service")
        .await;
    let warning = "Warning: The unit file, source configuration file or drop-ins of kubelet.service changed on disk. Run 'systemctl daemon-reload' to reload units.\n";
    assert_eq!(run(&mut shell, "systemctl restart kubelet").await, warning);
    assert_eq!(
        run(&mut shell, "systemctl daemon-reload; systemctl restart kubelet; systemctl show kubelet -p RestartUSec").await,
        "RestartUSec=3s\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_limit_holds_a_unit_down() {
    let mut shell = shell().await;
    run(&mut shell, "printf '[Service]\\nExecStart=/usr/bin/false\\nRestart=always\\n' > /etc/systemd/system/x.service; systemctl start x")
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let text = run(&mut shell, "systemctl status x --no-pager -n 3").await;
    assert!(text.starts_with("× x.service\n"), "{text}");
    assert!(text.contains("Active: failed (Result: exit-code)"), "{text}");
    assert!(text.contains("x.service: Start request repeated too quickly."), "{text}");
    assert!(run(&mut shell, "systemctl --failed --no-legend").await.contains("x.service"), "{text}");
    run(&mut shell, "systemctl reset-failed x").await;
    assert_eq!(run(&mut shell, "systemctl --failed --no-legend").await, "");
}

#[tokio::test(start_paused = true)]
async fn a_fork_goes_on_without_starting_anything_again() {
    let mut shell = shell().await;
    run(&mut shell, "rm /etc/kubernetes/pki/ca.crt; systemctl restart kubelet").await;
    let machine = machine().await;
    drop(machine);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let original = shell.machine().clone();
    let (state, now) = (original.snapshot(), original.clock().now());
    let entries = state.journal.entries().count();
    let fork = wake(state, now);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fork.read(|state| state.journal.entries().count()), entries, "nothing is announced again");
    assert_eq!(fork.systemd().unit("containerd.service").active, Active::Active);
    // The restart comes when it is due, ten seconds after the failure.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(fork.systemd().unit("kubelet.service").restarts, 1);
    let shells = fork.read(|state| state.processes.values().filter(|process| process.argv[0] == "-bash").count());
    assert_eq!(shells, 0, "a fork has nobody logged in");
}

#[tokio::test(start_paused = true)]
async fn a_reboot_starts_what_is_enabled() {
    let mut shell = shell().await;
    run(&mut shell, "systemctl disable kubelet; touch /root/kept /tmp/gone").await;
    let machine = shell.machine().clone();
    run(&mut shell, "reboot").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(machine.systemd().unit("kubelet.service").active, Active::Inactive);
    assert_eq!(machine.systemd().unit("containerd.service").active, Active::Active);
    shell.gone().await;
    run(&mut shell, "echo").await;
    assert!(shell.exited().is_some(), "a reboot closes the connection");
    let files = machine.host_files();
    assert!(files.exists("/root/kept") && !files.exists("/tmp/gone"));
}
