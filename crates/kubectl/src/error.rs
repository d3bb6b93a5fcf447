//! Errors and how kubectl prints them (`cmd/util/helpers.go`: `checkErr`, `StandardErrorMessage`).

use std::fmt::Write as _;

use serde_json::Value;

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Printed with `error: ` before it.
    #[error("{0}")]
    Message(String),
    /// Printed as it stands.
    #[error("{0}")]
    Verbatim(String),
    /// The server answered with a failure.
    #[error("{}", .0.message)]
    Status(Box<Status>),
    /// The server was not reached.
    #[error("{method} \"{url}\": {reason}")]
    Transport {
        /// HTTP method as Go prints it (`Get`).
        method: String,
        /// Whole URL.
        url: String,
        /// What the transport said.
        reason: String,
    },
    /// Several at once; each is printed on its own line.
    #[error("{}", join(.0))]
    Many(Vec<Error>),
    /// Nothing more to print.
    #[error("exit status {0}")]
    Exit(i32),
    /// Standard output or error could not be written.
    #[error("{0}")]
    Output(#[from] std::io::Error),
}

/// A `metav1.Status` that tells of a failure.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// HTTP code.
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, …; may be empty.
    pub reason: String,
    /// For people.
    pub message: String,
    /// The `details` object, or null.
    pub details: Value,
}

impl Error {
    /// A message that gets the prefix `error: `.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// A misuse of the command (`cmdutil.UsageErrorf`): the text, and where help is.
    pub fn usage(path: &str, text: impl std::fmt::Display) -> Self {
        Self::Message(format!("{text}\nSee '{path} -h' for help and examples"))
    }

    /// Reads the failure out of a response.
    pub fn from_response(code: u16, body: &[u8]) -> Self {
        let parsed = serde_json::from_slice::<Value>(body).ok().filter(|v| v["kind"] == "Status");
        let status = match parsed {
            Some(v) => Status {
                code: v["code"].as_u64().and_then(|c| u16::try_from(c).ok()).unwrap_or(code),
                reason: v["reason"].as_str().unwrap_or_default().to_owned(),
                message: v["message"].as_str().unwrap_or_default().to_owned(),
                details: v["details"].clone(),
            },
            None => generic(code, &String::from_utf8_lossy(body)),
        };
        Self::Status(Box::new(status))
    }

    /// The server's reason, if it gave one.
    pub fn reason(&self) -> &str {
        match self {
            Self::Status(status) => &status.reason,
            _ => "",
        }
    }

    /// The object or resource is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status(s) if s.reason == "NotFound" || s.code == 404)
    }

    /// Another write came first.
    pub fn is_conflict(&self) -> bool {
        self.reason() == "Conflict"
    }

    /// Makes one error of many; `None` if there are none.
    pub fn collect(mut errors: Vec<Self>) -> Option<Self> {
        match errors.len() {
            0 => None,
            1 => errors.pop(),
            _ => Some(Self::Many(errors)),
        }
    }

    /// What goes to standard error (without final newline), and the exit code.
    pub fn report(&self) -> (String, i32) {
        match self {
            Self::Exit(code) => (String::new(), *code),
            // A reader that went away ends kubectl by SIGPIPE.
            Self::Output(_) => (String::new(), 141),
            Self::Status(status) if status.reason == "Invalid" => (invalid(status), 1),
            Self::Many(errors) => {
                let mut lines: Vec<String> = Vec::new();
                flatten(errors, &mut lines);
                (lines.join("\n"), 1)
            }
            Self::Message(text) if !text.starts_with("error: ") => (format!("error: {text}"), 1),
            other => (other.line(), 1),
        }
    }

    /// One line, without the prefix that unrecognised errors get when they stand alone (`messageForError`).
    pub fn line(&self) -> String {
        match self {
            Self::Status(s) if s.reason == "Unauthorized" => format!("error: You must be logged in to the server ({})", s.message),
            Self::Status(s) if s.reason.is_empty() => format!("Error from server: {}", s.message),
            Self::Status(s) => format!("Error from server ({}): {}", s.reason, s.message),
            Self::Transport { url, reason, .. } if reason.contains("connection refused") => {
                let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest.split('/').next().unwrap_or(rest));
                format!("The connection to the server {host} was refused - did you specify the right host or port?")
            }
            Self::Transport { reason, .. } => format!("Unable to connect to the server: {reason}"),
            other => other.to_string(),
        }
    }
}

