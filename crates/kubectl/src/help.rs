//! `--help`.

use crate::command::{self, Command, GLOBAL};
use crate::flags::{Flag, Kind};

/// Commands by the headings of kubectl's own help.
const GROUPS: &[(&str, &[&str])] = &[
    ("Basic Commands (Beginner)", &["create", "expose", "run", "set"]),
    ("Basic Commands (Intermediate)", &["explain", "get", "edit", "delete"]),
    ("Deploy Commands", &["rollout", "scale", "autoscale"]),
    ("Cluster Management Commands", &["certificate", "cluster-info", "top", "cordon", "uncordon", "drain", "taint"]),
    (
        "Troubleshooting and Debugging Commands",
        &["describe", "logs", "attach", "exec", "port-forward", "proxy", "cp", "auth", "debug", "events"],
    ),
    ("Advanced Commands", &["diff", "apply", "patch", "replace", "wait", "kustomize"]),
    ("Settings Commands", &["label", "annotate", "completion"]),
    ("Other Commands", &["api-resources", "api-versions", "config", "plugin", "version"]),
];

/// The names of all commands in the order of the help text, which is that of upstream's command tree.
pub fn in_order() -> Vec<&'static str> {
    GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).filter(|n| command::children(&[]).iter().any(|c| c.name() == *n)).collect()
}

/// `kubectl --help`.
pub fn root() -> String {
    let mut out = String::from("kubectl controls the Kubernetes cluster manager.\n");
    let commands = command::children(&[]);
    for (title, names) in GROUPS {
        let found: Vec<&Command> = names.iter().filter_map(|n| commands.iter().copied().find(|c| c.name() == *n)).collect();
        if found.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{title}:\n"));
        for command in found {
            out.push_str(&format!("  {:<15} {}\n", command.name(), command.short));
        }
    }
    out.push_str("\nUsage:\n  kubectl [flags] [options]\n\n");
    out.push_str("Use \"kubectl <command> --help\" for more information about a given command.\n");
    out.push_str("Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n");
    out
}

/// `kubectl options`.
pub fn options() -> String {
    let mut out = String::from("The following options can be passed to any command:\n\n");
    let mut flags: Vec<&Flag> = GLOBAL.iter().filter(|f| f.name != "help").collect();
    flags.sort_by_key(|flag| flag.name);
    for flag in flags {
        out.push_str(&flag_lines(flag));
    }
    out
}

/// `kubectl get --help`.
pub fn command(command: &Command) -> String {
    let mut out = String::new();
    let long = if command.long.is_empty() { command.short } else { command.long };
    out.push_str(long.trim_end());
    out.push_str("\n\n");
    if !command.examples.is_empty() {
        out.push_str("Examples:\n");
        for line in command.examples.lines() {
            out.push_str(format!("  {line}").trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    let mut children = command::children(command.path);
    children.sort_by_key(|child| child.name());
    if !children.is_empty() {
        out.push_str("Available Commands:\n");
        for child in &children {
            out.push_str(&format!("  {:<15} {}\n", child.name(), child.short));
        }
        out.push('\n');
    }
    let mut flags: Vec<&Flag> = command.flags.iter().copied().flatten().collect();
    flags.sort_by_key(|f| f.name);
    if !flags.is_empty() {
        out.push_str("Options:\n");
        out.push_str(&flags.into_iter().map(flag_lines).collect::<Vec<_>>().join("\n"));
        out.push('\n');
    }
    let tail = if children.is_empty() { command.usage } else { "SUBCOMMAND" };
    out.push_str(&format!("Usage:\n  {} {tail} [options]\n\n", command.full_name()).replace("  [", " ["));
    if !children.is_empty() {
        out.push_str(&format!("Use \"{} <command> --help\" for more information about a given command.\n", command.full_name()));
    }
    out.push_str("Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n");
    out
}

fn flag_lines(flag: &Flag) -> String {
    let default = match flag.kind {
        Kind::List | Kind::Array => "[]".to_owned(),
        Kind::Text | Kind::Optional(_) => format!("'{}'", flag.default),
        _ => flag.default.to_owned(),
    };
    let short = flag.short.map_or_else(String::new, |c| format!("-{c}, "));
    format!("    {short}--{}={default}:\n\t{}\n", flag.name, flag.help)
}
