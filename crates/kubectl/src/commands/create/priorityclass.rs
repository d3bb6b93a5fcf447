//! `kubectl create priorityclass`.

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[
    flag("value", Kind::Int, "0", "The priority."),
    flag("global-default", Kind::Bool, "false", "Use it for pods that name no class."),
    flag("description", Kind::Text, "", "What it is for."),
    flag("preemption-policy", Kind::Text, "PreemptLowerPriority", "PreemptLowerPriority or Never."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "priorityclass"],
    aliases: &["pc"],
    usage: "NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]",
    short: "Create a priority class with the specified name",
    long: "",
    examples: "kubectl create priorityclass high --value=1000 --description='important'",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let name = create::name(cx)?;
    let resource = builtin("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false);
    let mut object = create::object(&resource, &name);
    object["value"] = cx.flags.int("value").into();
    if cx.flags.on("global-default") {
        object["globalDefault"] = true.into();
    }
    if let Some(text) = cx.flags.given("description") {
        object["description"] = text.into();
    }
    object["preemptionPolicy"] = cx.flags.text("preemption-policy").into();
    create::submit(cx, &resource, object, "priorityclass").await
}
