//! `kubectl create deployment`.

use serde_json::{Value, json};

use crate::command::{Command, Completes};
use crate::commands::create::{self, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::operation::{DRY_RUN, SAVE_CONFIG, VALIDATE, builtin};
use crate::print::OUTPUT;

const FLAGS: &[Flag] = &[
    flag("image", Kind::List, "", "Image to run; may be repeated for more containers."),
    short("replicas", 'r', Kind::Int, "1", "Number of replicas."),
    flag("port", Kind::Int, "-1", "Port that the container exposes."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["create", "deployment"],
    aliases: &["deploy"],
    usage: "NAME --image=image -- [COMMAND] [args...]",
    short: "Create a deployment with the specified name",
    long: "",
    examples: "# Three replicas of nginx\nkubectl create deployment web --image=nginx --replicas=3\n\n# With a command\nkubectl create deployment sleeper --image=busybox -- sleep 3600",
    flags: &[FLAGS, DRY_RUN, SAVE_CONFIG, VALIDATE, MANAGER, OUTPUT],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    create::required(cx, &["image"])?;
    let name = create::name(cx)?;
    let images = cx.flags.list("image");
    let command = cx.flags.dash.map(|at| cx.flags.args[at..].to_vec()).unwrap_or_default();
    if images.len() > 1 && !command.is_empty() {
        return Err(Error::message("cannot specify multiple --image options and command"));
    }
    let containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut container = json!({"image": image, "name": container_name(image), "resources": {}});
            if !command.is_empty() {
                container["command"] = json!(command);
            }
            if cx.flags.int("port") >= 0 && cx.flags.changed("port") {
                container["ports"] = json!([{"containerPort": cx.flags.int("port")}]);
            }
            container
        })
        .collect();
    let resource = builtin("apps", "v1", "deployments", "Deployment", true);
    let mut object = create::object(&resource, &name);
    object["metadata"]["labels"] = json!({"app": name});
    object["spec"] = json!({
        "replicas": cx.flags.int("replicas"),
        "selector": {"matchLabels": {"app": name}},
        "strategy": {},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
    });
    object["status"] = json!({});
    create::submit(cx, &resource, object, "deployment").await
}

/// The image's base name without tag, digest and characters that a name may not have.
fn container_name(image: &str) -> String {
    let base = image.rsplit('/').next().unwrap_or(image);
    let base = base.split(['@', ':']).next().unwrap_or(base);
    base.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::container_name;

    #[test]
    fn names_of_containers() {
        for (image, want) in [("nginx", "nginx"), ("docker.io/library/nginx:1.27", "nginx"), ("a/b_c@sha256:00", "b-c")] {
            assert_eq!(container_name(image), want);
        }
    }
}
