//! What differs from run to run and from cluster to cluster is replaced by a word in angle brackets, on both sides of a comparison.

use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::pattern::AGE;

/// Names of a cluster's nodes, and what they are called in recorded answers: `control-plane`, `worker-1` and so on.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Real names with the recorded ones.
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        // kind's `x-worker` begins `x-worker2`.
        pairs.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
        Self(pairs)
    }

    /// The cluster's name of a node.
    pub fn real(&self, recorded: &str) -> Option<&str> {
        self.0.iter().find(|(_, ours)| ours == recorded).map(|(real, _)| real.as_str())
    }

    /// A command line with the cluster's names of nodes.
    pub fn to_real(&self, text: &str) -> String {
        // One pass, so that a name that was put in is not looked at again.
        replace_all(text, &self.0.iter().map(|(real, ours)| (ours.as_str(), real.as_str())).collect::<Vec<_>>())
    }

    fn to_recorded(&self, text: &str) -> String {
        replace_all(text, &self.0.iter().map(|(real, ours)| (real.as_str(), ours.as_str())).collect::<Vec<_>>())
    }
}

fn replace_all(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let begins = !out.chars().next_back().is_some_and(word);
        match pairs.iter().find(|(from, _)| begins && rest.starts_with(from)) {
            Some((from, to)) => {
                out.push_str(to);
                rest = &rest[from.len()..];
            }
            None => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// Letters and digits of generated names (apimachinery's `rand.String`).
const GENERATED: &str = "[bcdfghjklmnpqrstvwxz2456789]";

fn rules() -> &'static [(Regex, &'static str)] {
    static RULES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    RULES.get_or_init(|| {
        let rules: &[(&str, &str)] = &[
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
            (r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})", "<stamp>"),
            (r"dial tcp (?:\[::1\]|127\.0\.0\.1):8080", "dial tcp <localhost>:8080"),
            (r"X509SHA256=[0-9a-f]{64}", "X509SHA256=<hex>"),
            (r#""[0-9a-f]{64}""#, "\"<hex>\""),
            (r"\b[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}", "<date>"),
            (r"\b([EWIF])\d{4} \d{2}:\d{2}:\d{2}\.\d{6}\s+\d+", "$1<klog>"),
            (r"\b([a-z_]+\.go):\d+\]", "$1:<n>]"),
            (r#"(resourceVersion"?: ?)"?\d+"?"#, "$1<n>"),
            (r"\beyJ[A-Za-z0-9_.-]{40,}", "<token>"),
            (r"sha256:[0-9a-f]{64}", "sha256:<hex>"),
            (r"containerd://[0-9a-f]{64}", "containerd://<hex>"),
            (r"https://(?:127\.0\.0\.1|localhost|172\.\d+\.\d+\.\d+|control-plane):\d+", "https://<server>"),
            (r"\b(?:10|172|192\.168)(?:\.\d{1,3}){2,3}(?::6443)?\b", "<ip>"),
            (r"(\d+):3\d{4}/(TCP|UDP)", "$1:<port>/$2"),
            (r#"(nodePort"?:\s+)3\d{4}"#, "$1<port>"),
            (r"(NodePort:\s+\S+\s+)3\d{4}/", "$1<port>/"),
            (r"/tmp/[A-Za-z0-9_./-]*kubectl[A-Za-z0-9_.-]*|/tmp/(?:LIVE|MERGED)-\d+", "<tmp>"),
            (r"(pod-template-hash|controller-revision-hash)([=:]\s*)[a-z0-9]+(?:-[a-z0-9]+)*", "$1$2<hash>"),
        ];
        let mut compiled: Vec<(Regex, &'static str)> =
            rules.iter().map(|(from, to)| (Regex::new(from).unwrap_or_else(|e| panic!("{from}: {e}")), *to)).collect();
        let generated = [
            (format!(r"\b([a-z][a-z0-9.-]*?)-{GENERATED}{{8,10}}-{GENERATED}{{5}}\b"), "$1-<hash>-<name>"),
            (format!(r"\b([a-z][a-z0-9.-]*?)-{GENERATED}{{8,10}}\b"), "$1-<hash>"),
            (format!(r"\b([a-z][a-z0-9.-]*?)-{GENERATED}{{5}}\b"), "$1-<name>"),
        ];
        compiled.extend(generated.iter().map(|(from, to)| (Regex::new(from).unwrap_or_else(|e| panic!("{from}: {e}")), *to)));
        compiled
    })
}

/// A duration that stands alone. Those that somebody chose (`for 300s`, `delay=5s`) do not.
fn ages(line: &str) -> String {
    static ALONE: OnceLock<Regex> = OnceLock::new();
    let alone = ALONE.get_or_init(|| {
        let pattern = format!(r"^(\(?)(?:{AGE}|<invalid>)(\)?[,.]?)$");
        Regex::new(&pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"))
    });
    let mut before = "";
    let mut out = String::with_capacity(line.len());
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if before != "for" && before != "timeout" {
            out.push_str(&alone.replace(word, |found: &Captures<'_>| format!("{}<age>{}", &found[1], &found[2])));
        } else {
            out.push_str(word);
        }
        out.push_str(&piece[word.len()..]);
        if !word.is_empty() {
            before = word;
        }
    }
    out
}

/// Indentation is kept; columns are as wide as their contents, so any wider gap is two spaces.
fn gaps(line: &str) -> String {
    static GAP: OnceLock<Regex> = OnceLock::new();
    let gap = GAP.get_or_init(|| Regex::new(r"[ \t]{2,}|\t").unwrap_or_else(|e| panic!("{e}")));
    let line = line.trim_end();
    let start = line.len() - line.trim_start().len();
    format!("{}{}", line[..start].replace('\t', "    "), gap.replace_all(&line[start..], "  "))
}

/// One line as it is compared.
pub fn line(text: &str, names: &Names) -> String {
    let mut text = names.to_recorded(text);
    for (rule, replacement) in rules() {
        text = rule.replace_all(&text, *replacement).into_owned();
    }
    let text = gaps(&ages(&text));
    released(&text).unwrap_or(text)
}

/// A kubectl that is built into one program with other components ends through component-base's `cli.Run`, which logs what the
/// released one prints.
fn released(line: &str) -> Option<String> {
    const LOGGED: &str = "E<klog> run.go:<n>] \"command failed\" err=\"";
    if let Some(error) = line.strip_prefix(LOGGED) {
        return Some(format!("error: {}", error.strip_suffix('"')?.replace("\\\"", "\"")));
    }
    line.strip_prefix("Error: ").map(|error| format!("error: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced_and_what_was_chosen_stays() {
        let names = Names::new(vec![("x-worker".into(), "worker-1".into()), ("x-worker2".into(), "worker-2".into())]);
        let cases = [
            ("web-6d8f7c9b5d-x7k2p   1/1     Running   1 (5s ago)   26d", "web-<hash>-<name>  1/1  Running  1 (<age> ago)  <age>"),
            ("  Tolerations:  op=Exists for 300s", "  Tolerations:  op=Exists for 300s"),
            ("x-worker2,x-worker", "worker-2,worker-1"),
            ("Liveness: delay=5s timeout=1s", "Liveness: delay=5s timeout=1s"),
            ("web  NodePort  10.96.3.4  <none>  80:31234/TCP  2m3s", "web  NodePort  <ip>  <none>  80:<port>/TCP  <age>"),
            ("    resourceVersion: \"1234\"", "    resourceVersion: <n>"),
            ("pods \"nope\" not found", "pods \"nope\" not found"),
            (
                r#"E1124 12:46:01.123456    4242 run.go:72] "command failed" err="required flag(s) \"image\" not set""#,
                "error: required flag(s) \"image\" not set",
            ),
            ("deployment.apps/web-frontend", "deployment.apps/web-frontend"),
        ];
        for (real, normal) in cases {
            assert_eq!(line(real, &names), normal, "{real}");
        }
    }
}
