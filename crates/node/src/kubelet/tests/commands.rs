//! `crictl` on a machine with pods, and what a stopped runtime leaves running.

use serde_json::json;

use super::World;

async fn run(world: &World, script: &str) -> String {
    let mut shell = world.machine.open_shell("root", crate::machine::Input::empty(), None).await.expect("a shell");
    let (status, out, err) = shell.run(script).await;
    format!("{out}{err}{}", if status.success() { String::new() } else { format!("[exit {}]\n", status.code()) })
}

#[tokio::test(start_paused = true)]
async fn crictl_shows_what_runs_and_why_it_cannot() {
    let world = World::new().await;
    world.pass(12).await;
    world.create_pod("web", json!({"containers": [{"name": "nginx", "image": "nginx:1.27"}]}));
    world.pass(20).await;
    let ps = run(&world, "crictl ps").await;
    let lines: Vec<&str> = ps.lines().collect();
    assert_eq!(
        lines[0],
        "CONTAINER           IMAGE               CREATED             STATE               NAME                ATTEMPT             POD ID              POD                 NAMESPACE"
    );
    assert!(
        lines[1].contains(" seconds ago      Running             nginx               0                   ")
            && lines[1].ends_with("web                 default"),
        "{ps}"
    );
    assert!(
        run(&world, "crictl pods")
            .await
            .contains("Ready               web                 default             0                   (default)")
    );
    assert!(run(&world, "crictl images").await.contains("docker.io/library/nginx"));
    assert!(run(&world, "crictl logs --tail 1 $(crictl ps -q)").await.contains("start worker process"));
    assert_eq!(run(&world, "crictl exec $(crictl ps -q) cat /etc/hostname").await, "web\n");
    let missing = run(&world, "crictl logs nosuch").await;
    assert!(
        missing.contains(
            "level=fatal msg=\"rpc error: code = NotFound desc = an error occurred when try to find container \\\"nosuch\\\": not found\""
        ),
        "{missing}"
    );
    world.systemctl(&["stop", "containerd"]).await;
    let dead = run(&world, "crictl ps").await;
    assert!(
        dead.ends_with("level=fatal msg=\"validate service connection: validate CRI v1 runtime API for endpoint \\\"unix:///run/containerd/containerd.sock\\\": rpc error: code = Unavailable desc = connection error: desc = \\\"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory\\\"\"\n[exit 1]\n"),
        "{dead}"
    );
    // The shims hold the containers.
    assert!(run(&world, "ps -ef").await.contains("nginx: master process nginx -g daemon off;"));
    world.systemctl(&["start", "containerd"]).await;
    assert!(run(&world, "crictl ps").await.contains("Running             nginx               0 "));
}
