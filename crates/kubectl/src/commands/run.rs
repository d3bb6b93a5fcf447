//! `kubectl run`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, object};
use crate::commands::exec::terminal;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{self, DRY_RUN, DryRun, SAVE_CONFIG, builtin};
use crate::pods;
use crate::print::{OUTPUT, Printer};
use crate::resources::args::Info;
use crate::streams::{Remote, connect};

const FLAGS: &[Flag] = &[
    flag("image", Kind::Text, "", "Image to run."),
    flag("port", Kind::Text, "", "Port that the container exposes."),
    flag("env", Kind::Array, "", "Environment variable: name=value; may be repeated."),
    short("labels", 'l', Kind::Text, "", "Labels of the pod, comma-separated."),
    flag("annotations", Kind::Array, "", "Annotation: key=value; may be repeated."),
    flag("restart", Kind::Text, "Always", "Restart policy: Always, OnFailure, Never."),
    flag("command", Kind::Bool, "false", "What follows -- is the command, not its arguments."),
    flag("image-pull-policy", Kind::Text, "", "Always, IfNotPresent or Never."),
    flag("privileged", Kind::Bool, "false", "Run the container privileged."),
    flag("expose", Kind::Bool, "false", "Create a ClusterIP service too; needs --port."),
    flag("overrides", Kind::Text, "", "JSON that is merged into the pod."),
    flag("override-type", Kind::Text, "merge", "merge, json or strategic."),
    short("stdin", 'i', Kind::Bool, "false", "Attach to the pod and pass standard input on."),
    short("tty", 't', Kind::Bool, "false", "Give the container a terminal."),
    flag("attach", Kind::Bool, "false", "Wait for the pod and attach to it."),
    flag("leave-stdin-open", Kind::Bool, "false", "Keep the container's input open after the first client left."),
    flag("rm", Kind::Bool, "false", "Delete the pod when it is over."),
    short("quiet", 'q', Kind::Bool, "false", "Print only what the container prints."),
    flag("field-manager", Kind::Text, "kubectl-run", "Name of the manager that tracks field ownership."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for the running pod."),
    flag("grace-period", Kind::Int, "-1", "Used with --rm."),
    flag("force", Kind::Bool, "false", "Used with --rm."),
    flag("timeout", Kind::Duration, "0s", "Used with --rm."),
    flag("wait", Kind::Bool, "false", "Used with --rm."),
    flag("cascade", Kind::Optional("background"), "background", "Used with --rm."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["run"],
    aliases: &[],
    usage: "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]",
    short: "Run a particular image on the cluster",
    long: "Create a pod that runs an image.",
    examples: "kubectl run web --image=nginx --port=80\nkubectl run tmp --image=busybox --rm -it --restart=Never -- sh\nkubectl run web --image=nginx --dry-run=client -o yaml > pod.yaml",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["image"])?;
    let (name, args) = match cx.flags.args.split_first() {
        Some((name, args)) if cx.flags.dash != Some(0) => (name.clone(), args.to_vec()),
        _ => return Err(cx.usage_error("NAME is required for run")),
    };
    let dry_run = DryRun::of(cx).await?;
    let image = cx.flags.text("image");
    if image.is_empty() {
        return Err(Error::message("--image is required"));
    }
    if image.contains(char::is_whitespace) || image.chars().any(|c| c.is_ascii_uppercase()) && !image.contains('/') && !image.contains(':')
    {
        return Err(Error::message(format!("Invalid image name {image:?}: invalid reference format")));
    }
    if cx.flags.on("tty") && !cx.flags.on("stdin") {
        return Err(Error::message("-i/--stdin is required for containers with -t/--tty=true"));
    }
    if cx.flags.on("expose") && cx.flags.text("port").is_empty() {
        return Err(Error::message("--port must be set when exposing a service"));
    }
    let attach = if cx.flags.changed("attach") { cx.flags.on("attach") } else { cx.flags.on("stdin") };
    let remove = cx.flags.on("rm");
    if remove && !attach {
        return Err(Error::message("--rm should only be used for attached containers"));
    }
    if attach && dry_run != DryRun::None {
        return Err(Error::message(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    let restart = cx.flags.text("restart");
    if !["Always", "OnFailure", "Never"].contains(&restart) {
        return Err(cx.usage_error(format!("invalid restart policy: {restart}")));
    }
    let pods_resource = builtin("", "v1", "pods", "Pod", true);
    let mut pod = build(cx, &name, image, restart, &args)?;
    if let Some(text) = cx.flags.given("overrides") {
        let change: Value = serde_json::from_str(text).map_err(|_| Error::message("Invalid JSON Patch"))?;
        match cx.flags.text("override-type") {
            "json" => {
                let operations: json_patch::Patch = serde_json::from_value(change).map_err(|e| Error::message(e.to_string()))?;
                json_patch::patch(&mut pod, &operations).map_err(|e| Error::message(e.to_string()))?;
            }
            "merge" => json_patch::merge(&mut pod, &change),
            other => return Err(Error::message(format!("--override-type={other} is not supported by this kubectl; use merge or json"))),
        }
    }
    if cx.namespace_enforced() {
        pod["metadata"]["namespace"] = cx.namespace()?.into();
    }
    if cx.flags.on("save-config") {
        operation::annotate_last_applied(&mut pod);
    }
    if cx.flags.on("expose") {
        expose(cx, &name, &pod, dry_run).await?;
    }
    let namespace = cx.namespace()?;
    if dry_run != DryRun::Client {
        let path = format!("{}{}", pods_resource.collection(Some(&namespace)), operation::write_query(cx, dry_run, "kubectl-run")?);
        pod = cx.post(&path, &pod).await?;
    }
    if attach {
        let info = Info { resource: std::sync::Arc::new(pods_resource), namespace: Some(namespace), name, object: pod, source: None };
        let result = follow(cx, &info).await;
        if remove {
            cx.delete(&info.path(), &json!({"propagationPolicy": "Background"}))
                .await
                .map(|_| ())
                .or_else(|e| if e.is_not_found() { Ok(()) } else { Err(e) })?;
            if !cx.flags.on("quiet") {
                cx.println(format!("pod {:?} deleted from {} namespace", info.name, info.namespace.as_deref().unwrap_or_default())).await?;
            }
        }
        return result;
    }
    operation::announce(cx, &pod, "created", dry_run).await
}

fn build(cx: &Context, name: &str, image: &str, restart: &str, args: &[String]) -> Result<Value, Error> {
    let mut labels = serde_json::Map::new();
    for part in cx.flags.text("labels").split(',').filter(|p| !p.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| Error::message(format!("unexpected label spec: {part}")))?;
        labels.insert(key.to_owned(), value.into());
    }
    if labels.is_empty() {
        labels.insert("run".to_owned(), name.into());
    }
    let mut pod = object(&builtin("", "v1", "pods", "Pod", true), name);
    pod["metadata"]["labels"] = Value::Object(labels);
    for part in cx.flags.list("annotations") {
        let (key, value) = part.split_once('=').ok_or_else(|| Error::message(format!("invalid annotation format: {part}")))?;
        pod["metadata"]["annotations"][key] = value.into();
    }
    let mut container = json!({"image": image, "name": name, "resources": {}});
    if !args.is_empty() {
        container[if cx.flags.on("command") { "command" } else { "args" }] = json!(args);
    }
    let mut env = Vec::new();
    for text in cx.flags.list("env") {
        let (key, value) =
            text.split_once('=').filter(|(k, _)| !k.is_empty()).ok_or_else(|| Error::message(format!("invalid env: {text}")))?;
        env.push(json!({"name": key, "value": value}));
    }
    if !env.is_empty() {
        container["env"] = Value::Array(env);
    }
    if let Some(policy) = cx.flags.given("image-pull-policy") {
        if !["Always", "IfNotPresent", "Never"].contains(&policy) {
            return Err(Error::message(format!("invalid image pull policy: {policy}")));
        }
        container["imagePullPolicy"] = policy.into();
    }
    if let Some(port) = cx.flags.given("port") {
        let number: i32 = port.parse().map_err(|_| Error::message(format!("strconv.ParseInt: parsing {port:?}: invalid syntax")))?;
        container["ports"] = json!([{"containerPort": number}]);
    }
    if cx.flags.changed("privileged") {
        container["securityContext"] = json!({"privileged": cx.flags.on("privileged")});
    }
    if cx.flags.on("stdin") {
        container["stdin"] = true.into();
        if !cx.flags.on("leave-stdin-open") {
            container["stdinOnce"] = true.into();
        }
    }
    if cx.flags.on("tty") {
        container["tty"] = true.into();
    }
    pod["spec"] = json!({"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart});
    pod["status"] = json!({});
    Ok(pod)
}

async fn expose(cx: &Context, name: &str, pod: &Value, dry_run: DryRun) -> Result<(), Error> {
    let resource = builtin("", "v1", "services", "Service", true);
    let mut service = object(&resource, name);
    let port: i64 = cx.flags.text("port").parse().unwrap_or_default();
    service["spec"] = json!({
        "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
        "selector": pod["metadata"]["labels"],
    });
    service["status"] = json!({"loadBalancer": {}});
    if cx.namespace_enforced() {
        service["metadata"]["namespace"] = cx.namespace()?.into();
    }
    if dry_run != DryRun::Client {
        let path = format!("{}{}", resource.collection(Some(&cx.namespace()?)), operation::write_query(cx, dry_run, "kubectl-run")?);
        service = cx.post(&path, &service).await?;
    }
    if let Some(printer) = Printer::of(cx, false)? {
        operation::print_one(cx, &printer, &service).await
    } else {
        operation::announce(cx, &service, "created", dry_run).await
    }
}

/// Waits until the pod runs or is over, then attaches, or prints the log of what is over already.
async fn follow(cx: &Context, info: &Info) -> Result<(), Error> {
    let wait = async {
        loop {
            let pod = cx.get(&info.path()).await?;
            match pod["status"]["phase"].as_str() {
                Some("Running" | "Succeeded" | "Failed") => return Ok::<Value, Error>(pod),
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    };
    let limit = cx.flags.duration("pod-running-timeout");
    let pod = tokio::time::timeout(limit, wait).await.unwrap_or_else(|_| Err(Error::message("timed out waiting for the condition")))?;
    let running = Info { object: pod, ..info.clone() };
    let container = pods::containers(&running.object).first().map(|(n, _)| n.clone()).unwrap_or_default();
    if running.object["status"]["phase"] == "Running" {
        let (stdin, tty) = terminal(cx).await?;
        if !cx.flags.on("quiet") && stdin && tty {
            cx.eprintln("All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.").await?;
        }
        connect(cx, &running, &container, Remote::Attach, stdin, tty).await?;
    } else {
        let mut chunks = cx.stream(&format!("{}/log?container={container}", running.path()), "*/*").await?;
        while let Some(data) = chunks.next().await? {
            cx.print(String::from_utf8_lossy(&data)).await?;
        }
    }
    if cx.flags.text("restart") == "Always" {
        return Ok(());
    }
    let over = cx.get(&running.path()).await?;
    let code = over["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].as_i64().unwrap_or(0);
    if code == 0 {
        return Ok(());
    }
    cx.eprintln(format!(
        "pod {}/{} terminated ({})",
        running.namespace.as_deref().unwrap_or_default(),
        running.name,
        over["status"]["containerStatuses"][0]["state"]["terminated"]["reason"].as_str().unwrap_or("Error")
    ))
    .await?;
    Err(Error::Exit(i32::try_from(code).unwrap_or(1)))
}
