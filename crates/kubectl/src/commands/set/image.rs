//! `kubectl set image`.

use crate::command::{Command, Completes};
use crate::commands::set::{MANAGER, each, no_template, split};
use crate::context::Context;
use crate::error::Error;
use crate::operation::{DRY_RUN, RECORD};
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::{self, FILENAME};
use crate::update::pod_spec;

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "image"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
    short: "Update the image of a pod template",
    long: "",
    examples: "kubectl set image deployment/web nginx=nginx:1.28\nkubectl set image daemonset probe *=busybox:1.37",
    flags: &[MANAGER, FILENAME, SELECTOR, ALL, LOCAL, DRY_RUN, RECORD, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let (resources, changes) = split(&cx.flags.args);
    if resources.is_empty() && !manifest::named(cx) {
        return Err(Error::message("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    if changes.is_empty() {
        if resources.len() > 1 && resources[0].contains('/') {
            return Err(Error::message(
                "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
            ));
        }
        return Err(Error::message("at least one image update is required"));
    }
    let pairs: Vec<(&str, &str)> = changes.iter().filter_map(|c| c.split_once('=')).collect();
    if pairs.len() > 1 && pairs.iter().any(|(name, _)| *name == "*") {
        return Err(Error::message(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        ));
    }
    let selection = Selection { args: resources, ..Selection::of(cx) };
    each(cx, &selection, "image updated", |info, object| {
        let Some(spec) = pod_spec(object) else {
            return Err(no_template(info));
        };
        let mut missing = Vec::new();
        for (name, image) in &pairs {
            let mut found = false;
            for key in ["initContainers", "containers"] {
                for container in spec[key].as_array_mut().into_iter().flatten() {
                    if *name == "*" || container["name"] == *name {
                        container["image"] = (*image).into();
                        found = true;
                    }
                }
            }
            if !found {
                missing.push(Error::message(format!("unable to find container named {name:?}")));
            }
        }
        if spec["initContainers"].is_null()
            && let Some(map) = spec.as_object_mut()
        {
            map.remove("initContainers");
        }
        Error::collect(missing).map_or(Ok(()), Err)
    })
    .await
}
