//! `crictl`: the command line of the container runtime interface.

mod exec;
mod format;
mod images;
mod inspect;
mod lists;
mod logs;
mod options;

use std::time::Duration;

use super::cri::{CONTAINERD_VERSION, Cri, CriError};
use crate::machine::{ExitStatus, ProcessContext};
use options::Options;

const USAGE: &str = "NAME:\n   crictl - client for CRI\n\nUSAGE:\n   crictl [global options] command [command options]\n\nCOMMANDS:\n   attach              Attach to a running container\n   exec                Run a command in a running container\n   version             Display runtime version information\n   images, image, img  List images\n   inspect             Display the status of one or more containers\n   inspecti            Return the status of one or more images\n   inspectp            Display the status of one or more pods\n   logs                Fetch the logs of a container\n   pods                List pods\n   ps                  List containers\n   pull                Pull an image from a registry\n   rm                  Remove one or more containers\n   rmi                 Remove one or more images\n   rmp                 Remove one or more pods\n   start               Start one or more created containers\n   info                Display information of the container runtime\n   stop                Stop one or more running containers\n   stopp               Stop one or more running pods\n   stats               List container(s) resource usage statistics\n   help, h             Shows a list of commands or help for one command\n";

/// A failure that ends the command: what follows `msg=`.
pub(super) type Failure = String;

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::parse(&context.argv[1..]) {
        Ok(options) => options,
        Err(message) => return fatal(&context, &message),
    };
    if matches!(options.command.as_str(), "" | "help" | "h") || options.flag("help") {
        context.stdout.write_now(USAGE.as_bytes());
        return ExitStatus::SUCCESS;
    }
    if options.flag("version") && options.command.is_empty() {
        context.stdout.write_now(b"crictl version v1.35.0\n");
        return ExitStatus::SUCCESS;
    }
    match dispatch(&context, &options).await {
        Ok(status) => status,
        Err(message) => fatal(&context, &message),
    }
}

fn fatal(context: &ProcessContext, message: &str) -> ExitStatus {
    let now = context.machine.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let quoted = message.replace('\\', "\\\\").replace('"', "\\\"");
    context.stderr.write_now(format!("time=\"{now}\" level=fatal msg=\"{quoted}\"\n").as_bytes());
    ExitStatus::FAILURE
}

/// The endpoint: flag, environment, `/etc/crictl.yaml`, default.
fn endpoint(context: &ProcessContext, options: &Options) -> Result<String, Failure> {
    if let Some(endpoint) = options.global("runtime-endpoint").or_else(|| context.env.get("CONTAINER_RUNTIME_ENDPOINT").cloned()) {
        return Ok(endpoint);
    }
    let path = options.global("config").unwrap_or_else(|| "/etc/crictl.yaml".to_owned());
    let Ok(text) = context.files.read_text(&path) else { return Ok("unix:///run/containerd/containerd.sock".to_owned()) };
    let config = component::yaml::to_json(&text).map_err(|error| format!("load config file: {error}"))?;
    Ok(config["runtime-endpoint"]
        .as_str()
        .filter(|endpoint| !endpoint.is_empty())
        .unwrap_or("unix:///run/containerd/containerd.sock")
        .to_owned())
}

