//! `kubectl create job`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] =
    &[flag("image", Kind::Text, "", "Image to run."), flag("from", Kind::Text, "", "Cron job to take the template from: cronjob/name.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "job"],
    aliases: &[],
    usage: "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
    short: "Create a job with the specified name",
    long: "",
    examples: "kubectl create job hello --image=busybox -- echo hello\nkubectl create job now --from=cronjob/nightly",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let (image, from) = (cx.flags.text("image"), cx.flags.text("from"));
    let command = cx.flags.dash.map(|at| cx.flags.args[at..].to_vec()).unwrap_or_default();
    if image.is_empty() == from.is_empty() {
        return Err(Error::message("either --image or --from must be specified"));
    }
    if !command.is_empty() && !from.is_empty() {
        return Err(Error::message("cannot specify --from and command"));
    }
    let resource = builtin("batch", "v1", "jobs", "Job", true);
    let mut object = create::object(&resource, &name);
    if from.is_empty() {
        let mut container = json!({"image": image, "name": name, "resources": {}});
        if !command.is_empty() {
            container["command"] = json!(command);
        }
        object["spec"] = json!({"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": "Never"}}});
    } else {
        let cron_job = source(cx, from).await?;
        let template = &cron_job["spec"]["jobTemplate"];
        let mut annotations = template["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), "manual".into());
        object["metadata"]["annotations"] = Value::Object(annotations);
        if let Some(labels) = template["metadata"]["labels"].as_object() {
            object["metadata"]["labels"] = json!(labels);
        }
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job["metadata"]["name"], "uid": cron_job["metadata"]["uid"], "controller": true,
        }]);
        object["spec"] = template["spec"].clone();
    }
    object["status"] = json!({});
    create::submit(cx, &resource, object, "job").await
}

async fn source(cx: &Context, from: &str) -> Result<Value, Error> {
    let Some((kind, name)) = from.split_once('/') else {
        return Err(Error::message(format!("the argument {from:?} must be RESOURCE/NAME")));
    };
    let resource = cx.discovery().await?.find(kind)?;
    if resource.kind != "CronJob" {
        return Err(Error::message(format!(
            "from must be an existing cronjob: unknown object type *{}.{}",
            resource.version, resource.kind
        )));
    }
    cx.get(&resource.object(Some(&cx.namespace()?), name)).await
}
