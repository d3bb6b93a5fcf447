use std::time::Duration;

use crate::machine::Output;
use crate::shell::Io;
use crate::testing::{run, shell};

#[tokio::test(start_paused = true)]
async fn lines_as_people_write_them() {
    let mut shell = shell().await;
    for (script, want) in [
        ("echo hello", "hello\n"),
        ("whoami; id; pwd; hostname", "root\nuid=0(root) gid=0(root) groups=0(root)\n/root\nworker-2\n"),
        ("cd /etc/kubernetes; pwd", "/etc/kubernetes\n"),
        ("pwd", "/etc/kubernetes\n"),
        ("ls", "kubelet.conf\nmanifests\npki\n"),
        ("cat /etc/hostname | tr a-z A-Z", "WORKER-2\n"),
        ("cd; X=5; f() { echo \"f $1 $X\"; }; f a", "f a 5\n"),
        ("echo a > /tmp/x; echo b >> /tmp/x; cat /tmp/x; wc -l < /tmp/x", "a\nb\n2\n"),
        ("for i in 1 2 3; do echo -n $i; done; echo", "123\n"),
        ("grep -c root /etc/passwd", "1\n"),
        ("sed -i 's/^a$/A/' /tmp/x && head -1 /tmp/x", "A\n"),
        ("cat <<EOF > /tmp/y\nline $X\nEOF\ncat /tmp/y", "line 5\n"),
        ("ls /nope", "ls: cannot access '/nope': No such file or directory\n[exit 2]\n"),
        ("echo $? ${?}", "2 2\n"),
        ("cat /nope", "cat: /nope: No such file or directory\n[exit 1]\n"),
        ("foo", "bash: foo: command not found\n[exit 127]\n"),
        ("grpe x", "bash: grpe: command not found\n[exit 127]\n"),
        ("/usr/bin/whoami", "root\n"),
        ("/bin/grep -c root /etc/passwd", "1\n"),
        ("which systemctl grep", "/usr/bin/systemctl\n/usr/bin/grep\n"),
        ("echo $?", "0\n"),
        ("false; echo $?", "1\n"),
        ("printf '#!/bin/bash\\necho script $1\\n' > /usr/local/bin/s; chmod +x /usr/local/bin/s; s one", "script one\n"),
        ("mkdir -p /opt/a/b && cp /etc/hostname /opt/a/b/ && mv /opt/a/b/hostname /opt/a/h && find /opt/a", "/opt/a\n/opt/a/b\n/opt/a/h\n"),
        ("stat -c '%U %G %a %n' /etc/kubernetes/kubelet.conf", "root root 600 /etc/kubernetes/kubelet.conf\n"),
        ("chown candidate:candidate /tmp/y; chmod 640 /tmp/y; stat -c '%U:%G %a' /tmp/y", "candidate:candidate 640\n"),
        ("sudo whoami; sudo -u candidate whoami", "root\ncandidate\n"),
        ("sudo -u candidate cat /etc/kubernetes/kubelet.conf", "cat: /etc/kubernetes/kubelet.conf: Permission denied\n[exit 1]\n"),
        ("echo x | tee /tmp/t1 /tmp/t2; cat /tmp/t2", "x\nx\n"),
        ("date -u +%F", "2026-11-24\n"),
        ("uname -sr", "Linux 6.1.0-30-amd64\n"),
        ("seq 3 | tail -1", "3\n"),
        ("echo '{\"a\": 1}' | jq .a", "1\n"),
        ("sysctl net.ipv4.ip_forward", "net.ipv4.ip_forward = 1\n"),
        ("echo 0 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward", "0\n"),
        ("getent hosts worker-2", "172.18.0.5      worker-2\n"),
        ("timeout 2 sleep 10; echo $?", "124\n"),
        ("sleep 3600; date +%H", "07\n"),
        ("alias k=kubectl; alias ll='ls -d'", ""),
        ("ll /etc", "/etc\n"),
        ("umask; umask 077; touch /tmp/z; stat -c %a /tmp/z", "0022\n600\n"),
        ("man ls", "No manual entry for ls\n[exit 16]\n"),
        ("swapon --show; echo $?", "0\n"),
        ("ls -la /etc/kubernetes/manifests | tail -1 | cut -c1-10", "drwxr-xr-x\n"),
        ("for i in a b; do sleep 1; echo $i; done | cat", "a\nb\n"),
        ("true | tail -1; cat /dev/null | tail -n 2", ""),
        ("echo one two | awk '{print $2}' | xargs echo got", "got two\n"),
        ("mkdir /tmp/to; tar cf /tmp/h.tar -C /etc hostname; sudo tar -xmf /tmp/h.tar -C /tmp/to; cat /tmp/to/hostname", "worker-2\n"),
        ("df -h /dev/shm", "Filesystem      Size  Used Avail Use% Mounted on\ntmpfs           2.0G     0  2.0G   0% /dev/shm\n"),
        ("ps -o pid,comm -p 1", "    PID COMMAND\n      1 systemd\n"),
    ] {
        assert_eq!(run(&mut shell, script).await, want, "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn prompts_logins_and_exit() {
    let mut shell = shell().await;
    assert_eq!(shell.prompt(), "root@worker-2:~# ");
    run(&mut shell, "cd /var/log").await;
    assert_eq!(shell.prompt(), "root@worker-2:/var/log# ");
    run(&mut shell, "sudo -i").await;
    assert_eq!(shell.prompt(), "root@worker-2:~# ");
    run(&mut shell, "exit").await;
    assert_eq!((shell.prompt().as_str(), shell.exited()), ("root@worker-2:/var/log# ", None));
    assert!(run(&mut shell, "ps -ef").await.contains("-bash"));
    run(&mut shell, "exit 3").await;
    assert_eq!(shell.exited(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn control_c_ends_what_runs_and_leaves_the_shell() {
    for script in [
        "sleep 1000",
        "journalctl -f",
        "while true; do sleep 1; done",
        "tail -f /etc/hostname | cat",
        "watch -n 1 date",
        "while true; do :; done",
    ] {
        let mut shell = shell().await;
        let interrupt = shell.interrupter();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            interrupt();
        });
        let io = Io { stdout: Output::null(), stderr: Output::null() };
        let status = tokio::time::timeout(Duration::from_secs(60), shell.execute(script, &io)).await;
        assert_eq!(status.map(|status| status.code()).ok(), Some(130), "{script}");
        assert_eq!(run(&mut shell, "echo still here $?").await, "still here 130\n", "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn output_comes_while_a_command_runs() {
    let mut shell = shell().await;
    let (stdout, out) = Output::buffer();
    let io = Io { stdout, stderr: Output::null() };
    let clock = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        String::from_utf8_lossy(&out.lock().expect("not poisoned")).into_owned()
    });
    shell.execute("echo first; sleep 1; echo second; sleep 5; echo third", &io).await;
    assert_eq!(clock.await.expect("ran"), "first\nsecond\n");
}

#[tokio::test(start_paused = true)]
async fn completion() {
    let mut shell = shell().await;
    run(&mut shell, "cd /etc").await;
    for (line, start, want) in [
        ("systemc", 0, vec!["systemctl"]),
        ("systemctl rest", 10, vec!["restart"]),
        ("systemctl status kube", 17, vec!["kubelet.service"]),
        ("cat /var/lib/kubelet/c", 4, vec!["/var/lib/kubelet/config.yaml"]),
        ("ls kuber", 3, vec!["kubernetes/"]),
        ("journalctl -u contain", 14, vec!["containerd.service"]),
        ("cat hosts | gre", 12, vec!["grep"]),
    ] {
        let got = shell.complete(line, line.len()).await;
        assert_eq!((got.start, got.candidates.iter().map(String::as_str).collect::<Vec<_>>()), (start, want), "{line}");
    }
}

/// A process of a container in which busybox's commands are.
fn in_container(machine: &std::sync::Arc<crate::machine::Machine>, argv: &[&str]) -> crate::machine::Command {
    let now = machine.clock().now();
    machine.write(|state| {
        let mut rootfs = crate::fs::Tree::new(now);
        for name in ["sh", "cat", "echo", "sleep", "ls", "grep", "ps", "kill", "wc"] {
            rootfs.put_program(&format!("/bin/{name}"), name, now).expect("put");
        }
        rootfs.make_dir("/proc", now).expect("made");
        rootfs.put_file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644, now).expect("written");
        state.rootfs.insert("c1".into(), rootfs);
    });
    let mut command = crate::machine::Command::new(argv.iter().copied());
    command.namespace = std::sync::Arc::new(crate::fs::Namespace::container("c1"));
    command.container = Some("c1".to_owned());
    command.env.insert("PATH".to_owned(), "/bin".to_owned());
    command
}

#[tokio::test(start_paused = true)]
async fn commands_in_a_container() {
    let machine = crate::testing::machine().await;
    for (argv, want) in [
        (&["sh", "-c", "echo $0 $1; ls /bin | wc -l", "a", "b"][..], "a b\n9\n"),
        (&["grep", "-c", "root", "/etc/passwd"], "1\n"),
        (&["cat", "/etc/passwd"], "root:x:0:0:root:/root:/bin/sh\n"),
        (&["sh", "-c", "awk; systemctl; exit 4"], "sh: awk: not found\nsh: systemctl: not found\n[exit 4]\n"),
        (&["sh", "-c", "X=1; while [ $X -lt 4 ]; do echo $X; X=$((X+1)); sleep 1; done"], "1\n2\n3\n"),
    ] {
        let mut command = in_container(&machine, argv);
        let (out, text) = Output::buffer();
        command.stdout = out.clone();
        command.stderr = out;
        let status = machine.spawn(command).expect("started").wait().await;
        let code = if status.success() { String::new() } else { format!("[exit {}]\n", status.code()) };
        let text = String::from_utf8_lossy(&text.lock().expect("not poisoned")).into_owned();
        assert_eq!(format!("{text}{code}"), want, "{argv:?}");
    }
    let error = machine.spawn(in_container(&machine, &["bash"])).expect_err("no bash");
    assert_eq!(error.to_string(), "bash: No such file or directory");
}

#[tokio::test(start_paused = true)]
async fn a_container_with_a_loop_costs_little_and_its_first_process_is_deaf_to_term() {
    let machine = crate::testing::machine().await;
    let mut command = in_container(&machine, &["sh", "-c", "while true; do echo tick; sleep 5; done"]);
    command.init = true;
    command.stdio = crate::machine::StdioSpec::CriLog { path: "/var/log/pods/x.log".to_owned() };
    let child = machine.spawn(command).expect("started");
    tokio::time::sleep(Duration::from_secs(900)).await;
    let log = machine.host_files().read_text("/var/log/pods/x.log").expect("a log");
    assert!((180..=181).contains(&log.lines().count()));
    assert!(log.starts_with("2026-11-24T06:31:27.05"), "{}", &log[..60]);
    assert!(log.lines().all(|line| line.ends_with("Z stdout F tick")));
    machine.kill(child.pid(), crate::machine::Signal::Term).expect("sent");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(child.try_wait(), None);
    machine.kill(child.pid(), crate::machine::Signal::Kill).expect("sent");
    assert_eq!(child.wait().await.code(), 137);
    let left = machine.read(|state| state.processes.values().filter(|process| process.container.is_some()).count());
    assert_eq!(left, 0, "a container ends with its first process");
}

/// What a person has typed is read by what runs, up to Ctrl-D, and the rest by whoever reads next.
#[tokio::test(start_paused = true)]
async fn commands_read_what_is_typed() {
    let machine = crate::testing::machine().await;
    for (script, typed, want) in [
        ("read x; echo got $x", "a b\n", "got a b\n"),
        ("read -p 'Name: ' x y; echo $y $x", "a b\n", "b a\nName: "),
        ("read x && grep -n b && read y; echo $x $y $?", "one\nab\nc\nb\n", "1:ab\n3:b\none 1\n"),
        ("while read line; do echo \"<$line>\"; done", "a\nb\n", "<a>\n<b>\n"),
        ("f() { read x; echo $x; }; f; f", "1\n2\n", "1\n2\n"),
        ("echo piped | { read x; echo $x; }; read y; echo $y", "typed\n", "piped\ntyped\n"),
        ("read x < /etc/hostname; read y; echo $x $y", "typed\n", "worker-2 typed\n"),
        ("read -t 5 x; echo $? $x", "in time\n", "0 in time\n"),
        ("read -d : x; echo $x", "a\nb:", "a b\n"),
        ("sort | head -1", "b\na\n", "a\n"),
        ("mapfile -t lines; echo ${#lines[@]} ${lines[1]}", "a\nb\n", "2 b\n"),
        ("cat", "a\n", "a\n"),
        ("wc -l", "b\nc\n", "2\n"),
        ("sh -c 'wc -l'", "b\nc\n", "2\n"),
        ("sh -c 'read x; echo $x; grep -c .'", "a\nb\nc\n", "a\n2\n"),
        ("sh -c 'read x; echo $x; wc -l'", "a\nb\nc\n", "a\n2\n"),
    ] {
        let (writer, stdin) = crate::machine::Input::channel();
        let mut shell = machine.open_shell("root", stdin, Some(crate::machine::Terminal::plain("pts/0"))).await.expect("a shell");
        writer.send(typed.into()).await.expect("read");
        drop(writer);
        assert_eq!(run(&mut shell, script).await, want, "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_input_ends_with_control_c_or_in_time() {
    let machine = crate::testing::machine().await;
    for (script, want) in
        [("read x", 130), ("grep foo", 130), ("mapfile x", 130), ("while read x; do :; done", 130), ("read -t 0.1 x", 142)]
    {
        let (_writer, stdin) = crate::machine::Input::channel();
        let mut shell = machine.open_shell("root", stdin, None).await.expect("a shell");
        let interrupt = shell.interrupter();
        let control_c = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            interrupt();
        });
        let io = Io { stdout: Output::null(), stderr: Output::null() };
        let status = tokio::time::timeout(Duration::from_secs(60), shell.execute(script, &io)).await;
        assert_eq!(status.map(|status| status.code()).ok(), Some(want), "{script}");
        control_c.abort();
        assert_eq!(run(&mut shell, "echo still here").await, "still here\n", "{script}");
    }
}
