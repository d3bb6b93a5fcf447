//! From what changed to the files of a scenario.

use serde_json::{Value, json};

use super::changes::{Name, State, difference};
use crate::cli::commands::author::new::Particulars;
use crate::model::quote;

/// Both parts of a recording.
pub struct Recording {
    /// A fresh cluster.
    pub fresh: State,
    /// What the learner finds.
    pub broken: State,
    /// What a good learner leaves.
    pub solved: State,
    /// Commands of the second part.
    pub typed: Vec<String>,
}

/// What the solution's steps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// The instructor's commands.
    AsTyped,
    /// Whatever makes the changes that they made.
    AsChanged,
}

/// Verbs of kubectl that only look.
const LOOKING_VERBS: &[&str] = &["get", "describe", "logs", "explain", "events", "top", "api-resources", "auth", "version"];
/// Programs that only look.
const LOOKING: &[&str] = &["ls", "cat", "less", "pwd", "history", "clear", "journalctl", "crictl", "man", "grep", "ps", "df", "free", "ss"];
/// Flags of kubectl that stand before the verb and take the next word.
const WITH_VALUE: &[&str] = &["-n", "--namespace", "--context", "--kubeconfig"];

/// Whether a command only looks.
fn looks(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    if line.contains('>') {
        return false;
    }
    match program {
        "kubectl" | "k" => {
            let mut verb = None;
            while let Some(word) = words.next() {
                if WITH_VALUE.contains(&word) {
                    words.next();
                } else if !word.starts_with('-') {
                    verb = Some(word);
                    break;
                }
            }
            verb.is_none_or(|verb| LOOKING_VERBS.contains(&verb))
        }
        "systemctl" => words.next() == Some("status"),
        program => LOOKING.contains(&program),
    }
}

/// Files of the scenario by path.
pub fn scenario(particulars: &Particulars, recording: &Recording, steps: Steps) -> Vec<(String, String)> {
    let mut setup = Vec::new();
    let mut files = Vec::new();
    let created = created(&recording.fresh, &recording.broken);
    if !created.is_empty() {
        let texts: Vec<String> = created.iter().map(|(_, object)| yaml(object)).collect();
        files.push(("setup/objects.yaml".to_owned(), texts.join("---\n")));
        setup.push(json!({"apply": "setup/objects.yaml"}));
    }
    setup.extend(steps_between(&recording.fresh, &recording.broken, false).into_iter().map(|step| json!({"run": step})));
    let typed = match steps {
        Steps::AsTyped => typed_steps(&recording.typed),
        Steps::AsChanged => Vec::new(),
    };
    let solution = if typed.is_empty() { steps_between(&recording.broken, &recording.solved, true) } else { typed };
    let checks = checks(&recording.broken, &recording.solved);
    let requirements: Vec<String> = checks.iter().enumerate().map(|(n, (_, text))| format!("{}. {text}\n", n + 1)).collect();
    let first = checks.first().map_or_else(|| "what-to-check".to_owned(), |(check, _)| check["id"].as_str().unwrap_or_default().to_owned());
    let ids: Vec<Value> = checks.iter().map(|(check, _)| check["id"].clone()).collect();
    let document = json!({
        "apiVersion": "ckaprep.dev/v1",
        "kind": "Scenario",
        "id": particulars.id,
        "title": particulars.title,
        "placements": [{"exam": particulars.exam, "domain": particulars.domain, "competency": particulars.competency}],
        "difficulty": particulars.difficulty,
        "minutes": particulars.minutes,
        "host": "control-plane",
        "requires": {"workers": 3, "capabilities": if needs_nodes(recording) { json!(["node-shell"]) } else { json!([]) }},
        "setup": setup,
        "task": "task.md",
        "checks": checks.into_iter().map(|(check, _)| check).collect::<Vec<_>>(),
        "hints": ["EDIT: where to look first", "EDIT: what to look for there"],
        "solution": {"steps": solution},
        "wrong": [
            {"id": "nothing-done", "loses": ids, "steps": [{"on": "shell", "run": "true"}]},
            {"id": "edit-me", "loses": [first], "steps": [{"on": "shell", "run": "true # EDIT: a mistake that people really make"}]},
        ],
        "debrief": {
            "text": "EDIT: what was wrong, and why.\n",
            "fastest": [{"run": "kubectl get events -A", "shows": "EDIT: the command that finds it, and what it shows"}],
            "link": "https://kubernetes.io/docs/tasks/debug/",
        },
    });
    let head = "# yaml-language-server: $schema=scenario.schema.json\n";
    files.push(("scenario.yaml".to_owned(), format!("{head}{}", yaml(&document))));
    files.push(("task.md".to_owned(), format!("EDIT: the situation, as the learner is told it.\n\n{}", requirements.concat())));
    files
}

