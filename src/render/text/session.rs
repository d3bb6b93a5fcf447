//! Sessions: started, task, hints, solution, status.

use super::clock::duration;
use crate::render::document::{
    HintDocument, SessionState, SessionsDocument, SolutionDocument, StartedDocument, StatusDocument, TaskDocument,
};
use crate::render::markdown;
use crate::render::style::Style;
use crate::render::table::table;
use crate::render::wrap::wrap;

/// `ckaprep scenario --detach`.
pub fn started(document: &StartedDocument, style: Style, _width: usize) -> String {
    let nodes: Vec<&str> = document.nodes.iter().map(|node| node.name.as_str()).collect();
    format!(
        "session     {}\nscenario    {} (seed {})\nkubeconfig  {}\nnodes       {}\n\n  {}\n  {}\n  {}\n",
        style.title(&document.session),
        document.scenario,
        document.seed,
        document.kubeconfig.display(),
        nodes.join(" "),
        style.code(&format!("ckaprep attach {}", document.session)),
        style.code(&format!("ckaprep check --session {}", document.session)),
        style.code(&format!("ckaprep stop {}", document.session)),
    )
}

/// `ckaprep task`.
pub fn task(document: &TaskDocument, style: Style, width: usize) -> String {
    let mut out = format!("{}\n", style.title(&document.title));
    let facts = format!("host {}, context {}, {} minutes", document.host, document.context, document.minutes);
    out.push_str(&wrap(&facts, width, "", ""));
    out.push('\n');
    out.push_str(&markdown::render(&document.text, style, width));
    out.push('\n');
    out
}

/// What one can do in the practice shell; printed once above it.
pub fn shell_help(style: Style, width: usize) -> String {
    let text = format!(
        "In this shell: {} and {} reach the cluster, {} gives root on a node. {} grades what is there, {} helps, {} leaves.",
        style.code("kubectl"),
        style.code("k"),
        style.code("ssh <node>"),
        style.code("ckaprep\u{a0}check").replace('\u{a0}', " "),
        style.code("ckaprep\u{a0}hint").replace('\u{a0}', " "),
        style.code("exit"),
    );
    wrap(&text, width, "", "") + "\n"
}

/// `ckaprep hint`.
pub fn hint(document: &HintDocument, style: Style, width: usize) -> String {
    match &document.text {
        None if document.total == 0 => "There are no hints for this scenario.\n".to_owned(),
        None => {
            let all = document.total;
            let text =
                format!("No more hints; there are {all} in all. `ckaprep solution` shows the way; the attempt then counts as assisted.");
            wrap(&text, width, "", "")
        }
        Some(text) => {
            let head = style.title(&format!("Hint {} of {}", document.number, document.total));
            format!("{head}\n{}", markdown::render(text, style, width))
        }
    }
}

/// `ckaprep solution`.
pub fn solution(document: &SolutionDocument, style: Style, width: usize) -> String {
    let mut out = String::new();
    for step in &document.steps {
        if let Some(why) = &step.why {
            out.push_str(&wrap(why, width, "# ", "# "));
        }
        for line in step.run.trim_end().lines() {
            out.push_str(&format!("{} {}\n", style.dim(&format!("{}$", step.on)), style.code(line)));
        }
    }
    out
}

/// `ckaprep status`.
pub fn sessions(document: &SessionsDocument, style: Style, width: usize) -> String {
    if document.sessions.is_empty() {
        return "No session. `ckaprep scenario unhealthy-node` starts one.\n".to_owned();
    }
    let mut rows = vec![["SESSION", "STATE", "TIME", "HINTS", "SCENARIO"].map(str::to_owned).to_vec()];
    rows.extend(document.sessions.iter().map(|session| row(session, style)));
    let mut out = table(&rows, width);
    let attach = if document.sessions.iter().any(|s| s.state == SessionState::Asleep) {
        "`ckaprep attach SESSION` joins one, and brings one back that is asleep; `ckaprep stop SESSION` removes it."
    } else {
        "`ckaprep attach SESSION` joins one; `ckaprep stop SESSION` removes it."
    };
    out.push('\n');
    out.push_str(&wrap(attach, width, "", ""));
    out
}

fn row(session: &StatusDocument, style: Style) -> Vec<String> {
    let state = match session.state {
        SessionState::Running => style.good("running"),
        SessionState::Asleep => style.dim("asleep"),
        SessionState::Unresponsive => style.bad("no answer"),
    };
    let time = match (session.elapsed_seconds, session.budget_seconds) {
        (Some(elapsed), Some(budget)) => format!("{} of {}", duration(elapsed), duration(budget)),
        _ => "-".to_owned(),
    };
    let hints = match (session.hints, session.assisted) {
        (_, Some(true)) => "solution".to_owned(),
        (Some(hints), _) => hints.to_string(),
        _ => "-".to_owned(),
    };
    vec![session.session.clone(), state, time, hints, session.scenario.clone()]
}
