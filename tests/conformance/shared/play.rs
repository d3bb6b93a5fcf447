//! Carries a case out on some cluster.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde_json::Value;

use super::answers::Answer;
use super::case::{Case, Step, Topic};
use super::normal::{self, Names};

/// Tries of a step that waits, about a second apart.
const TRIES: usize = 120;

/// What a command or request gave back.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

/// An HTTP request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub content: String,
    pub body: String,
    pub user: Option<String>,
}

/// A cluster that can be asked.
pub trait Player: Send + Sync {
    /// Runs a script where kubectl is; the current namespace and directory are the case's.
    fn shell<'a>(&'a self, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply>;
    /// Runs a script as root on a node, by its real name.
    fn node<'a>(&'a self, node: &'a str, script: &'a str, stdin: &'a str) -> BoxFuture<'a, Reply>;
    /// Sends a request as the administrator.
    fn http<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Reply>;
    /// Lets a moment pass.
    fn pause(&self) -> BoxFuture<'_, ()>;
    /// Writes a file into the case's directory.
    fn file<'a>(&'a self, name: &'a str, content: &'a str) -> BoxFuture<'a, ()>;
    /// What its nodes are called.
    fn names(&self) -> &Names;
}

/// The answers of a case's steps, or why it could not be carried out.
pub async fn play(topic: &Topic, case: &Case, player: &dyn Player) -> Result<Vec<Answer>, String> {
    let files: BTreeMap<&String, &String> = topic.files.iter().chain(&case.files).collect();
    let named = |text: &str| player.names().to_real(&text.replace("{ns}", &case.name));
    for (name, content) in files {
        player.file(name, &named(content)).await;
    }
    let mut answers = Vec::new();
    for written in &case.steps {
        let step = Step { run: named(&written.run), body: named(&written.body), stdin: named(&written.stdin), ..written.clone() };
        let reply = answered(&step, case, player).await?;
        if step.quiet {
            if reply.status != 0 {
                return Err(format!("$ {}\nexit {}\n{}{}", step.asked(), reply.status, reply.stdout, reply.stderr));
            }
            continue;
        }
        answers.push(normalised(written, &reply, player.names()));
    }
    Ok(answers)
}

async fn answered(step: &Step, case: &Case, player: &dyn Player) -> Result<Reply, String> {
    for attempt in 0.. {
        let reply = match (&step.http, &step.on) {
            (Some(request), _) => {
                let (method, path) = request.split_once(' ').ok_or_else(|| format!("`{request}` is no method and path"))?;
                let content = step.content.clone().unwrap_or_else(|| "application/json".to_owned());
                let path = path.replace("{ns}", &case.name);
                player.http(&Request { method: method.to_owned(), path, content, body: step.body.clone(), user: step.user.clone() }).await
            }
            (None, Some(node)) => {
                let real = player.names().real(node).ok_or_else(|| format!("there is no node {node}"))?;
                player.node(real, &step.run, &step.stdin).await
            }
            (None, None) => player.shell(&step.run, &step.stdin).await,
        };
        let Some(wanted) = &step.until else { return Ok(reply) };
        if format!("{}{}", reply.stdout, reply.stderr).contains(wanted) {
            return Ok(reply);
        }
        if attempt == TRIES {
            return Err(format!("$ {}\nnever said {wanted:?}; the last time:\n{}{}", step.asked(), reply.stdout, reply.stderr));
        }
        player.pause().await;
    }
    unreachable!("the loop has no end of its own")
}

fn normalised(step: &Step, reply: &Reply, names: &Names) -> Answer {
    let stdout = match serde_json::from_str::<Value>(&reply.stdout) {
        // The order of JSON's fields means nothing.
        Ok(value) if value.is_object() => serde_json::to_string_pretty(&sorted(value)).unwrap_or_default(),
        _ => reply.stdout.clone(),
    };
    let marked = |mark: &str, text: &str| -> Vec<String> {
        let mut lines: Vec<String> =
            text.lines().map(|line| format!("{mark} {}", normal::line(line, names)).trim_end().to_owned()).collect();
        if step.unordered {
            lines.sort();
        }
        lines
    };
    let mut lines = marked("|", &stdout);
    lines.extend(marked("!", &reply.stderr));
    let usual = if step.http.is_some() { 200 } else { 0 };
    Answer { asked: step.asked(), lines, status: if reply.status == usual { 0 } else { reply.status } }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
