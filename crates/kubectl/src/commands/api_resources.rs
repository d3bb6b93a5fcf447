//! `kubectl api-resources`.

use std::sync::Arc;

use crate::command::{Command, Completes};
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};
use crate::print::tabwriter;
use crate::resources::discovery::Resource;

const FLAGS: &[Flag] = &[
    flag("api-group", Kind::Text, "", "Only this group."),
    flag("namespaced", Kind::Bool, "true", "Only resources that are namespaced, or only others with =false."),
    flag("verbs", Kind::List, "", "Only resources that have these verbs."),
    flag("categories", Kind::List, "", "Only resources of these categories."),
    flag("no-headers", Kind::Bool, "false", "Print no headers."),
    flag("cached", Kind::Bool, "false", "Accepted."),
    flag("sort-by", Kind::Text, "", "name or kind."),
    short("output", 'o', Kind::Text, "", "wide or name."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["api-resources"],
    aliases: &[],
    usage: "[flags]",
    short: "Print the supported API resources on the server",
    long: "",
    examples: "kubectl api-resources --namespaced=false\nkubectl api-resources --api-group=apps",
    flags: &[FLAGS],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    if let Some(word) = cx.flags.args.first() {
        return Err(cx.usage_error(format!("unexpected arguments: [{word}]")));
    }
    let discovery = cx.discovery().await?;
    let (verbs, categories) = (cx.flags.list("verbs"), cx.flags.list("categories"));
    let mut rows: Vec<Arc<Resource>> = Vec::new();
    for r in &discovery.resources {
        let wanted = !r.verbs.is_empty()
            && (!cx.flags.changed("api-group") || r.group == cx.flags.text("api-group"))
            && (!cx.flags.changed("namespaced") || r.namespaced == cx.flags.on("namespaced"))
            && verbs.iter().all(|v| r.can(v))
            && categories.iter().all(|c| r.categories.contains(c));
        // Only a group's preferred version of a resource is shown.
        if wanted && !rows.iter().any(|have| have.group == r.group && have.name == r.name) {
            rows.push(r.clone());
        }
    }
    match cx.flags.text("sort-by") {
        "" => rows.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name))),
        "name" => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        "kind" => rows.sort_by(|a, b| a.kind.cmp(&b.kind)),
        _ => return Err(Error::message("--sort-by accepts only name or kind")),
    }
    match cx.flags.text("output") {
        "name" => return cx.print(rows.iter().map(|r| r.qualified() + "\n").collect::<String>()).await,
        "" | "wide" => {}
        other => return Err(Error::message(format!("--output {other} is not available in kubectl api-resources"))),
    }
    let wide = cx.flags.text("output") == "wide";
    let mut text = String::new();
    if !cx.flags.on("no-headers") {
        text.push_str("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND");
        text.push_str(if wide { "\tVERBS\tCATEGORIES\n" } else { "\n" });
    }
    for r in rows {
        text.push_str(&format!("{}\t{}\t{}\t{}\t{}", r.name, r.short_names.join(","), r.api_version(), r.namespaced, r.kind));
        if wide {
            text.push_str(&format!("\t{}\t{}", r.verbs.join(","), r.categories.join(",")));
        }
        text.push('\n');
    }
    cx.print(tabwriter::align(&text, 6, 3)).await
}