fn join(errors: &[Error]) -> String {
    match errors {
        [one] => one.to_string(),
        many => format!("[{}]", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn flatten(errors: &[Error], lines: &mut Vec<String>) {
    for error in errors {
        match error {
            Error::Many(inner) => flatten(inner, lines),
            Error::Exit(_) => {}
            other => lines.push(other.line()),
        }
    }
}

fn invalid(status: &Status) -> String {
    let text = |key: &str| status.details[key].as_str().unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let causes = status.details["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut head = "The request is invalid".to_owned();
    if !kind.is_empty() || !name.is_empty() {
        head = format!("The {kind} {name:?} is invalid");
    } else if !status.message.is_empty() && causes.is_empty() {
        let _ = write!(head, ": {}", status.message);
    }
    let mut lines: Vec<String> = Vec::new();
    for cause in causes {
        let line = format!("{}: {}", cause["field"].as_str().unwrap_or_default(), cause["message"].as_str().unwrap_or_default());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    match lines.as_slice() {
        [] => head,
        [one] => format!("{head}: {one}"),
        many => {
            head.push_str(": ");
            for line in many {
                let _ = write!(head, "\n* {line}");
            }
            head
        }
    }
}

/// What client-go makes of a failure without a Status body (`NewGenericServerResponse`).
fn generic(code: u16, body: &str) -> Status {
    let body = body.trim();
    let (reason, message) = match code {
        401 => ("Unauthorized", "the server has asked for the client to provide credentials".to_owned()),
        403 => ("Forbidden", if body.is_empty() { "unknown".to_owned() } else { body.to_owned() }),
        404 => ("NotFound", "the server could not find the requested resource".to_owned()),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource".to_owned()),
        409 => ("Conflict", "the server reported a conflict".to_owned()),
        415 => ("UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: ".to_owned()),
        429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later".to_owned()),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".to_owned()),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
        ),
        500.. => ("InternalError", format!("an error on the server ({body:?}) has prevented the request from succeeding")),
        _ => ("Unknown", format!("the server responded with the status code {code} but did not return more information")),
    };
    Status { code, reason: reason.to_owned(), message, details: Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_follow_kubectl() {
        let not_found = br#"{"kind":"Status","code":404,"reason":"NotFound","message":"pods \"x\" not found"}"#;
        let invalid = br#"{"kind":"Status","code":422,"reason":"Invalid","message":"m","details":{"kind":"Pod","name":"x","causes":[{"field":"a","message":"b"},{"field":"c","message":"d"}]}}"#;
        let transport =
            |reason: &str| Error::Transport { method: "Get".into(), url: "https://10.0.0.1:6443/api".into(), reason: reason.into() };
        for (error, want) in [
            (Error::from_response(404, not_found), "Error from server (NotFound): pods \"x\" not found"),
            (Error::from_response(422, invalid), "The Pod \"x\" is invalid: \n* a: b\n* c: d"),
            (
                Error::from_response(401, br#"{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}"#),
                "error: You must be logged in to the server (Unauthorized)",
            ),
            (
                transport("dial tcp 10.0.0.1:6443: connect: connection refused"),
                "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
            ),
            (transport("EOF"), "Unable to connect to the server: EOF"),
            (Error::message("no"), "error: no"),
            (
                Error::Many(vec![Error::message("a"), Error::from_response(404, not_found)]),
                "a\nError from server (NotFound): pods \"x\" not found",
            ),
        ] {
            assert_eq!(error.report(), (want.to_owned(), 1));
        }
    }
}
