//! Boots a cluster, lets it run, and runs commands on the control plane: `inspect SECONDS 'command' …`.
use kubesim::{Cluster, Config, Time, World};

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().and_then(|s| s.parse().ok()).unwrap_or(60);
    let commands: Vec<String> = args.collect();
    let config = Config { seed: 1, workers: 3, now: "2026-11-24T10:00:00Z".parse().expect("time") };
    let cluster = Cluster::wake(World::new(&config).expect("world"), Time::Stepped).expect("wake");
    cluster
        .run(move |sim| async move {
            for machine in sim.nodes() {
                machine.boot();
            }
            let s2 = sim.clone();
            tokio::spawn(async move {
                let r = kubesim::bootstrap(s2.clone()).await;
                eprintln!(
                    "bootstrap at {}: {}",
                    s2.now(),
                    r.map_err(|e| e.to_string().chars().take(600).collect::<String>()).err().unwrap_or("ok".into())
                );
            });
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
            eprintln!("now {}", sim.now());
            for command in commands {
                // A command may name its node: `worker-2:systemctl status kubelet`.
                let named = command.split_once(':').filter(|(node, _)| sim.machine(node).is_some());
                let (node, script) = named.unwrap_or(("control-plane", &command));
                let Some(machine) = sim.machine(node).cloned() else { continue };
                let Ok(mut shell) = machine.open_shell("root", node::machine::Input::empty(), None).await else { panic!("no shell") };
                println!("\n{node}# {script}");
                let (status, stdout, stderr) = shell.run(script).await;
                println!("{stdout}{stderr}[{}]", status.code());
            }
        })
        .await
        .expect("run");
}