fn needs_nodes(recording: &Recording) -> bool {
    recording.fresh.files != recording.broken.files || recording.broken.files != recording.solved.files
}

fn created<'a>(before: &State, after: &'a State) -> Vec<(&'a Name, &'a Value)> {
    let mut new: Vec<_> = after.objects.iter().filter(|(name, _)| !before.objects.contains_key(*name)).collect();
    // What others live in or refer to comes first.
    let rank = |kind: &str| match kind {
        "Namespace" | "CustomResourceDefinition" => 0,
        "Deployment" | "StatefulSet" | "DaemonSet" | "Pod" | "Job" | "CronJob" => 2,
        _ => 1,
    };
    new.sort_by_key(|(name, _)| rank(&name.kind));
    new
}

/// Scripts that make one state the other. Objects that are new are left to a manifest where `with_new` is not asked for.
fn steps_between(before: &State, after: &State, with_new: bool) -> Vec<Value> {
    let mut steps = Vec::new();
    let shell = |run: String| json!({"on": "shell", "run": run});
    if with_new {
        for (_, object) in created(before, after) {
            steps.push(shell(format!("kubectl apply -f - <<'EOF'\n{}EOF\n", yaml(object))));
        }
    }
    for (name, old) in &before.objects {
        let target =
            format!("{}{} {}", resource(name), name.namespace.as_ref().map_or_else(String::new, |n| format!(" -n {n}")), name.name);
        match after.objects.get(name) {
            None => steps.push(shell(format!("kubectl delete {target}"))),
            Some(new) => {
                if let Some(patch) = difference(old, new, false) {
                    steps.push(shell(format!("kubectl patch {target} --type=merge -p {}", quote(&patch.to_string()))));
                }
            }
        }
    }
    let mut restarts: Vec<(String, &str)> = Vec::new();
    let node = |node: &str, run: String| json!({"on": "node", "node": node, "run": run});
    for ((on, path), text) in &after.files {
        if before.files.get(&(on.clone(), path.clone())) == Some(text) {
            continue;
        }
        match unit_of(path) {
            Some(unit) => steps.push(node(on, format!("systemctl enable {unit}"))),
            None => {
                let text = if text.ends_with('\n') { text.clone() } else { format!("{text}\n") };
                steps.push(node(on, format!("cat > {path} <<'EOF'\n{text}EOF\n")));
                restarts.extend(service_of(path).map(|unit| (on.clone(), unit)));
            }
        }
    }
    for (on, path) in before.files.keys().filter(|key| !after.files.contains_key(*key)) {
        steps.push(match unit_of(path) {
            Some(unit) => node(on, format!("systemctl disable {unit}")),
            None => node(on, format!("rm {path}")),
        });
    }
    restarts.dedup();
    steps.extend(restarts.into_iter().map(|(on, unit)| node(&on, format!("systemctl daemon-reload\nsystemctl restart {unit} || true"))));
    steps
}

/// The unit that a link among the wants of a target enables.
fn unit_of(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    folder.ends_with(".wants").then_some(name)
}

