//! Cases as authors write them: `cases/TOPIC.yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Cases about one thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// One line for docs/conformance.md.
    pub about: String,
    /// Files that all cases find in their working directory.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub cases: Vec<Case>,
}

/// Some steps in a namespace of their own, which has the case's name and is the current one. `{ns}` stands for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique among all topics, and a valid namespace.
    pub name: String,
    /// Whether it is about nodes or running pods: a control plane alone cannot answer it.
    #[serde(default)]
    pub nodes: bool,
    /// Whether it is mainly about being refused.
    #[serde(default)]
    pub refusal: bool,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub steps: Vec<Step>,
    /// What undoes changes outside the namespace. Needed when recording; a replay throws its cluster away.
    #[serde(default)]
    pub cleanup: Vec<String>,
}

/// A command line (`run`) or a request (`http`), whose answer is compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// A command line for a shell with kubectl.
    pub run: String,
    /// The node in whose root shell it runs, rather than on the administrator's machine.
    pub on: Option<String>,
    pub stdin: String,
    /// A method and a path: `GET /api/v1/namespaces/{ns}/pods`.
    pub http: Option<String>,
    /// Content of the request.
    pub body: String,
    /// Its type; JSON unless told.
    pub content: Option<String>,
    /// Whom to impersonate in a request.
    pub user: Option<String>,
    /// Repeat until the answer contains this.
    pub until: Option<String>,
    /// Lines come in any order.
    pub unordered: bool,
    /// Preparation: it must succeed, and its output is not compared.
    pub quiet: bool,
    /// Why the embedded cluster must answer differently, in one line.
    pub differs: Option<String>,
}

impl Step {
    /// What was asked, as it stands in the answers.
    pub fn asked(&self) -> String {
        let place = self.on.as_ref().map(|node| format!("[{node}] ")).unwrap_or_default();
        let user = self.user.as_ref().map(|user| format!(" as {user}")).unwrap_or_default();
        match &self.http {
            Some(request) => format!("{request}{user}"),
            None => format!("{place}{}", self.run.trim_end()),
        }
    }
}

/// All topics by name.
pub fn topics(root: &Path) -> Result<BTreeMap<String, Topic>, String> {
    let folder = root.join("tests/conformance/cases");
    let mut topics = BTreeMap::new();
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "yaml")) {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let topic: Topic = serde_saphyr::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        topics.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), topic);
    }
    Ok(topics)
}
