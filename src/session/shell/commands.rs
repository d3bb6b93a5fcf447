//! What the learner typed in the practice shell, with times, for the debrief. Read from the history that the shell
//! itself keeps in the session's folder.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::session::folder::Folder;

/// One typed command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// When.
    pub at: Timestamp,
    /// Where: `base` or a node.
    pub host: String,
    /// The line.
    pub line: String,
}

/// The practice shell's own history. Nothing is an answer too: a script leaves none.
pub fn typed(folder: &Folder) -> Vec<Typed> {
    let text = std::fs::read(folder.shell().join("history")).unwrap_or_default();
    parse(&String::from_utf8_lossy(&text))
}

/// bash writes `#1700000000` above each command, zsh `: 1700000000:0;command`.
fn parse(text: &str) -> Vec<Typed> {
    let at = |seconds: &str| seconds.trim().parse().ok().and_then(|s| Timestamp::from_second(s).ok());
    let entry = |at, line: &str| Typed { at, host: "base".into(), line: line.to_owned() };
    let mut found: Vec<Typed> = Vec::new();
    let mut time = None;
    for line in text.lines() {
        if let Some(stamp) = line.strip_prefix('#').and_then(at) {
            time = Some(stamp);
        } else if let Some((stamp, command)) = line.strip_prefix(": ").and_then(|rest| rest.split_once(';'))
            && let Some(stamp) = stamp.split(':').next().and_then(at)
        {
            found.push(entry(stamp, command));
            time = None;
        } else if let Some(stamp) = time.take() {
            found.push(entry(stamp, line));
        } else if let Some(last) = found.last_mut() {
            // A command of several lines.
            last.line.push('\n');
            last.line.push_str(line);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_shells_histories_are_understood() {
        let bash = parse("#1700000000\nkubectl get nodes\n#1700000005\nfor i in 1 2\ndo echo $i; done\n");
        assert_eq!(bash.len(), 2);
        assert_eq!((bash[1].at.as_second(), bash[1].line.as_str()), (1_700_000_005, "for i in 1 2\ndo echo $i; done"));
        let zsh = parse(": 1700000000:0;kubectl get nodes\n: 1700000002:1;ssh worker-2\n");
        assert_eq!(zsh[1].line, "ssh worker-2");
        assert!(parse("no times here\n").is_empty());
    }
}
