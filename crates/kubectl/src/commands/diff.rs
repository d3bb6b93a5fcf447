//! `kubectl diff`: what `apply` would change, as the server sees it.

use serde_json::Value;

use crate::command::{Command, Completes};
use crate::commands::apply::style_of;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag};
use crate::operation::{self, DryRun, LAST_APPLIED, VALIDATE};
use crate::patch::{self, three_way};
use crate::print::printer::without_managed_fields;
use crate::print::yaml;
use crate::resources::args::{SELECTOR, info_of};
use crate::resources::manifest::{self, FILENAME};

const FLAGS: &[Flag] = &[
    flag("server-side", Kind::Bool, "false", "Compare with what a server-side apply would make."),
    flag("force-conflicts", Kind::Bool, "false", "With --server-side: take over fields of other managers."),
    flag("field-manager", Kind::Text, "kubectl-client-side-apply", "Name of the manager that tracks field ownership."),
    flag("show-managed-fields", Kind::Bool, "false", "Keep metadata.managedFields in the comparison."),
    flag("concurrency", Kind::Int, "1", "Accepted."),
];

/// The command.
pub const COMMAND: Command = Command {
    path: &["diff"],
    aliases: &[],
    usage: "-f FILENAME",
    short: "Diff the live version against a would-be applied version",
    long: "Exit status: 0 no differences, 1 differences, above 1 an error.",
    examples: "kubectl diff -f web.yaml",
    flags: &[FLAGS, FILENAME, SELECTOR, VALIDATE],
    completes: Completes::Nothing,
    run: Some(|cx| Box::pin(run(cx))),
};

async fn run(cx: &Context) -> Result<(), Error> {
    match differences(cx).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::Exit(1)),
        Err(e) => {
            let (text, code) = e.report();
            cx.eprintln(text).await?;
            Err(Error::Exit(code + 1))
        }
    }
}

async fn differences(cx: &Context) -> Result<bool, Error> {
    manifest::require(cx)?;
    let mut found = false;
    for manifest in manifest::read(cx).await? {
        let mut info = info_of(cx, manifest).await?;
        let live = match cx.get(&info.path()).await {
            Ok(live) => Some(live),
            Err(e) if e.is_not_found() => None,
            Err(e) => return Err(e),
        };
        let merged = if cx.flags.on("server-side") {
            let query = operation::write_query(cx, DryRun::Server, "kubectl")?;
            cx.patch(&format!("{}{query}&force={}", info.path(), cx.flags.on("force-conflicts")), patch::APPLY, &info.object).await?
        } else {
            // Compared without the annotation, whose change would say everything twice.
            if !info.object["metadata"]["annotations"].is_object() {
                info.object["metadata"]["annotations"] = serde_json::json!({});
            }
            let query = operation::write_query(cx, DryRun::Server, "kubectl-client-side-apply")?;
            match &live {
                None => cx.post(&format!("{}{query}", info.collection()), &info.object).await?,
                Some(live) => {
                    let original: Value = live["metadata"]["annotations"][LAST_APPLIED]
                        .as_str()
                        .and_then(|t| serde_json::from_str(t).ok())
                        .unwrap_or_default();
                    let (style, content_type) = style_of(&info);
                    let change = three_way(style, &original, &info.object, live);
                    cx.patch(&format!("{}{query}", info.path()), content_type, &change).await?
                }
            }
        };
        let text = |v: &Value| yaml::document(&without_managed_fields(v));
        let (old, new) = (live.as_ref().map(&text).unwrap_or_default(), text(&merged));
        let name = format!(
            "{}.{}.{}.{}",
            info.resource.api_version().replace('/', "."),
            info.resource.kind,
            info.namespace.as_deref().unwrap_or_default(),
            info.name
        );
        if old != new {
            found = true;
            cx.print(format!("diff -u -N LIVE/{name} MERGED/{name}\n--- LIVE/{name}\n+++ MERGED/{name}\n{}", unified(&old, &new))).await?;
        }
    }
    Ok(found)
}

/// A unified diff with three lines of context.
fn unified(old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // Longest common subsequence by dynamic programming: manifests are short.
    let mut longest = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut edits) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            edits.push((' ', a[i]));
            i += 1;
            j += 1;
        } else if j >= b.len() || (i < a.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            edits.push(('-', a[i]));
            i += 1;
        } else {
            edits.push(('+', b[j]));
            j += 1;
        }
    }
    let mut out = String::new();
    let changed: Vec<usize> = edits.iter().enumerate().filter(|(_, (sign, _))| *sign != ' ').map(|(i, _)| i).collect();
    let mut at = 0;
    while at < changed.len() {
        let mut last = at;
        while last + 1 < changed.len() && changed[last + 1] - changed[last] <= 6 {
            last += 1;
        }
        let (from, to) = (changed[at].saturating_sub(3), (changed[last] + 4).min(edits.len()));
        let count = |range: &[(char, &str)], skip: char| range.iter().filter(|(sign, _)| *sign != skip).count();
        let start = |count: usize, before: usize| if count == 0 { before } else { before + 1 };
        let (old_count, new_count) = (count(&edits[from..to], '+'), count(&edits[from..to], '-'));
        out.push_str(&format!(
            "@@ -{},{old_count} +{},{new_count} @@\n",
            start(old_count, count(&edits[..from], '+')),
            start(new_count, count(&edits[..from], '-'))
        ));
        for (sign, line) in &edits[from..to] {
            out.push_str(&format!("{sign}{line}\n"));
        }
        at = last + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn hunks() {
        assert_eq!(unified("a\nb\nc\n", "a\nx\nc\n"), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        assert_eq!(unified("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
    }
}