/// The service that reads a file when it starts.
fn service_of(path: &str) -> Option<&'static str> {
    if path.starts_with("/var/lib/kubelet/") || path.starts_with("/etc/kubernetes/kubelet") || path.contains("kubelet.service") {
        Some("kubelet")
    } else if path.starts_with("/etc/containerd/") || path.contains("containerd.service") {
        Some("containerd")
    } else {
        None
    }
}

/// The commands that do something, as steps; none when one of them needs a person.
fn typed_steps(typed: &[String]) -> Vec<Value> {
    let mut steps = Vec::new();
    let mut on: Option<String> = None;
    for line in typed {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.iter().any(|word| ["vi", "vim", "nano", "edit"].contains(word)) {
            return Vec::new();
        }
        match words.as_slice() {
            [] => {}
            ["ssh", node] => on = Some((*node).to_owned()),
            ["exit" | "logout"] => on = None,
            ["ssh", node, ..] => {
                let command = line.split_once(node).map_or("", |(_, rest)| rest).trim().trim_matches(['\'', '"']);
                steps.push(json!({"on": "node", "node": node, "run": command}));
            }
            _ if looks(line) => {}
            _ => steps.push(match &on {
                Some(node) => json!({"on": "node", "node": node, "run": line}),
                None => json!({"on": "shell", "run": line}),
            }),
        }
    }
    steps
}

/// Checks of what the solution changed, each with the sentence that asks for it.
fn checks(before: &State, after: &State) -> Vec<(Value, String)> {
    let mut found: Vec<(Value, String)> = Vec::new();
    let mut add = |id: String, title: String, expect: Value, after: Option<String>| {
        let mut id = id.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-").trim_matches('-').to_owned();
        id.truncate(50);
        while found.iter().any(|(check, _)| check["id"] == id.as_str()) {
            id.push_str("-too");
        }
        let mut check = json!({"id": id, "requirement": found.len() + 1, "points": 2, "title": title});
        if let Some(after) = after {
            check["after"] = json!([after]);
        }
        check["expect"] = expect;
        found.push((check, format!("{title}.")));
        id
    };
    for (name, new) in &after.objects {
        let old = before.objects.get(name);
        let Some(fields) = difference(old.unwrap_or(&Value::Null), new, true) else { continue };
        let place = name.namespace.as_ref().map_or_else(String::new, |n| format!(" in namespace `{n}`"));
        let title = |what: &str| format!("{} `{}`{place} {what}", name.kind, name.name);
        let mut target = json!({"kind": name.kind, "name": name.name});
        if crate::grade::ResourceRef::new(&name.kind, None).built_in().is_none() {
            target["apiVersion"] = json!(name.api_version);
        }
        if let Some(namespace) = &name.namespace {
            target["namespace"] = json!(namespace);
        }
        let mut resource = target.clone();
        // A new object is checked by what it is for; every default that it carries says nothing.
        let meant = ["spec", "data", "rules", "subjects", "roleRef", "stringData", "provisioner"];
        let fields = fields
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| meant.contains(&key.as_str()) || (old.is_some() && key.as_str() == "metadata"));
        resource["fields"] = Value::Object(fields.map(|(k, v)| (k.clone(), v.clone())).collect());
        let is = add(format!("{}-{}", name.kind, name.name), title("is as it must be"), json!({"resource": resource}), None);
        if ["Deployment", "StatefulSet", "DaemonSet"].contains(&name.kind.as_str()) {
            add(format!("{}-available", name.name), title("is available"), json!({"workload": target}), Some(is));
        }
    }
    for name in before.objects.keys().filter(|name| !after.objects.contains_key(*name)) {
        let mut target = json!({"kind": name.kind, "name": name.name});
        if let Some(namespace) = &name.namespace {
            target["namespace"] = json!(namespace);
        }
        add(
            format!("no-{}-{}", name.kind, name.name),
            format!("There is no {} `{}`", name.kind, name.name),
            json!({"absent": target}),
            None,
        );
    }
    for ((node, path), text) in &after.files {
        let old = before.files.get(&(node.clone(), path.clone()));
        if old == Some(text) {
            continue;
        }
        match unit_of(path) {
            Some(unit) => {
                let unit = unit.trim_end_matches(".service");
                add(
                    format!("{unit}-enabled"),
                    format!("{unit} starts at boot on `{node}`"),
                    json!({"units": {"node": node, "active": [unit], "enabled": [unit]}}),
                    None,
                );
            }
            None => {
                // The lines that are new say more than the whole file.
                let new: Vec<&str> = text
                    .lines()
                    .filter(|line| !line.trim().is_empty() && !old.is_some_and(|old| old.lines().any(|o| o == *line)))
                    .collect();
                let line = new.first().copied().unwrap_or_default().trim();
                let matches = json!({"file": {"node": node, "path": path, "text": {"contains": line}}});
                add(
                    format!("file-{}", path.rsplit('/').next().unwrap_or_default()),
                    format!("The file `{path}` on `{node}` is right"),
                    matches,
                    None,
                );
            }
        }
    }
    found
}

