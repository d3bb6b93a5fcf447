//! `kubectl set serviceaccount`.

use crate::command::{Command, Completes};
use crate::commands::set::{MANAGER, each, no_template};
use crate::context::Context;
use crate::error::Error;
use crate::operation::DRY_RUN;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, Selection};
use crate::resources::manifest::FILENAME;
use crate::update::pod_spec;

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "serviceaccount"],
    aliases: &["sa"],
    usage: "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
    short: "Update the service account of a resource",
    long: "",
    examples: "kubectl set serviceaccount deployment web builder",
    flags: &[MANAGER, FILENAME, ALL, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let Some((account, resources)) = cx.flags.args.split_last() else {
        return Err(Error::message("serviceaccount is required"));
    };
    let selection = Selection { args: resources.to_vec(), ..Selection::of(cx) };
    each(cx, &selection, "serviceaccount updated", |info, object| {
        let Some(spec) = pod_spec(object) else {
            return Err(no_template(info));
        };
        spec["serviceAccountName"] = account.clone().into();
        // The deprecated twin follows, or the server would object to the difference.
        if spec.get("serviceAccount").is_some() {
            spec["serviceAccount"] = account.clone().into();
        }
        Ok(())
    })
    .await
}
