//! `kubectl create cronjob`.

use serde_json::json;

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[
    flag("image", Kind::Text, "", "Image to run."),
    flag("schedule", Kind::Text, "", "When to run, in cron format."),
    flag("restart", Kind::Text, "", "Restart policy: OnFailure or Never."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "cronjob"],
    aliases: &["cj"],
    usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
    short: "Create a cron job with the specified name",
    long: "",
    examples: "kubectl create cronjob hello --image=busybox --schedule='*/5 * * * *' -- date",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["image", "schedule"])?;
    let name = create::name(cx)?;
    let command = cx.flags.dash.map(|at| cx.flags.args[at..].to_vec()).unwrap_or_default();
    let mut container = json!({"image": cx.flags.text("image"), "name": name, "resources": {}});
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    let restart = cx.flags.given("restart").unwrap_or("OnFailure");
    let resource = builtin("batch", "v1", "cronjobs", "CronJob", true);
    let mut object = create::object(&resource, &name);
    object["spec"] = json!({
        "jobTemplate": {
            "metadata": {"name": name},
            "spec": {"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}}},
        },
        "schedule": cx.flags.text("schedule"),
    });
    object["status"] = json!({});
    create::submit(cx, &resource, object, "cronjob").await
}