/// `deployment`, or `backups.v1.ops.example` for kinds of others.
fn resource(name: &Name) -> String {
    match name.api_version.split_once('/') {
        Some((group, version)) if group.contains('.') && !group.ends_with(".k8s.io") => {
            format!("{}.{version}.{group}", name.kind.to_lowercase())
        }
        _ => name.kind.to_lowercase(),
    }
}

/// A value as YAML. Templates look into every text: braces in it must not be taken for theirs.
fn yaml(value: &Value) -> String {
    fn raw(value: &Value) -> Value {
        match value {
            Value::String(text) if ["{{", "{%", "{#"].iter().any(|open| text.contains(open)) => {
                json!(format!("{{% raw %}}{text}{{% endraw %}}"))
            }
            Value::Array(items) => items.iter().map(raw).collect(),
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), raw(v))).collect::<serde_json::Map<_, _>>().into(),
            other => other.clone(),
        }
    }
    serde_saphyr::to_string(&raw(value)).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_steps_and_looking_does_not() {
        let typed = [
            "kubectl get pods",
            "kubectl scale deploy web --replicas 2",
            "ssh worker-1",
            "systemctl start kubelet",
            "exit",
            "ssh worker-2 'systemctl stop x'",
        ];
        let steps = typed_steps(&typed.map(str::to_owned));
        let shown: Vec<String> =
            steps.iter().map(|s| format!("{} {}", s["node"].as_str().unwrap_or("shell"), s["run"].as_str().unwrap_or_default())).collect();
        assert_eq!(shown, ["shell kubectl scale deploy web --replicas 2", "worker-1 systemctl start kubelet", "worker-2 systemctl stop x"]);
        assert!(typed_steps(&["kubectl edit deploy web".to_owned()]).is_empty());
    }

    #[test]
    fn changes_become_steps_and_checks() {
        let name = Name { kind: "Deployment".into(), namespace: Some("shop".into()), name: "web".into(), api_version: "apps/v1".into() };
        let state = |replicas: u32, file: &str| State {
            objects: [(name.clone(), json!({"kind": "Deployment", "spec": {"replicas": replicas}}))].into(),
            files: [(("worker-1".to_owned(), "/var/lib/kubelet/config.yaml".to_owned()), file.to_owned())].into(),
        };
        let (before, after) = (state(0, "a: 1\n"), state(2, "a: 1\nb: 2\n"));
        let steps = steps_between(&before, &after, true);
        assert_eq!(steps[0]["run"], "kubectl patch deployment -n shop web --type=merge -p '{\"spec\":{\"replicas\":2}}'");
        assert!(steps[1]["run"].as_str().is_some_and(|run| run.starts_with("cat > /var/lib/kubelet/config.yaml")));
        assert!(steps[2]["run"].as_str().is_some_and(|run| run.contains("restart kubelet")));
        let ids: Vec<String> = checks(&before, &after).iter().map(|(c, _)| c["id"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(ids, ["deployment-web", "web-available", "file-config-yaml"]);
    }
}
