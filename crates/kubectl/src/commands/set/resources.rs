//! `kubectl set resources`.

use crate::command::{Command, Completes};
use crate::commands::create::quota::quantities;
use crate::commands::set::{MANAGER, each, no_template};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::DRY_RUN;
use crate::print::OUTPUT;
use crate::resources::args::{ALL, LOCAL, SELECTOR, Selection};
use crate::resources::manifest::FILENAME;
use crate::update::pod_spec;

const FLAGS: &[Flag] = &[
    short("containers", 'c', Kind::Text, "*", "Names of containers to change; * is all."),
    flag("limits", Kind::Text, "", "Limits: cpu=200m,memory=512Mi; 0 removes."),
    flag("requests", Kind::Text, "", "Requests: cpu=100m,memory=256Mi; 0 removes."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["set", "resources"],
    aliases: &[],
    usage: "(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS]",
    short: "Update resource requests/limits on objects with pod templates",
    long: "",
    examples: "kubectl set resources deployment web --requests=cpu=100m,memory=128Mi --limits=memory=256Mi",
    flags: &[FLAGS, MANAGER, FILENAME, SELECTOR, ALL, LOCAL, DRY_RUN, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let (limits, requests) = (cx.flags.given("limits"), cx.flags.given("requests"));
    if limits.is_none() && requests.is_none() {
        return Err(Error::message("you must specify an update to requests or limits (in the form of --requests/--limits)"));
    }
    let parse = |text: Option<&str>| text.map(quantities).transpose();
    let (limits, requests) = (parse(limits)?, parse(requests)?);
    let wanted = cx.flags.text("containers").to_owned();
    each(cx, &Selection::of(cx), "resource requirements updated", move |info, object| {
        let Some(spec) = pod_spec(object) else {
            return Err(no_template(info));
        };
        let mut matched = false;
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default();
            if wanted != "*" && !wanted.split(',').any(|w| w == name) {
                continue;
            }
            matched = true;
            for (key, amounts) in [("limits", &limits), ("requests", &requests)] {
                for (resource, amount) in amounts.iter().filter_map(|a| a.as_object()).flatten() {
                    if amount == "0" {
                        if let Some(map) = container["resources"][key].as_object_mut() {
                            map.remove(resource);
                        }
                    } else {
                        container["resources"][key][resource] = amount.clone();
                    }
                }
            }
        }
        if matched { Ok(()) } else { Err(Error::message(format!("unable to find container named {wanted}"))) }
    })
    .await
}
