//! Typed actions on a node: what a fault does and undoes, by the node's own tools.

use super::error::RunError;
use crate::backend::Environment;
use crate::content::step::{Action, ReplaceInFile, WriteFile};
use crate::model::quote;

/// Does filled-in actions in order.
pub async fn perform(environment: &Environment, node: &str, actions: &[Action]) -> Result<(), RunError> {
    for action in actions {
        one(environment, node, action).await?;
    }
    Ok(())
}

async fn one(environment: &Environment, node: &str, action: &Action) -> Result<(), RunError> {
    match action {
        Action::ReplaceInFile(replace) => replace_in_file(environment, node, replace).await,
        Action::WriteFile(file) => write_file(environment, node, file).await,
        Action::DeleteFile(path) => must(environment, node, &format!("rm -- {}", quote(path)), "deleteFile").await,
        Action::StartUnit(unit) => must(environment, node, &format!("systemctl start {}", quote(unit)), "startUnit").await,
        Action::StopUnit(unit) => must(environment, node, &format!("systemctl stop {}", quote(unit)), "stopUnit").await,
        // A broken unit is often the point, so whether it comes up is for `visibleWhen` to say.
        Action::RestartUnit(unit) => {
            environment.nodes.run(node, &format!("systemctl restart {}", quote(unit)), "").await?;
            Ok(())
        }
        Action::EnableUnit(unit) => must(environment, node, &format!("systemctl enable {}", quote(unit)), "enableUnit").await,
        Action::DisableUnit(unit) => must(environment, node, &format!("systemctl disable {}", quote(unit)), "disableUnit").await,
        Action::DaemonReload(_) => must(environment, node, "systemctl daemon-reload", "daemonReload").await,
        Action::Run(script) => must(environment, node, script, "run").await,
    }
}

async fn replace_in_file(environment: &Environment, node: &str, replace: &ReplaceInFile) -> Result<(), RunError> {
    let wrong = |reason: String| RunError::Action { action: "replaceInFile".to_owned(), node: node.to_owned(), reason };
    let file = environment.nodes.read(node, &replace.path).await?.ok_or_else(|| wrong(format!("there is no file {}", replace.path)))?;
    let text = String::from_utf8(file.content).map_err(|_| wrong(format!("{} is not a text", replace.path)))?;
    if !text.contains(&replace.find) {
        return Err(wrong(format!("{} does not contain `{}`", replace.path, replace.find)));
    }
    let changed = text.replace(&replace.find, &replace.with);
    environment.nodes.write(node, &replace.path, changed.as_bytes(), None).await?;
    Ok(())
}

async fn write_file(environment: &Environment, node: &str, file: &WriteFile) -> Result<(), RunError> {
    let wrong = |reason: String| RunError::Action { action: "writeFile".to_owned(), node: node.to_owned(), reason };
    let mode = match &file.mode {
        Some(mode) => Some(u32::from_str_radix(mode, 8).map_err(|_| wrong(format!("`{mode}` is not a mode")))?),
        None => None,
    };
    environment.nodes.write(node, &file.path, file.content.as_bytes(), mode).await?;
    Ok(())
}

async fn must(environment: &Environment, node: &str, script: &str, action: &str) -> Result<(), RunError> {
    let output = environment.nodes.run(node, script, "").await?;
    if output.success() {
        return Ok(());
    }
    let reason = format!("`{script}` exited with {}: {}", output.status, output.stderr.trim());
    Err(RunError::Action { action: action.to_owned(), node: node.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeNodes, environment};
    use super::*;

    fn actions(json: serde_json::Value) -> Vec<Action> {
        serde_json::from_value(json).expect("actions")
    }

    #[tokio::test(start_paused = true)]
    async fn files_and_units_change_as_told() {
        let nodes = FakeNodes::with_files(&[("/a", "port: 1\nport: 1\n", 0o600)]);
        let environment = environment(nodes.clone());
        let list = serde_json::json!([
            {"replaceInFile": {"path": "/a", "find": "port: 1", "with": "port: 2"}},
            {"writeFile": {"path": "/b", "content": "x", "mode": "0640"}},
            {"stopUnit": "kubelet"}, {"disableUnit": "kubelet"}, {"daemonReload": {}}, {"restartUnit": "fails"},
        ]);
        perform(&environment, "worker-1", &actions(list)).await.expect("all of it");
        assert_eq!(nodes.file("/a"), Some(("port: 2\nport: 2\n".to_owned(), 0o600)));
        assert_eq!(nodes.file("/b"), Some(("x".to_owned(), 0o640)));
        assert_eq!(
            nodes.scripts(),
            ["systemctl stop 'kubelet'", "systemctl disable 'kubelet'", "systemctl daemon-reload", "systemctl restart 'fails'"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_an_error_of_the_content() {
        let environment = environment(FakeNodes::with_files(&[("/a", "x", 0o644)]));
        for (action, part) in [
            (serde_json::json!([{"replaceInFile": {"path": "/a", "find": "y", "with": "z"}}]), "does not contain `y`"),
            (serde_json::json!([{"replaceInFile": {"path": "/no", "find": "y", "with": "z"}}]), "no file /no"),
            (serde_json::json!([{"startUnit": "fails"}]), "exited with 1"),
            (serde_json::json!([{"writeFile": {"path": "/a", "content": "", "mode": "9"}}]), "not a mode"),
        ] {
            let error = perform(&environment, "worker-1", &actions(action)).await.expect_err(part);
            assert!(error.is_content() && error.to_string().contains(part), "{error}");
        }
    }
}
