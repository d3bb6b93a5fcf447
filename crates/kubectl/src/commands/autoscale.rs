//! `kubectl autoscale`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::commands::create;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DRY_RUN, DryRun, SAVE_CONFIG, builtin};
use crate::print::OUTPUT;
use crate::resources::args::Selection;
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[
    flag("min", Kind::Int, "-1", "Fewest replicas."),
    flag("max", Kind::Int, "-1", "Most replicas; required."),
    flag("cpu-percent", Kind::Int, "-1", "Old form of --cpu."),
    flag("cpu", Kind::Text, "", "Target average CPU: a percentage (80%) or a quantity (500m)."),
    flag("memory", Kind::Text, "", "Target average memory: a percentage or a quantity."),
    flag("name", Kind::Text, "", "Name of the autoscaler; the object's own unless given."),
    flag("field-manager", Kind::Text, "", "Name of the manager that tracks field ownership."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["autoscale"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY] [flags]",
    short: "Auto-scale a deployment, replica set, stateful set, or replication controller",
    long: "",
    examples: "kubectl autoscale deployment web --min=2 --max=10 --cpu=80%",
    flags: &[FLAGS, FILENAME, DRY_RUN, SAVE_CONFIG, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["max"])?;
    let (min, max) = (cx.flags.int("min"), cx.flags.int("max"));
    if max < 1 {
        return Err(Error::message(format!("--max=MAXPODS is required and must be at least 1, max: {max}")));
    }
    if max < min {
        return Err(Error::message(format!("--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}")));
    }
    let dry_run = DryRun::of(cx).await?;
    let (infos, errors) = Selection::of(cx).fetch(cx).await?;
    if let Some(error) = Error::collect(errors) {
        return Err(error);
    }
    for info in infos {
        if !info.resource.subresources.iter().any(|(name, _)| name == "scale") {
            return Err(Error::message(format!(
                "cannot autoscale a {}: no matches for kind {:?} in version {:?}",
                info.resource.kind,
                info.resource.kind,
                info.resource.api_version()
            )));
        }
        let resource = builtin("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true);
        let mut object = create::object(&resource, cx.flags.given("name").unwrap_or(&info.name));
        object["spec"] = json!({
            "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": info.resource.api_version(), "kind": info.resource.kind, "name": info.name},
        });
        if min > 0 {
            object["spec"]["minReplicas"] = min.into();
        }
        let mut metrics = Vec::new();
        let percent = cx.flags.int("cpu-percent");
        if cx.flags.changed("cpu-percent") {
            cx.eprintln("Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).").await?;
        }
        let cpu = if percent >= 0 { format!("{percent}%") } else { cx.flags.text("cpu").to_owned() };
        for (name, text) in [("cpu", cpu.as_str()), ("memory", cx.flags.text("memory"))] {
            if text.is_empty() {
                continue;
            }
            let target = match text.strip_suffix('%').map(str::parse::<i64>) {
                Some(Ok(percent)) => json!({"type": "Utilization", "averageUtilization": percent}),
                _ => json!({"type": "AverageValue", "averageValue": text}),
            };
            metrics.push(json!({"type": "Resource", "resource": {"name": name, "target": target}}));
        }
        if !metrics.is_empty() {
            object["spec"]["metrics"] = json!(metrics);
        }
        object["metadata"]["namespace"] = info.namespace.clone().into();
        object["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
        if cx.flags.on("save-config") {
            operation::annotate_last_applied(&mut object);
        }
        if dry_run != DryRun::Client {
            let path =
                format!("{}{}", resource.collection(info.namespace.as_deref()), operation::write_query(cx, dry_run, "kubectl-autoscale")?);
            object = cx.post(&path, &object).await?;
        }
        operation::announce(cx, &object, "autoscaled", dry_run).await?;
    }
    Ok(())
}