async fn dispatch(context: &ProcessContext, options: &Options) -> Result<ExitStatus, Failure> {
    let endpoint = endpoint(context, options)?;
    let shown = if endpoint.contains("://") { endpoint.clone() } else { format!("unix://{endpoint}") };
    let cri = Cri::new(&context.machine, &endpoint);
    // Every command first asks for the version.
    let api =
        if matches!(options.command.as_str(), "images" | "image" | "img" | "pull" | "rmi" | "inspecti") { "image" } else { "runtime" };
    cri.version().map_err(|error| format!("validate service connection: validate CRI v1 {api} API for endpoint \"{shown}\": {error}"))?;
    let print = |text: &str| {
        context.stdout.write_now(text.as_bytes());
        Ok(ExitStatus::SUCCESS)
    };
    let text = |error: CriError| error.to_string();
    match options.command.as_str() {
        "ps" => print(&lists::containers(&cri, options).map_err(text)?),
        "pods" => print(&lists::pods(&cri, options).map_err(text)?),
        "images" | "image" | "img" => print(&images::list(&cri, options).map_err(text)?),
        "version" => print(&format!(
            "Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  {CONTAINERD_VERSION}~ds1\nRuntimeApiVersion:  v1\n"
        )),
        "info" => print(&inspect::info(&cri)?),
        "inspect" => print(&inspect::containers(&cri, options)?),
        "inspectp" => print(&inspect::pods(&cri, options)?),
        "inspecti" => print(&inspect::images(&cri, options)?),
        "stats" => print(&lists::stats(&cri, options).map_err(text)?),
        "logs" => logs::run(context, &cri, options).await,
        "exec" => exec::run(context, &cri, options).await,
        "pull" => {
            let [name] = options.arguments.as_slice() else { return Err("Image reference should be specified".to_owned()) };
            let id = cri.pull_image(name).await.map_err(|error| format!("pulling image: {}", strip(&error)))?;
            let digest = cri.image(&id).map_err(text)?.and_then(|image| image.digests.first().cloned()).unwrap_or(id);
            print(&format!("Image is up to date for {digest}\n"))
        }
        "rmi" => images::remove(context, &cri, options),
        "stop" => {
            each(context, options, "container", |id| {
                let grace = options.value("timeout").and_then(|text| text.parse().ok()).unwrap_or(0);
                let cri = cri.clone();
                async move {
                    let container = cri.container(&id).map_err(|error| format!("stopping the container \"{id}\": {error}"))?;
                    cri.stop_container(&container.id, Duration::from_secs(grace)).await.map_err(|error| error.to_string())?;
                    Ok(id)
                }
            })
            .await
        }
        "start" => {
            each(context, options, "container", |id| {
                let cri = cri.clone();
                async move {
                    let container = cri.container(&id).map_err(|error| format!("starting the container \"{id}\": {error}"))?;
                    cri.start_container(&container.id).await.map_err(|error| format!("starting the container \"{id}\": {error}"))?;
                    Ok(id)
                }
            })
            .await
        }
        "rm" => {
            let force = options.flag("force");
            each(context, options, "container", |id| {
                let cri = cri.clone();
                async move {
                    let container = cri.container(&id).map_err(|error| format!("removing container \"{id}\": {error}"))?;
                    if container.pid.is_some() && !force {
                        return Err(format!("container \"{id}\" is running, please stop it first"));
                    }
                    cri.remove_container(&container.id).map_err(|error| error.to_string())?;
                    Ok(id)
                }
            })
            .await
        }
        "stopp" => {
            each(context, options, "pod", |id| {
                let cri = cri.clone();
                async move {
                    let sandbox = cri.sandbox(&id).map_err(|error| format!("stopping the pod sandbox \"{id}\": {error}"))?;
                    cri.stop_sandbox(&sandbox.id).map_err(|error| error.to_string())?;
                    Ok(format!("Stopped sandbox {id}"))
                }
            })
            .await
        }
        "rmp" => {
            let force = options.flag("force");
            each(context, options, "pod", |id| {
                let cri = cri.clone();
                async move {
                    let sandbox = cri.sandbox(&id).map_err(|error| format!("removing the pod sandbox \"{id}\": {error}"))?;
                    if sandbox.pid.is_some() && !force {
                        return Err(format!("pod sandbox \"{id}\" is running, please stop it first"));
                    }
                    cri.remove_sandbox(&sandbox.id).map_err(|error| error.to_string())?;
                    Ok(format!("Removed sandbox {id}"))
                }
            })
            .await
        }
        "attach" | "run" | "create" | "runp" | "port-forward" | "update" | "statsp" | "metricsp" | "checkpoint" | "events" | "config"
        | "completion" => Err(format!("crictl {} is not simulated", options.command)),
        other => {
            context.stdout.write_now(format!("No help topic for '{other}'\n").as_bytes());
            Ok(ExitStatus::Code(3))
        }
    }
}

/// Runs something for each argument; prints what each gives, goes on after a failure.
async fn each<F, Fut>(context: &ProcessContext, options: &Options, what: &str, action: F) -> Result<ExitStatus, Failure>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<String, String>>,
{
    if options.arguments.is_empty() {
        return Err(format!("ID cannot be empty: no {what} given"));
    }
    let mut status = ExitStatus::SUCCESS;
    for id in &options.arguments {
        match action(id.clone()).await {
            Ok(line) => context.stdout.write_now(format!("{line}\n").as_bytes()),
            Err(message) => status = fatal(context, &message),
        }
    }
    Ok(status)
}

/// The remote image service strips the code of unknown errors.
fn strip(error: &CriError) -> String {
    if error.code == "Unknown" { error.message.clone() } else { error.to_string() }
}

/// What the client library logs about a failed call, before the command's own message.
fn library_error(context: &ProcessContext, place: &str, message: &str, error: &CriError, field: &str, id: &str) {
    context.klog().error(place, &error.to_string(), message, &[(field, id.into())]);
}
