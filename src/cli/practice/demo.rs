//! `--demo`: everything that a learner would see and do, without a learner. It goes through the session like one, so what
//! it shows is what happens.

use crate::backend::interactive::{ShellInput, ShellOutput};
use crate::cli::commands::target;
use crate::cli::context::{Context, Format};
use crate::cli::error::CliError;
use crate::grade::Outcome;
use crate::render::document::{CheckDocument, DemoDocument, OutcomeDocument, RanDocument, SolutionDocument, StepDocument, TaskDocument};
use crate::render::text;
use crate::session::protocol::Request;
use crate::session::registry::Entry;
use crate::session::{Client, Directories, Folder};
use crate::tui::link::Link;

/// What shows that something is wrong, on any cluster.
const LOOK: &str = "kubectl get nodes\nkubectl get pods -A -o wide | grep -v -E 'Running|Completed'";

/// Runs the demonstration and stops the session. 0 when the grades are as they must be: nothing, then everything.
pub async fn run(context: &Context, directories: &Directories, folder: &Folder, format: Format) -> Result<u8, CliError> {
    let shown = show(context, folder, format).await;
    // However it went, nothing is left running.
    Client::stop(folder).await?;
    folder.remove(directories)?;
    let document = shown?;
    let proven = document.before.outcome == Outcome::Graded && document.before.score.earned.0 == 0 && document.after.check.report.is_full();
    if format == Format::Json {
        context.print_json(&document)?;
    }
    Ok(if proven { 0 } else { 1 })
}

async fn show(context: &Context, folder: &Folder, format: Format) -> Result<DemoDocument, CliError> {
    let record = folder.record()?;
    let entry = Entry { folder: folder.clone(), record: Some(record.clone()), live: true };
    let (style, width) = (context.style(), context.width());
    let say = |text: String| {
        if format == Format::Text {
            context.print(&text);
        }
    };
    let task: TaskDocument = target::ask(context, &entry, Request::Task).await?;
    say(text::task(&task, style, width));
    say(format!("{}\n", style.title("What is broken")));
    let look = StepDocument { on: "base".into(), run: LOOK.into(), why: None };
    step(context, &entry, &look, format).await?;
    say(format!("\n{}\n", style.title("The grade before anything is done")));
    let before: CheckDocument = target::ask(context, &entry, Request::Check { why: false }).await?;
    say(text::report(&before.report, style, width, false));
    say(format!("\n{}\n", style.title("The reference solution")));
    let solution: SolutionDocument = target::ask(context, &entry, Request::Solution).await?;
    let mut steps = Vec::new();
    for next in &solution.steps {
        steps.push(step(context, &entry, next, format).await?);
    }
    let after: OutcomeDocument = target::ask(context, &entry, Request::Finish { record: false }).await?;
    // The demonstration is no attempt: help and commands of a learner are not part of it.
    let after = OutcomeDocument { assisted: false, hints: 0, commands: Vec::new(), not_recorded: None, ..after };
    say(format!("\n{}", text::outcome(&after, style, width)));
    Ok(DemoDocument { scenario: record.scenario, seed: record.seed, before: before.report, steps, after })
}

/// Runs one step where it belongs, showing commands and output as a terminal would.
async fn step(context: &Context, entry: &Entry, step: &StepDocument, format: Format) -> Result<RanDocument, CliError> {
    let (client, _) = Client::connect(&entry.folder).await?;
    let mut link = Link::open(client, &step.on, None).await?;
    let style = context.style();
    let mut ran = RanDocument { on: step.on.clone(), run: step.run.clone(), status: 0, output: String::new() };
    if format == Format::Text {
        if let Some(why) = &step.why {
            context.print(&crate::render::wrap::wrap(why, context.width(), "# ", "# "));
        }
        for line in step.run.trim_end().lines() {
            context.print(&format!("{} {}\n", style.dim(&format!("{}$", step.on)), style.code(line)));
        }
    }
    link.send(ShellInput::Execute { script: step.run.clone() }).await?;
    link.send(ShellInput::StdinEnd).await?;
    while let Some(output) = link.receive().await? {
        match output {
            ShellOutput::Output { data, .. } => {
                let text = String::from_utf8_lossy(&data.0).into_owned();
                if format == Format::Text {
                    context.print(&text);
                }
                ran.output.push_str(&text);
            }
            ShellOutput::Exited { status, .. } | ShellOutput::Closed { status } => {
                ran.status = status;
                break;
            }
            ShellOutput::Incomplete => {
                return Err(CliError::content(format!("a step of the solution is no complete command: {}", step.run)));
            }
            _ => {}
        }
    }
    Ok(ran)
}
