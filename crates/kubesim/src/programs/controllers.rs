//! kube-controller-manager and kube-scheduler: flags, kubeconfig and files, then the component itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use component::kubeconfig::Kubeconfig;
use component::{Generator, Target};
use controlplane::{Context, ControllerManagerOptions, Exit, SchedulerOptions, Shared};
use futures::future::BoxFuture;
use node::machine::{ExitStatus, ProcessContext, Program};
use node::network::ServerTls;

use super::{files, health};

/// The program kube-controller-manager.
pub struct KubeControllerManager {
    /// What it remembers; part of the World.
    pub memory: Shared,
    /// Seed of the World.
    pub seed: u64,
}

/// The program kube-scheduler.
pub struct KubeScheduler {
    /// What it remembers; part of the World.
    pub memory: Shared,
    /// Seed of the World.
    pub seed: u64,
}

impl Program for KubeControllerManager {
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus> {
        let (memory, seed) = (self.memory.clone(), self.seed);
        Box::pin(async move {
            const NAME: &str = "kube-controller-manager";
            let mut options = match ControllerManagerOptions::parse(context.argv.get(1..).unwrap_or_default()) {
                Ok(options) => options,
                Err(error) => return refuse(&context, &error.to_string()),
            };
            let prepared = (|| {
                let text = |flag: &str| -> Result<Option<String>, String> {
                    let path = options.flag(flag).filter(|path| !path.is_empty());
                    path.map(|path| files::read(&context, path).map(|data| String::from_utf8_lossy(&data).into_owned())).transpose()
                };
                let pems = (text("root-ca-file")?, text("cluster-signing-cert-file")?, text("cluster-signing-key-file")?);
                text("service-account-private-key-file")?;
                text("client-ca-file")?;
                let target = kubeconfig(&context, options.flag("kubeconfig"))?;
                let health = listen(&context, NAME, options.flag("bind-address"), options.flag("secure-port"), 10257)?;
                Ok::<_, String>((pems, target, health))
            })();
            let ((root, cert, key), target, health) = match prepared {
                Ok(prepared) => prepared,
                Err(error) => return fail(&context, &error),
            };
            (options.root_ca_pem, options.signing_cert_pem, options.signing_key_pem) = (root, cert, key);
            let component = controlplane::controller_manager(surroundings(&context, target, options, seed, NAME), memory);
            run(component, health).await
        })
    }
}

impl Program for KubeScheduler {
    fn run(&self, context: ProcessContext) -> BoxFuture<'static, ExitStatus> {
        let (memory, seed) = (self.memory.clone(), self.seed);
        Box::pin(async move {
            const NAME: &str = "kube-scheduler";
            let options = match SchedulerOptions::parse(context.argv.get(1..).unwrap_or_default()) {
                Ok(options) => options,
                Err(error) => return refuse(&context, &error.to_string()),
            };
            let prepared = kubeconfig(&context, options.flag("kubeconfig")).and_then(|target| {
                let health = listen(&context, NAME, options.flag("bind-address"), options.flag("secure-port"), 10259)?;
                Ok((target, health))
            });
            let (target, health) = match prepared {
                Ok(prepared) => prepared,
                Err(error) => return fail(&context, &error),
            };
            run(controlplane::scheduler(surroundings(&context, target, options, seed, NAME), memory), health).await
        })
    }
}

/// A command line that pflag refuses.
fn refuse(context: &ProcessContext, error: &str) -> ExitStatus {
    context.stderr.write_now(format!("Error: {error}\n").as_bytes());
    ExitStatus::FAILURE
}

/// A start that fails later (component-base, `cli/run.go`).
fn fail(context: &ProcessContext, error: &str) -> ExitStatus {
    context.klog().error("run.go:72", error, "command failed", &[]);
    ExitStatus::FAILURE
}

async fn run(component: impl Future<Output = Exit>, health: node::network::Listener) -> ExitStatus {
    tokio::select! {
        biased;
        exit = component => ExitStatus::from(exit.code),
        () = health::serve(health) => ExitStatus::FAILURE,
    }
}

fn kubeconfig(context: &ProcessContext, path: Option<&str>) -> Result<Target, String> {
    let path = path.filter(|path| !path.is_empty()).ok_or("invalid configuration: no configuration has been provided")?;
    // client-go's clientcmd says `stat`, not `open`.
    let data = context.files.read(path).map_err(|errno| format!("stat {path}: {}", errno.go()))?;
    let read = |file: &str| context.files.read(file).map(|data| data.to_vec()).map_err(|errno| errno.go());
    Kubeconfig::parse(path, &data).and_then(|config| config.target(None, &read)).map_err(|e| e.to_string())
}

fn listen(
    context: &ProcessContext,
    program: &str,
    address: Option<&str>,
    port: Option<&str>,
    default_port: u16,
) -> Result<node::network::Listener, String> {
    let ip = address.and_then(|a| a.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let port = port.and_then(|p| p.parse().ok()).unwrap_or(default_port);
    // Its certificate is self-signed and made in memory; only probes, which verify nothing, ever see it.
    health::listen(context, program, SocketAddr::new(ip, port), Some(ServerTls::default()))
        .map_err(|e| format!("failed to create listener: failed to listen on {ip}:{port}: {e}"))
}

fn surroundings<O>(context: &ProcessContext, target: Target, options: O, seed: u64, name: &str) -> Context<O> {
    Context {
        clock: context.machine.clock(),
        dialer: context.machine.network().clone(),
        origin: context.origin.clone(),
        target,
        clients: None,
        options,
        hostname: context.machine.name(),
        generator: Generator::for_part(seed, name),
        resumed: context.resumed,
        decoded: context.machine.network().decoded().clone(),
        log: context.klog(),
    }
}
