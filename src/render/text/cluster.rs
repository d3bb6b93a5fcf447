//! Kind clusters.

use std::collections::{BTreeMap, BTreeSet};

use crate::render::document::ClustersDocument;
use crate::render::style::Style;
use crate::render::wrap::wrap;

/// `ckaprep cluster list`.
pub fn clusters(document: &ClustersDocument, style: Style, width: usize) -> String {
    if document.clusters.is_empty() {
        return "No clusters. `ckaprep cluster create` makes one ahead; a scenario with --backend kind makes its own.\n".to_owned();
    }
    let mut out = String::new();
    for cluster in &document.clusters {
        let mut facts = vec![cluster.state.clone(), format!("{} of {} nodes run", cluster.running, cluster.nodes)];
        facts.extend(cluster.session.as_ref().map(|session| format!("session {session}")));
        facts.extend(cluster.image.clone());
        facts.extend(cluster.create_seconds.map(|seconds| format!("made in {seconds:.0} s")));
        out.push_str(&wrap(&facts.join(", "), width, &format!("{}  ", style.code(&cluster.name)), "    "));
        if cluster.state == "unknown" {
            let line = format!("only the container runtime knows it. If it is yours: `ckaprep cluster delete {} --force`", cluster.name);
            out.push_str(&wrap(&line, width, "    ", "    "));
        }
        if let Some(leftover) = &cluster.leftover {
            out.push_str(&wrap(&format!("{leftover}: `ckaprep cluster prune` deletes it"), width, "    ", "    "));
        }
    }
    out
}

/// Which scenario needs which images.
pub fn images(table: &BTreeMap<String, BTreeSet<String>>, width: usize) -> String {
    let column = table.keys().map(String::len).max().unwrap_or(0) + 2;
    let row = |(id, images): (&String, &BTreeSet<String>)| {
        let names: Vec<&str> = images.iter().map(String::as_str).collect();
        wrap(&names.join(", "), width, &format!("{id:column$}"), &" ".repeat(column))
    };
    table.iter().map(row).collect()
}
