//! Errors as the user meets them: what is wrong, where, and what to do next.
//!
//! | code | means |
//! |---|---|
//! | 0 | done; where something is graded: full points, or a quiz's pass mark |
//! | 1 | graded, below full points, or below a quiz's pass mark |
//! | 2 | usage: an unknown command, option or id |
//! | 3 | environment: no session, no cluster, nothing writable, or not graded |
//! | 4 | content: a scenario, question or curriculum is wrong |
//! | 70 | a bug in ckaprep |

use std::error::Error;
use std::fmt;

use serde_json::json;

use crate::content::Findings;
use crate::render::style::Style;
use crate::render::wrap::wrap;
use crate::session::SessionError;
use crate::store::StoreError;

/// What a user can do about an error depends on its kind; so does the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line.
    Usage,
    /// The machine, a session, a cluster.
    Environment,
    /// A content file.
    Content,
    /// Our own fault.
    Bug,
}

impl Kind {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Content => 4,
            Self::Bug => 70,
        }
    }

    /// The kind that an exit code stands for.
    pub fn of_code(code: u8) -> Self {
        match code {
            2 => Self::Usage,
            4 => Self::Content,
            70 => Self::Bug,
            _ => Self::Environment,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Environment => "environment",
            Self::Content => "content",
            Self::Bug => "bug",
        }
    }
}

/// An error at the edge.
#[derive(Debug)]
pub struct CliError {
    /// Kind.
    pub kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    /// Findings with spans; they are shown with their snippets.
    findings: Findings,
}

impl CliError {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None, findings: Findings::default() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The machine, a session or a cluster is not as needed.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Kind::Environment, message)
    }

    /// A content file is wrong.
    pub fn content(message: impl Into<String>) -> Self {
        Self::new(Kind::Content, message)
    }

    /// Something that cannot be.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message).hint("this is a bug in ckaprep: please report what you did")
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the next step, if there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// With what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// With findings that have a place in a file.
    #[must_use]
    pub fn findings(mut self, findings: Findings) -> Self {
        self.findings.extend(findings);
        self
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.kind.code()
    }

    /// The sources, outermost first, each said once.
    fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut source = self.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = source {
            let text = error.to_string();
            if !causes.contains(&text) && text != self.message {
                causes.push(text);
            }
            source = error.source();
        }
        causes
    }

    /// Message with its causes, and the next step: for places that take one line.
    pub fn in_one_line(&self) -> (String, Option<String>) {
        let mut message = self.message.clone();
        let findings = self.findings.iter().map(ToString::to_string);
        for cause in self.causes().into_iter().chain(findings) {
            message.push_str(": ");
            message.push_str(&cause);
        }
        (message, self.hint.clone())
    }

    /// As text: for a terminal of so many columns, or unwrapped where there is none.
    pub fn to_text(&self, colour: bool, width: Option<usize>) -> String {
        let style = Style::new(colour);
        let mut message = self.message.clone();
        for cause in self.causes() {
            message.push_str(": ");
            message.push_str(&cause);
        }
        let line = |label: String, text: &str, indent: &str| match width {
            Some(width) if !text.contains('\n') => wrap(text, width, &label, indent),
            _ => format!("{label}{text}\n"),
        };
        let mut text = line(format!("{}: ", style.bad("error")), &message, "       ");
        text.push_str(&self.findings.render(colour, width.unwrap_or(100).max(40)));
        if let Some(hint) = &self.hint {
            text.push_str(&line(format!(" {} ", style.dim("next:")), hint, "       "));
        }
        text
    }

    /// As JSON, for `--format json`.
    pub fn to_json(&self) -> serde_json::Value {
        let findings: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        json!({"error": {
            "kind": self.kind.as_str(),
            "message": self.message,
            "causes": self.causes(),
            "findings": findings,
            "next": self.hint,
            "exitCode": self.code(),
        }})
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        let kind = match &error {
            SessionError::Start { code, .. } | SessionError::Refused { code, .. } => Kind::of_code(*code),
            SessionError::NotFound { wanted: Some(_), .. } | SessionError::Ambiguous { .. } => Kind::Usage,
            _ => Kind::Environment,
        };
        let mut made = Self::new(kind, error.to_string()).maybe_hint(error.hint());
        if error.source().is_some() {
            made.source = Some(Box::new(error));
        }
        made
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::environment(error.to_string()).because(error).hint("`ckaprep doctor` looks at the state directory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_and_the_next_step_stands_at_the_end() {
        let source = SessionError::file("write", "/x")(std::io::Error::other("disk full"));
        let text = CliError::from(source).to_text(false, Some(80));
        assert!(text.starts_with("error: cannot write /x: disk full\n"), "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with(" next: check the permissions"), "{text}");
    }

    #[test]
    fn codes_and_kinds_agree() {
        for kind in [Kind::Usage, Kind::Environment, Kind::Content, Kind::Bug] {
            assert_eq!(Kind::of_code(kind.code()), kind);
        }
    }
}
