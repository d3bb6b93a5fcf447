//! Units, files and commands of nodes.

use serde_json::json;

use super::rounds::Readings;
use crate::backend::{AccessError, Environment, Output};
use crate::grade::{Fact, Observation};
use crate::model::quote;

/// All units of one node, in one go.
pub async fn units(environment: &Environment, node: String, units: Vec<String>) -> Readings {
    let answer = environment.nodes.run(&node, &unit_script(&units), "").await;
    let readings = units.into_iter().map(|unit| {
        let observation = match &answer {
            Ok(output) => unit_state(&unit, output),
            Err(error) => unread(error),
        };
        (Fact::Unit { node: node.clone(), unit }, observation)
    });
    readings.collect()
}

/// Prints `unit|active|enabled` for each. The words come on standard output also where the commands fail.
fn unit_script(units: &[String]) -> String {
    let names: Vec<String> = units.iter().map(|unit| quote(unit)).collect();
    format!(
        "for unit in {}; do\n  active=$(systemctl is-active \"$unit\" 2>/dev/null)\n  enabled=$(systemctl is-enabled \"$unit\" 2>/dev/null)\n  echo \"$unit|$active|$enabled\"\ndone",
        names.join(" ")
    )
}

fn unit_state(unit: &str, output: &Output) -> Observation {
    let line = output.stdout.lines().find_map(|line| line.strip_prefix(unit)?.strip_prefix('|'));
    match line.and_then(|rest| rest.split_once('|')) {
        // systemctl says `not-found` (newer) or nothing (older) for a unit that does not exist.
        Some((_, "" | "not-found")) => Observation::Absent,
        Some((active, enabled)) => Observation::Value(json!({"active": active, "enabled": enabled})),
        None => Observation::Unobservable(format!("systemctl did not answer: {}", output.stderr.trim())),
    }
}

/// A file.
pub async fn file(environment: &Environment, node: String, path: String) -> Readings {
    let observation = match environment.nodes.read(&node, &path).await {
        Ok(Some(file)) => Observation::Value(json!({
            "content": String::from_utf8_lossy(&file.content),
            "mode": format!("{:04o}", file.mode & 0o7777),
            "owner": file.owner,
        })),
        Ok(None) => Observation::Absent,
        Err(error) => unread(&error),
    };
    vec![(Fact::File { node, path }, observation)]
}

/// A command.
pub async fn command(environment: &Environment, node: String, script: String) -> Readings {
    let observation = match environment.nodes.run(&node, &script, "").await {
        Ok(output) => Observation::Value(json!({"status": output.status, "stdout": output.stdout, "stderr": output.stderr})),
        Err(error) => unread(&error),
    };
    vec![(Fact::NodeCommand { node, script }, observation)]
}

fn unread(error: &AccessError) -> Observation {
    Observation::Unobservable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_their_lines() {
        let output =
            Output { stdout: "kubelet|activating|enabled\ncontainerd|inactive|\nnew|inactive|not-found\n".into(), ..Output::default() };
        assert_eq!(unit_state("kubelet", &output), Observation::Value(json!({"active": "activating", "enabled": "enabled"})));
        assert_eq!(unit_state("containerd", &output), Observation::Absent);
        assert_eq!(unit_state("new", &output), Observation::Absent);
        assert!(matches!(unit_state("other", &output), Observation::Unobservable(_)));
        assert!(unit_script(&["it's".into()]).contains("'it'\\''s'"));
    }
}
