//! The table of commands: what each is called, what flags it has, and how words find it (spf13/cobra's rules).

use futures::future::BoxFuture;

use crate::commands;
use crate::context::Context;
use crate::error::Error;
use crate::flags::{Flag, Kind, flag, short};

/// The function that carries a command out.
pub type Run = for<'a> fn(&'a Context) -> BoxFuture<'a, Result<(), Error>>;

/// One command.
#[derive(Clone, Copy)]
pub struct Command {
    /// Words after `kubectl`: `["create", "deployment"]`.
    pub path: &'static [&'static str],
    /// Other names of the last word.
    pub aliases: &'static [&'static str],
    /// What follows the path in the usage line.
    pub usage: &'static str,
    /// One line for lists of commands.
    pub short: &'static str,
    /// Explanation above the examples.
    pub long: &'static str,
    /// Examples, one comment and one command line each.
    pub examples: &'static str,
    /// Groups of flags.
    pub flags: &'static [&'static [Flag]],
    /// What takes the place of words in Tab completion.
    pub completes: Completes,
    /// `None` for a command that only has subcommands.
    pub run: Option<Run>,
}

/// What the arguments of a command name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// Nothing that could be listed.
    Nothing,
    /// `TYPE NAME…` or `TYPE/NAME`.
    Resources,
    /// Resource types only.
    Types,
    /// Names of one resource.
    NamesOf(&'static str),
    /// Names of pods, or `TYPE/NAME` of what owns pods.
    Pods,
    /// Contexts of the kubeconfig.
    Contexts,
}

impl Command {
    /// `kubectl create deployment`.
    pub fn full_name(&self) -> String {
        let mut name = "kubectl".to_owned();
        for word in self.path {
            name.push(' ');
            name.push_str(word);
        }
        name
    }

    /// The last word of the path.
    pub fn name(&self) -> &'static str {
        self.path.last().copied().unwrap_or("kubectl")
    }

    /// Its flags and the global ones.
    pub fn all_flags(&self) -> Vec<&'static [Flag]> {
        let mut all = self.flags.to_vec();
        all.push(GLOBAL);
        all
    }

    fn answers_to(&self, word: &str) -> bool {
        self.name() == word || self.aliases.contains(&word)
    }
}

/// Flags that every command has.
pub const GLOBAL: &[Flag] = &[
    short("help", 'h', Kind::Bool, "false", "Print help."),
    short("namespace", 'n', Kind::Text, "", "Namespace that the request is about."),
    flag("kubeconfig", Kind::Text, "", "Kubeconfig file to use."),
    flag("context", Kind::Text, "", "Context of the kubeconfig to use."),
    flag("cluster", Kind::Text, "", "Cluster of the kubeconfig to use."),
    flag("user", Kind::Text, "", "User of the kubeconfig to use."),
    short("server", 's', Kind::Text, "", "Address and port of the API server."),
    flag("token", Kind::Text, "", "Bearer token for the API server."),
    flag("as", Kind::Text, "", "User to impersonate."),
    flag("as-group", Kind::Array, "", "Group to impersonate; may be repeated."),
    flag("as-uid", Kind::Text, "", "UID to impersonate."),
    flag("certificate-authority", Kind::Text, "", "File with the certificate authority's certificate."),
    flag("client-certificate", Kind::Text, "", "File with the client's certificate."),
    flag("client-key", Kind::Text, "", "File with the client's key."),
    flag("insecure-skip-tls-verify", Kind::Bool, "false", "Accept any certificate of the server."),
    flag("tls-server-name", Kind::Text, "", "Name to expect in the server's certificate."),
    flag("request-timeout", Kind::Text, "0", "How long to wait for one answer; 0 waits for ever."),
    flag("cache-dir", Kind::Text, "", "Cache directory (accepted; nothing is cached on disk)."),
    flag("disable-compression", Kind::Bool, "false", "Ask for uncompressed answers."),
    flag("match-server-version", Kind::Bool, "false", "Require that the server has the client's version."),
    flag("warnings-as-errors", Kind::Bool, "false", "Treat warnings of the server as errors."),
    short("v", 'v', Kind::Int, "0", "Level of log output."),
    flag("vmodule", Kind::Text, "", "Level of log output by file."),
    flag("log-flush-frequency", Kind::Duration, "5s", "Longest time between log flushes."),
    flag("password", Kind::Text, "", "Password for basic authentication."),
    flag("username", Kind::Text, "", "User name for basic authentication."),
    flag("profile", Kind::Text, "none", "Profile to capture."),
    flag("profile-output", Kind::Text, "profile.pprof", "File for the profile."),
];

/// What a command line names.
pub enum Found {
    /// A command, and the remaining words.
    Command(&'static Command, Vec<String>),
    /// No words at all, or only `--help`.
    Root,
    /// A first word that is no command.
    Unknown(String),
}

/// Finds the command that `words` (without the program's name) begin with. Flags may stand before it.
pub fn find(words: &[String]) -> Found {
    let mut rest = words.to_vec();
    let mut found: Option<&'static Command> = None;
    loop {
        let depth = found.map_or(0, |c| c.path.len());
        let prefix: &[&str] = found.map_or(&[], |c| c.path);
        let flags = found.map_or_else(|| vec![GLOBAL], |c| c.all_flags());
        let Some(at) = first_argument(&rest, &flags) else { break };
        let next =
            commands::all().iter().copied().find(|c| c.path.len() == depth + 1 && c.path.starts_with(prefix) && c.answers_to(&rest[at]));
        match next {
            Some(command) => {
                rest.remove(at);
                found = Some(command);
            }
            None if depth == 0 => return Found::Unknown(rest[at].clone()),
            None => break,
        }
    }
    found.map_or(Found::Root, |command| Found::Command(command, rest))
}

/// Position of the first word that is neither a flag nor a flag's value (cobra's `stripFlags`).
fn first_argument(words: &[String], known: &[&'static [Flag]]) -> Option<usize> {
    let takes_value = |found: Option<&Flag>| !found.is_some_and(|f| matches!(f.kind, Kind::Bool | Kind::Optional(_)));
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        if word == "--" {
            return None;
        } else if let Some(name) = word.strip_prefix("--") {
            let flag = known.iter().copied().flatten().find(|f| f.name == name);
            at += if !name.contains('=') && takes_value(flag) { 2 } else { 1 };
        } else if word.len() > 1 && word.starts_with('-') {
            let only = word.chars().count() == 2;
            let flag = known.iter().copied().flatten().find(|f| f.short == word.chars().nth(1));
            at += if only && takes_value(flag) { 2 } else { 1 };
        } else {
            return Some(at);
        }
    }
    None
}

/// Commands directly below `path`.
pub fn children(path: &[&str]) -> Vec<&'static Command> {
    commands::all().iter().copied().filter(|c| c.path.len() == path.len() + 1 && c.path.starts_with(path)).collect()
}

/// `Did you mean this?` (cobra's `SuggestionsFor`: distance up to two, or a prefix).
pub fn suggestions(word: &str) -> Vec<&'static str> {
    let word = word.to_lowercase();
    crate::help::in_order().into_iter().filter(|name| strsim::levenshtein(&word, name) <= 2 || name.starts_with(&word)).collect()
}
