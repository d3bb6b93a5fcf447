//! `kubectl rollout history`.

use crate::command::{Command, Completes};
use crate::commands::rollout::{Revision, has_history, revisions, unsupported};
use crate::context::Context;
use crate::describe::template;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation;
use crate::print::{OUTPUT, Printer, tabwriter};
use crate::resources::args::{SELECTOR, Selection};
use crate::resources::manifest::FILENAME;

const FLAGS: &[Flag] = &[flag("revision", Kind::Int, "0", "Show this revision whole.")];

/// The command.
pub const COMMAND: Command = Command {
    path: &["rollout", "history"],
    aliases: &[],
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    short: "View rollout history",
    long: "",
    examples: "kubectl rollout history deployment/web\nkubectl rollout history deployment/web --revision=2",
    flags: &[FLAGS, FILENAME, SELECTOR, OUTPUT],
    completes: Completes::Resources,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    let wanted = cx.flags.int("revision");
    if wanted < 0 {
        return Err(Error::message(format!("revision must be a positive integer: {wanted}")));
    }
    let (infos, mut errors) = Selection::of(cx).fetch(cx).await?;
    for info in infos {
        if !has_history(&info) {
            errors.push(unsupported(&info, "history"));
            continue;
        }
        let history = revisions(cx, &info).await?;
        if let Some(printer) = Printer::of(cx, false)? {
            let found = if wanted > 0 { history.iter().find(|r| r.number == wanted) } else { history.last() };
            let Some(revision) = found else { return Err(Error::message("unable to find the specified revision")) };
            operation::print_one(cx, &printer, &revision.keeper).await?;
            continue;
        }
        let head = info.display();
        if wanted > 0 {
            let Some(revision) = history.iter().find(|r| r.number == wanted) else {
                errors.push(Error::message("unable to find the specified revision"));
                continue;
            };
            let mut template = revision.template.clone();
            if let Some(cause) = &revision.cause {
                template["metadata"]["annotations"]["kubernetes.io/change-cause"] = cause.clone().into();
            }
            // Upstream forgets to align this one: the tabs go out as they are.
            let text = template::describe(&template);
            cx.println(format!("{head} with revision #{wanted}\n{}", text.trim_end_matches('\n'))).await?;
            cx.println("").await?;
        } else {
            cx.println(format!("{head} \n{}", table(&history))).await?;
        }
    }
    Error::collect(errors).map_or(Ok(()), Err)
}

fn table(history: &[Revision]) -> String {
    let mut text = "REVISION\tCHANGE-CAUSE\n".to_owned();
    for revision in history {
        let cause = revision.cause.as_deref().filter(|c| !c.is_empty()).unwrap_or("<none>");
        text.push_str(&format!("{}\t{cause}\n", revision.number));
    }
    tabwriter::align(&text, 0, 2)
}
